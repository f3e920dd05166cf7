import { IsBoolean, IsOptional, IsString, MaxLength, MinLength } from 'class-validator';
import { formatTime } from '../platform/clock.js';
import type { KeyOrders } from '../records/connections/connection.entity.js';

export class BanKeyBody {
  /** The `kid` of the key, as the provider publishes it. */
  @IsString() @MinLength(1) @MaxLength(256) kid: string;

  /** False lifts the ban. */
  @IsOptional() @IsBoolean() banned?: boolean;
}

export class KeyOrdersView {
  /** Keys that are never believed, whatever the provider publishes. */
  bannedKids: string[];
  /** Keys that were fetched before this do not count. Null: nobody has purged them. */
  fetchedSince: string | null;
  /** Of the connection. */
  version: number;

  static toView({ bannedKids, fetchedSince }: KeyOrders, version: number): KeyOrdersView {
    return { bannedKids, fetchedSince: fetchedSince === 0 ? null : formatTime(fetchedSince), version };
  }
}
