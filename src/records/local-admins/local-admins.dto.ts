import { ApiProperty } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsOptional,
  IsString,
  MaxLength,
  MinLength,
} from 'class-validator';
import { IsPlainText } from '../../platform/plain-text.js';

export class InviteLocalAdminBody {
  @IsPlainText(255)
  userName: string;

  @IsOptional()
  @IsPlainText(255)
  displayName?: string;

  /** Keys of the roles that they hold; none with more than you hold yourself. */
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(50)
  @ArrayUnique()
  @IsString({ each: true })
  @MaxLength(64, { each: true })
  roles: string[];
}

/** Someone who can log in with a password of Rollcall's own. */
export class LocalAdminView {
  userId: string;
  /** The name that they log in with. */
  userName: string | null;
  displayName: string | null;
  /** False until the link was used. */
  passwordSet: boolean;
  /** From a network that guessed wrong, no attempt counts before this; others are let in. */
  @ApiProperty({ format: 'date-time' }) lockedUntil: string | null;
}

export class LocalAdminLinkView extends LocalAdminView {
  /**
   * Works once: they set their password with it. Shown this once. It is over when they are given roles with more of
   * Rollcall's own permissions, or are merged with another user.
   */
  @ApiProperty({ example: 'https://rollcall.example.com/setup#token=…' }) link: string;
  @ApiProperty({ format: 'date-time' }) linkExpiresAt: string;
}

export class LocalAdminPage {
  items: LocalAdminView[];
  /** Of the next page; null on the last. */
  cursor: string | null;
}

export class LinkBody {
  /** What stands behind `#token=` in the link. */
  @IsString()
  @MinLength(1)
  @MaxLength(200)
  token: string;
}

export class SetupBody extends LinkBody {
  /** The name to log in with; where the link is for someone who has one, leave it out. */
  @IsOptional()
  @IsPlainText(255)
  userName?: string;

  @IsOptional()
  @IsPlainText(255)
  displayName?: string;

  @IsString()
  @MinLength(12)
  @MaxLength(200)
  password: string;
}

/** What a link is for. */
export class LinkPurposeView {
  purpose: 'first-operator' | 'invite-owner' | 'reset-password';
  /** The slug of the tenant; null for the first operator. */
  tenant: string | null;
  /** Null: to be chosen. */
  userName: string | null;
}

/** Where the person can log in now. */
export class SetupView {
  userName: string;
  /** Slugs. */
  tenants: string[];
}
