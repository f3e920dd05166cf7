import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';

export const PAGE_DEFAULT = 50;
export const PAGE_MAX = 200;

/** The part of a list that is wanted. */
export class PageQuery {
  /** How many items, 1 to 200. */
  @ApiPropertyOptional()
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(PAGE_MAX)
  limit: number = PAGE_DEFAULT;

  /** The `cursor` of the page before; without it, the first page. */
  @IsOptional()
  @IsString()
  @MaxLength(1000)
  cursor?: string;
}
