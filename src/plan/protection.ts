import type { Micros } from '../platform/clock.js';
import { effectiveHoldings } from './holdings.js';
import type { PlanProblem } from './outcome.js';
import type { Person } from './person.js';
import type { ConnectionPolicy } from './policy.js';

/**
 * Why a directory's write may not reach this person (rule 4): they hold a privileged role, in effect, that this
 * connection did not give and may not give. Whoever could change or switch off such a user would rule over more than
 * the connection was trusted with. Null if it may.
 */
export function findProtection(
  person: Person,
  policy: Pick<ConnectionPolicy, 'id' | 'allowPrivileged' | 'roles'>,
  now: Micros,
): PlanProblem | null {
  if (policy.allowPrivileged) return null;
  for (const { kind, key, effective, grants } of effectiveHoldings(person, now)) {
    if (kind !== 'role' || !effective || policy.roles.get(key)?.privileged !== true) continue;
    const byOthers = grants.some(
      ({ grant, counts }) => counts && (grant.source === 'admin' || grant.connectionId !== policy.id),
    );
    if (!byOthers) continue;
    const detail = `The user holds the privileged role \`${key}\`, which this connection did not give and may not reach.`;
    return { code: 'protected_user', detail };
  }
  return null;
}
