import { Injectable } from '@nestjs/common';
import type { Principal } from '../../platform/access.js';
import { Clock, type Micros, MINUTE } from '../../platform/clock.js';
import { Database } from '../../platform/database.js';
import { ReadTogether } from '../../platform/read-together.js';
import { selectByKeys } from '../../platform/sql.js';
import { parseKey, secretMatches } from './key-format.js';

interface KeyRow {
  id: string;
  keyId: string;
  tenantId: string;
  secretHash: string;
  scopes: string;
  connectionId: string | null;
  operatorOf: string | null;
  expiresAt: number | string | null;
  revokedAt: number | string | null;
  lastUsedAt: number | string | null;
  tenantStatus: string;
}

const READ_KEY = `
  SELECT k.id, k.keyId, k.tenantId, k.secretHash, k.scopes, k.connectionId, k.operatorOf, k.expiresAt, k.revokedAt,
         k.lastUsedAt, t.status AS tenantStatus
  FROM api_keys k JOIN tenants t ON t.id = k.tenantId`;

const NOTE_USE = 'UPDATE api_keys SET lastUsedAt = ? WHERE id = ? AND (lastUsedAt IS NULL OR lastUsedAt < ?)';

/** For whom a key was made, whether or not it may still be used. */
export interface KeyOwner {
  id: string;
  tenantId: string;
  connectionId: string | null;
  /** Why it is refused now, in words; null where it is not. */
  refusal: string | null;
}

@Injectable()
export class KeyAuthentication {
  private readonly beingNoted = new Set<string>();
  private readonly rows = new ReadTogether<KeyRow>((keyIds) => this.readRows(keyIds));

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /**
   * The principal of a key, or null: malformed (no database read), unknown, revoked, expired, or its tenant is not
   * active. Read afresh for each request, so that a revocation counts at once on every instance.
   */
  async authenticate(key: string): Promise<Principal | null> {
    const row = await this.findRow(key);
    return row && this.toPrincipal(row);
  }

  /** The principal of a key by its id, for a token that stands for it; null where the key would be refused. */
  async findPrincipal(id: string, tenantId: string): Promise<Principal | null> {
    const rows: KeyRow[] = await this.database.read.query(`${READ_KEY} WHERE k.id = ? AND k.tenantId = ?`, [
      id,
      tenantId,
    ]);
    return rows[0] ? this.toPrincipal(rows[0]) : null;
  }

  /** Whose key it is, also where it is refused: so that they can be told why. Null for a key that was never issued. */
  async findOwner(key: string): Promise<KeyOwner | null> {
    const row = await this.findRow(key);
    if (!row) return null;
    const isOver = row.expiresAt !== null && Number(row.expiresAt) <= this.clock.now();
    const refusal =
      row.revokedAt !== null
        ? 'The API key was revoked.'
        : isOver
          ? 'The API key has expired.'
          : row.tenantStatus === 'active'
            ? null
            : 'The tenant is not active.';
    return { id: row.id, tenantId: row.tenantId, connectionId: row.connectionId, refusal };
  }

  private async findRow(key: string): Promise<KeyRow | null> {
    const parts = parseKey(key);
    if (!parts) return null;
    const row = await this.rows.find(parts.keyId);
    return row && secretMatches(parts.secret, row.secretHash) ? row : null;
  }

  private async readRows(keyIds: readonly string[]): Promise<Map<string, KeyRow>> {
    const sql = (list: string) => `${READ_KEY} WHERE k.keyId IN ${list}`;
    const rows = (await selectByKeys(this.database.read, sql, [], keyIds)) as unknown as KeyRow[];
    return new Map(rows.map((row) => [row.keyId, row]));
  }

  private toPrincipal(row: KeyRow): Principal | null {
    const now = this.clock.now();
    if (row.revokedAt !== null || (row.expiresAt !== null && Number(row.expiresAt) <= now)) return null;
    if (row.tenantStatus !== 'active') return null;
    if (row.lastUsedAt === null || Number(row.lastUsedAt) <= now - MINUTE) this.noteUse(row.id, now);
    return {
      type: 'api-key',
      id: row.id,
      tenantId: row.tenantId,
      permissions: new Set(JSON.parse(row.scopes) as string[]),
      connectionId: row.connectionId,
      sessionId: null,
      operatorOf: row.operatorOf,
    };
  }

  /** Once a minute, and nobody waits for it; if it fails, the next request after it tries again. */
  private noteUse(id: string, now: Micros): void {
    if (this.beingNoted.has(id)) return;
    this.beingNoted.add(id);
    void this.database
      .transaction((tx) => tx.query(NOTE_USE, [now, id, now - MINUTE + 1]))
      .catch(() => undefined)
      .finally(() => this.beingNoted.delete(id));
  }
}
