import { ApiProperty } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString, Matches } from 'class-validator';
import { formatTime } from '../../platform/clock.js';
import { IsPlainText } from '../../platform/plain-text.js';
import type { TenantEntity } from './tenant.entity.js';

const SLUG = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

export class CreateTenantBody {
  /** What people type to name it at login; never changes. Lower-case letters, digits, hyphens. */
  @IsString()
  @Matches(SLUG, { message: 'slug must be 1 to 63 of a-z, 0-9 and hyphens, no hyphen at its ends' })
  slug: string;

  @IsPlainText(200)
  name: string;
}

export class DeleteTenantQuery {
  /** `true`: delete it although it holds users or connections. */
  @IsOptional()
  @IsIn(['true', 'false'])
  force?: 'true' | 'false';
}

export class ChangeTenantBody {
  @IsPlainText(200)
  name: string;
}

export class EnterTenantBody {
  /** Why: the customer reads it in their ledger. */
  @IsPlainText(400)
  reason: string;
}

/** A customer. */
export class TenantView {
  id: string;
  slug: string;
  name: string;
  /** `deleting`: a deletion was begun and goes on. */
  status: 'active' | 'suspended' | 'deleting';
  version: number;
  @ApiProperty({ format: 'date-time' }) createdAt: string;
  @ApiProperty({ format: 'date-time' }) updatedAt: string;
}

export class LinkView {
  /** Works once. Give it to nobody but the person it is for. */
  @ApiProperty({ example: 'https://rollcall.example.com/setup#token=…' }) link: string;
  @ApiProperty({ format: 'date-time' }) expiresAt: string;
}

export class NewTenantView extends TenantView {
  /** For its first owner. Shown this once. */
  invite: LinkView;
}

export class TenantPage {
  items: TenantView[];
  /** Of the next page; null on the last. */
  cursor: string | null;
}

/** An hour inside a tenant. */
export class TenantAccessView {
  /** An API key of the tenant, with what its role `admin` may do except making keys. Shown this once. */
  @ApiProperty({ example: 'rc_3kF9aZ01_…' }) key: string;
  /** The key's id, by which both ledgers name it. */
  keyId: string;
  scopes: string[];
  @ApiProperty({ format: 'date-time' }) expiresAt: string;
}

export function toTenantView(row: TenantEntity): TenantView {
  return {
    id: row.id,
    slug: row.slug,
    name: row.name,
    status: row.status,
    version: row.version,
    createdAt: formatTime(row.createdAt),
    updatedAt: formatTime(row.updatedAt),
  };
}
