import type { EntityManager } from 'typeorm';
import type { Micros } from '../platform/clock.js';
import type { Engine } from '../platform/database.js';
import { endSessions } from '../records/sessions/end-sessions.js';
import { forgetFormerUsers } from '../records/users/former-users.js';
import { leaveTraces } from '../records/users/identity-traces.js';
import type { Settled } from './submission.js';

/** Accounts that mean somebody else from here on, or the same one again; by connection. */
export interface AccountChanges {
  /** Identities whose account was given to another name. */
  renamed: string[];
  /** Subjects that mean these identities no longer. */
  unbound: { connectionId: string; subject: string }[];
  /** Former users who are back. */
  returned: Map<string, string[]>;
}

/** What the plan says of accounts, for the transaction of its change. */
export function gatherAccountChanges(settled: readonly Settled[]): AccountChanges {
  const all: AccountChanges = { renamed: [], unbound: [], returned: new Map() };
  for (const one of settled) {
    if (one.kind !== 'planned') continue;
    const { identityId, userId, endSessions: ending, unbound, returned } = one.outcome;
    const connectionId = one.known.row.id;
    if (ending === 'external_id_changed' && identityId !== null) all.renamed.push(identityId);
    if (unbound !== undefined) all.unbound.push({ connectionId, subject: unbound });
    if (returned && userId !== null) {
      const back = all.returned.get(connectionId);
      if (back) back.push(userId);
      else all.returned.set(connectionId, [userId]);
    }
  }
  return all;
}

/** Ends the sessions of accounts that changed hands, and leaves no token of before a way in. */
export async function writeAccountChanges(
  tx: EntityManager,
  engine: Engine,
  { renamed, unbound, returned }: AccountChanges,
  now: Micros,
): Promise<void> {
  await endSessions(tx, 'identityId', renamed, 'external_id_changed', now);
  await leaveTraces(tx, engine, unbound, now);
  for (const [connectionId, userIds] of returned) await forgetFormerUsers(tx, userIds, connectionId);
}
