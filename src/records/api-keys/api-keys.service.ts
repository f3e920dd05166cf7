import { Injectable } from '@nestjs/common';
import { type EntityManager, IsNull, MoreThan } from 'typeorm';
import { LedgerService } from '../../ledger/ledger.service.js';
import type { Principal } from '../../platform/access.js';
import { Clock, type Micros, parseTime, SECOND } from '../../platform/clock.js';
import { Database } from '../../platform/database.js';
import { assertMayGrant, assertReaches } from '../../platform/grant-rules.js';
import type { PageQuery } from '../../platform/page-query.dto.js';
import { keyOfCursor, type Page, pageOf } from '../../platform/paging.js';
import { isOwnPermission, type Permission } from '../../platform/permissions.js';
import { type Fault, Problem } from '../../platform/problem.js';
import { assertMayPush } from '../connections/assert-may-push.js';
import { ConnectionEntity } from '../connections/connection.entity.js';
import { ApiKeyEntity } from './api-key.entity.js';
import { type ApiKeyView, type CreateApiKeyBody, type NewApiKeyView, toApiKeyView } from './api-keys.dto.js';
import { issueKey } from './issue-key.js';
import { keyEventOf } from './key-event.js';
import { isSyncKey, SYNC_SCOPE } from './sync-scope.js';

/** Whoever holds one of these says who holds the roles of a connection. */
const PUSH_SCOPES: ReadonlySet<string> = new Set<Permission>(['users:sync', 'scim:write']);

@Injectable()
export class ApiKeysService {
  constructor(
    private readonly database: Database,
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
  ) {}

  /** Keys that were not revoked, oldest first; expired ones too. */
  async list(principal: Principal, query: PageQuery): Promise<Page<ApiKeyView>> {
    const after = keyOfCursor(query.cursor);
    const rows = await this.database.read.find(ApiKeyEntity, {
      where: { tenantId: principal.tenantId, revokedAt: IsNull(), ...(after === null ? {} : { id: MoreThan(after) }) },
      order: { id: 'ASC' },
      take: query.limit + 1,
    });
    return pageOf(rows, query.limit, (row) => row.id, toApiKeyView);
  }

  async get(principal: Principal, id: string): Promise<ApiKeyView> {
    return toApiKeyView(await loadKey(this.database.read, principal, id));
  }

  /**
   * A new key, whole in the answer this once. Throws `may_not_grant` for scopes that the caller does not hold, and for a
   * key by which they could give themselves more than they hold.
   */
  async create(principal: Principal, body: CreateApiKeyBody): Promise<NewApiKeyView> {
    const expiresAt = body.expiresAt ? parseTime(body.expiresAt) : null;
    return this.database.transaction(async (tx) => {
      const now = this.clock.now();
      const connectionId = body.connection ?? null;
      const faults = [...scopeFaults(body.scopes), ...expiryFaults(body.expiresAt ?? null, expiresAt, now)];
      if (
        connectionId !== null &&
        !(await tx.existsBy(ConnectionEntity, { id: connectionId, tenantId: principal.tenantId }))
      ) {
        faults.push({ pointer: '/connection', detail: 'there is no such connection' });
      }
      if (faults.length > 0) throw new Problem('invalid_request', undefined, { faults });
      assertMayGrant(principal, body.scopes);
      assertWithinOwnBounds(principal, connectionId);
      await assertMayHandOut(tx, principal, body.scopes, connectionId);
      const issued = await issueKey(tx, {
        tenantId: principal.tenantId,
        name: body.name,
        scopes: body.scopes,
        connectionId,
        expiresAt,
        operatorOf: null,
        createdBy: principal.id,
        now,
      });
      await this.ledger.record(tx, [
        keyEventOf('api_key.created', issued.row, principal, ['scopes', 'connection', 'expiresAt']),
      ]);
      return { ...toApiKeyView(issued.row), key: issued.key };
    });
  }

  async rename(principal: Principal, id: string, name: string): Promise<ApiKeyView> {
    return this.database.transaction(async (tx) => {
      const row = await loadKey(tx, principal, id);
      assertReaches(principal, row.connectionId);
      if (row.name === name) return toApiKeyView(row);
      await tx.update(ApiKeyEntity, { id }, { name });
      await this.ledger.record(tx, [keyEventOf('api_key.updated', row, principal, ['name'])]);
      return toApiKeyView({ ...row, name });
    });
  }

  /** Ends a key at once, on every instance. */
  async revoke(principal: Principal, id: string): Promise<void> {
    await this.database.transaction(async (tx) => {
      const row = await loadKey(tx, principal, id);
      assertReaches(principal, row.connectionId);
      const { affected } = await tx.update(ApiKeyEntity, { id, revokedAt: IsNull() }, { revokedAt: this.clock.now() });
      if (affected === 1) await this.ledger.record(tx, [keyEventOf('api_key.revoked', row, principal, [])]);
    });
  }

  /**
   * A new key with the name, scopes, connection and expiry of an old one, which works for `overlapSeconds` more. Throws
   * `may_not_grant` for a key with scopes that the caller does not hold, since the answer hands them out.
   */
  async rotate(principal: Principal, id: string, overlapSeconds: number): Promise<NewApiKeyView> {
    return this.database.transaction(async (tx) => {
      const old = await loadKey(tx, principal, id);
      assertMayGrant(principal, old.scopes);
      assertWithinOwnBounds(principal, old.connectionId);
      await assertMayHandOut(tx, principal, old.scopes, old.connectionId);
      const now = this.clock.now();
      if (isSyncKey(old.scopes))
        throw new Problem('conflict', 'A sync key is replaced by POST /connections/{id}/sync-key.');
      if (old.operatorOf !== null || (old.expiresAt !== null && old.expiresAt <= now)) {
        throw new Problem('conflict', 'A key that has expired, or an operator’s key, is not rotated.');
      }
      await endOldKey(tx, old, overlapSeconds, now);
      const issued = await issueKey(tx, {
        tenantId: old.tenantId,
        name: old.name,
        scopes: old.scopes,
        connectionId: old.connectionId,
        expiresAt: old.expiresAt,
        operatorOf: null,
        createdBy: principal.id,
        now,
      });
      await this.ledger.record(tx, [
        keyEventOf('api_key.rotated', old, principal, overlapSeconds === 0 ? ['revokedAt'] : ['expiresAt']),
        keyEventOf('api_key.created', issued.row, principal, ['scopes', 'connection', 'expiresAt']),
      ]);
      return { ...toApiKeyView(issued.row), key: issued.key };
    });
  }
}

/** Of two rotations at once, one wins: the other finds the key ended. */
async function endOldKey(tx: EntityManager, old: ApiKeyEntity, overlapSeconds: number, now: Micros): Promise<void> {
  const until = now + overlapSeconds * SECOND;
  const end = overlapSeconds === 0 ? { revokedAt: now } : { expiresAt: Math.min(until, old.expiresAt ?? until) };
  const { affected } = await tx.update(
    ApiKeyEntity,
    { id: old.id, revokedAt: IsNull(), expiresAt: old.expiresAt ?? IsNull() },
    end,
  );
  if (affected !== 1) throw new Problem('conflict', 'The key was changed at the same moment.');
}

async function loadKey(manager: EntityManager, principal: Principal, id: string): Promise<ApiKeyEntity> {
  const row = await manager.findOneBy(ApiKeyEntity, { id, tenantId: principal.tenantId, revokedAt: IsNull() });
  if (!row) throw new Problem('not_found');
  return row;
}

/** A key bound to a connection makes no key that is bound to less, and an operator's hour leaves no key behind. */
function assertWithinOwnBounds(principal: Principal, connectionId: string | null): void {
  if (principal.operatorOf !== null) throw new Problem('may_not_grant', 'An operator inside a tenant makes no keys.');
  if (principal.connectionId !== null && principal.connectionId !== connectionId) {
    throw new Problem('may_not_grant', 'A key that is bound to a connection only makes keys for that connection.');
  }
}

/** A key that pushes, bound to no connection, pushes for each of the tenant. */
async function assertMayHandOut(
  tx: EntityManager,
  principal: Principal,
  scopes: readonly string[],
  connectionId: string | null,
): Promise<void> {
  if (!scopes.some((scope) => PUSH_SCOPES.has(scope))) return;
  const { tenantId } = principal;
  const where = connectionId === null ? { tenantId } : { tenantId, id: connectionId };
  await assertMayPush(tx, principal, await tx.findBy(ConnectionEntity, where));
}

function scopeFaults(scopes: readonly string[]): Fault[] {
  return scopes.flatMap((scope, index) => {
    const pointer = `/scopes/${index}`;
    if (!isOwnPermission(scope)) return [{ pointer, detail: `there is no permission ${scope}` }];
    // There is one such key a connection, which a second one would get round.
    return scope === SYNC_SCOPE ? [{ pointer, detail: 'comes with POST /connections/{id}/sync-key alone' }] : [];
  });
}

function expiryFaults(text: string | null, expiresAt: Micros | null, now: Micros): Fault[] {
  if (text === null) return [];
  if (expiresAt === null) return [{ pointer: '/expiresAt', detail: 'must be an RFC 3339 date-time' }];
  return expiresAt <= now ? [{ pointer: '/expiresAt', detail: 'must be in the future' }] : [];
}
