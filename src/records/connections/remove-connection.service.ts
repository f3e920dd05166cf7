import { Injectable } from '@nestjs/common';
import { type EntityManager, In, IsNull } from 'typeorm';
import { actorOf, LedgerService, type NewEvent } from '../../ledger/ledger.service.js';
import type { Principal } from '../../platform/access.js';
import { Clock } from '../../platform/clock.js';
import { Database } from '../../platform/database.js';
import { Problem } from '../../platform/problem.js';
import { execute, placeholders } from '../../platform/sql.js';
import { checkVersion } from '../../platform/versions.js';
import { ApiKeyEntity } from '../api-keys/api-key.entity.js';
import { endSessions } from '../sessions/end-sessions.js';
import { SessionEntity } from '../sessions/session.entity.js';
import { GrantEntity } from '../users/grant.entity.js';
import { IdentityEntity, IdentityTraceEntity } from '../users/identity.entity.js';
import { assertOwnerRemainsWithout } from '../users/last-owner.js';
import { raiseVersions } from '../users/raise-versions.js';
import { getConnection, lockConnectionsOf } from './connection-rows.js';
import { ConnectionEntity, MappingVersionEntity } from './connection.entity.js';
import { unverifyAddresses } from './unverify-addresses.js';

const CHUNK = 500;

/** What goes with a connection. */
export interface ConnectionUse {
  identities: number;
  grants: number;
  sessions: number;
  apiKeys: number;
}

@Injectable()
export class RemoveConnectionService {
  constructor(
    private readonly database: Database,
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
  ) {}

  /**
   * Deletes a connection, and with it all that exists because of it: its identities, what they were granted, its
   * sessions and the keys that are bound to it. Users stay, with what admins and other connections gave them; whoever
   * had no other identity cannot log in any more. To move people to another connection, do that first.
   *
   * Throws `connection_in_use` (409) with the counts, unless `force`. With it the connection is first switched off in a
   * transaction of its own, and then emptied in chunks, so that no login waits: cut off in between, it stays disabled,
   * and asking again goes on where it ended. Throws `last_owner` (409) before anything is done where nobody but people of
   * this connection is an owner; so does a later chunk, should the other owner have gone meanwhile.
   */
  async remove(principal: Principal, id: string, ifMatch: string | undefined, force: boolean): Promise<void> {
    await this.switchOff(principal, id, ifMatch, force);
    while (await this.removeSome(principal, id));
    await this.removeRow(principal, id);
  }

  private async switchOff(principal: Principal, id: string, ifMatch: string | undefined, force: boolean) {
    await this.database.transaction(async (tx) => {
      await lockConnectionsOf(tx, principal.tenantId);
      const row = await getConnection(tx, principal, id, 'locked');
      checkVersion(ifMatch, row.version);
      const inUse = await countUse(tx, id);
      if (!force && Object.values(inUse).some((count) => count > 0)) {
        const detail = 'People have identities, sessions or keys of this connection. Delete it with ?force=true.';
        throw new Problem('connection_in_use', detail, { extra: { inUse } });
      }
      const now = this.clock.now();
      await assertOwnerRemainsWithout(tx, principal.tenantId, id, now);
      await endSessions(tx, 'connectionId', [id], 'deleted', now);
      await tx.update(ApiKeyEntity, { connectionId: id, revokedAt: IsNull() }, { revokedAt: now });
      if (row.status === 'disabled') return;
      row.version += 1;
      await tx.update(ConnectionEntity, { id }, { status: 'disabled', version: row.version, updatedAt: now });
      await this.ledger.record(tx, [eventOf('connection.disabled', row, principal, ['status'])]);
    });
  }

  /** Takes some identities away, with what they were granted; false when there are none left. */
  private removeSome(principal: Principal, id: string): Promise<boolean> {
    return this.database.transaction(async (tx) => {
      const found = await tx.find(IdentityEntity, {
        where: { connectionId: id },
        order: { id: 'ASC' },
        take: CHUNK,
        select: { id: true, userId: true },
      });
      if (found.length === 0) return false;
      const now = this.clock.now();
      await assertOwnerRemainsWithout(tx, principal.tenantId, id, now);
      const userIds = [...new Set(found.map((each) => each.userId))].sort();
      const users = await raiseVersions(tx, principal.tenantId, userIds, now);
      const unverified = await unverifyAddresses(tx, principal.tenantId, id, [...users.keys()]);
      const identityIds = found.map((each) => each.id);
      const grants = await tx.findBy(GrantEntity, { userId: In([...users.keys()]), sourceId: In(identityIds) });
      const inIds = placeholders(identityIds.length);
      const inUsers = placeholders(users.size);
      if (users.size > 0) {
        await execute(tx, `DELETE FROM grants WHERE userId IN ${inUsers} AND sourceId IN ${inIds}`, [
          ...users.keys(),
          ...identityIds,
        ]);
      }
      await execute(tx, `DELETE FROM identities WHERE id IN ${inIds}`, identityIds);
      await execute(tx, `DELETE FROM scim_members WHERE connectionId = ? AND memberId IN ${inIds}`, [
        id,
        ...identityIds,
      ]);
      await execute(tx, `DELETE FROM scim_users WHERE identityId IN ${inIds}`, identityIds);
      await execute(tx, `DELETE FROM scim_emails WHERE identityId IN ${inIds}`, identityIds);
      await this.ledger.record(
        tx,
        [...users].map(([userId, version]) => {
          const lost = grants.filter((grant) => grant.userId === userId);
          const event = userEventOf(
            { id: userId, version },
            lost,
            principal,
            found.find((one) => one.userId === userId)?.id,
          );
          return unverified.has(userId) ? { ...event, fields: [...(event.fields ?? []), 'emailVerified'] } : event;
        }),
      );
      return true;
    });
  }

  private async removeRow(principal: Principal, id: string): Promise<void> {
    await this.database.transaction(async (tx) => {
      const row = await getConnection(tx, principal, id, 'locked');
      await tx.delete(MappingVersionEntity, { connectionId: id });
      await execute(tx, 'DELETE FROM scim_members WHERE connectionId = ?', [id]);
      await execute(tx, 'DELETE FROM scim_groups WHERE connectionId = ?', [id]);
      await execute(tx, 'DELETE FROM scim_due WHERE connectionId = ?', [id]);
      await execute(tx, 'DELETE FROM removal_hours WHERE connectionId = ?', [id]);
      // A later connection has another id: these can neither refuse nor admit a token of it.
      await tx.delete(IdentityTraceEntity, { connectionId: id });
      await execute(tx, 'DELETE FROM former_users WHERE connectionId = ?', [id]);
      await execute(tx, 'DELETE FROM departures WHERE connectionId = ?', [id]);
      await execute(tx, 'DELETE FROM scim_requests WHERE connectionId = ?', [id]);
      await execute(tx, 'DELETE FROM connection_sources WHERE connectionId = ?', [id]);
      await tx.delete(ConnectionEntity, { id });
      await this.ledger.record(tx, [eventOf('connection.deleted', row, principal, [])]);
    });
  }
}

async function countUse(tx: EntityManager, connectionId: string): Promise<ConnectionUse> {
  return {
    identities: await tx.countBy(IdentityEntity, { connectionId }),
    grants: await tx.countBy(GrantEntity, { connectionId }),
    sessions: await tx.countBy(SessionEntity, { connectionId, endedAt: IsNull() }),
    apiKeys: await tx.countBy(ApiKeyEntity, { connectionId, revokedAt: IsNull() }),
  };
}

function eventOf(type: string, row: ConnectionEntity, principal: Principal, fields: readonly string[]): NewEvent {
  const { tenantId, id, version } = row;
  return {
    tenantId,
    type,
    subject: { type: 'connection', id, version },
    actor: actorOf(principal),
    via: 'rest',
    fields,
  };
}

function userEventOf(
  user: { id: string; version: number },
  lost: readonly GrantEntity[],
  principal: Principal,
  identityId: string | undefined,
): NewEvent {
  const revoked = lost.map(({ kind, heldKey, rule, connectionId, because }) => ({
    kind,
    key: heldKey,
    rule,
    connectionId,
    because,
  }));
  return {
    tenantId: principal.tenantId,
    type: lost.length > 0 ? 'user.roles_changed' : 'user.updated',
    subject: { type: 'user', id: user.id, version: user.version },
    actor: actorOf(principal),
    via: 'rest',
    reason: 'the connection was deleted',
    fields: ['identities', ...new Set(lost.map((each) => (each.kind === 'role' ? 'roles' : 'entitlements')))],
    personal: { identity: identityId, granted: [], revoked },
  };
}
