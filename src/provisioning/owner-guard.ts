import type { EntityManager } from 'typeorm';
import type { PersonChanges } from '../plan/changes.js';
import type { GrantState } from '../plan/person.js';
import { holdsForGood } from '../plan/holdings.js';
import type { Micros } from '../platform/clock.js';
import { OWNER } from '../platform/permissions.js';
import { assertOwnerRemains } from '../records/users/last-owner.js';

/** No statement takes the last owner from a tenant. Throws `Problem('last_owner')`, before anything is written. */
export async function guardOwners(tx: EntityManager, changes: readonly PersonChanges[], now: Micros): Promise<void> {
  const losing = new Map<string, string[]>();
  for (const change of changes) {
    if (!mayLoseOwner(change, now)) continue;
    const ids = losing.get(change.tenantId);
    if (ids) ids.push(change.userId);
    else losing.set(change.tenantId, [change.userId]);
  }
  for (const [tenantId, userIds] of losing) await assertOwnerRemains(tx, tenantId, userIds, now);
}

/** The change takes the role of an owner from someone who may hold it for real. */
export function mayLoseOwner(change: PersonChanges, now: Micros): boolean {
  const { grantsRemoved, grantsUpdated, after, identitiesUpdated, identitiesRemoved } = change;
  const isOwner = (grant: GrantState) => grant.kind === 'role' && grant.key === OWNER;
  const switchedOff = identitiesRemoved.length > 0 || identitiesUpdated.some((one) => !one.active);
  const isParked = grantsUpdated.some(
    (one) => isOwner(one.after) && one.after.source === 'admin' && one.after.parkedAt,
  );
  const isGiven = (grant: GrantState) => isOwner(grant) && grant.source === 'connection';
  if (!grantsRemoved.some(isOwner) && !isParked && !(switchedOff && after?.grants.some(isGiven))) return false;
  return !(after && !after.user.suspended && holdsForGood(after, OWNER, now));
}
