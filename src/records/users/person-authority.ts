import type { Person } from '../../plan/person.js';
import { effectiveRoles } from '../../plan/holdings.js';
import type { Principal } from '../../platform/access.js';
import type { Micros } from '../../platform/clock.js';
import { isOwnPermission } from '../../platform/permissions.js';
import { Problem } from '../../platform/problem.js';
import type { RoleCatalogue } from '../roles/role-catalogue.js';

/** The permissions of the roles that count now; a suspension, which can be lifted, does not matter. */
export function effectivePermissions(person: Person, roles: RoleCatalogue, now: Micros): string[] {
  return permissionsOf(effectiveRoles(person, now), roles);
}

/** The permissions of every role that anything grants the person, though it be blocked or switched off at present. */
export function possiblePermissions(person: Person, roles: RoleCatalogue): string[] {
  return permissionsOf(
    person.grants.flatMap(({ kind, key }) => (kind === 'role' ? [key] : [])),
    roles,
  );
}

function permissionsOf(keys: readonly string[], roles: RoleCatalogue): string[] {
  return [...new Set(keys.flatMap((key) => roles.get(key)?.permissions ?? []))];
}

/**
 * Nobody switches off, deletes or takes from a user who may do more than they may themselves. Throws `forbidden`, and
 * names what of Rollcall's own permissions the caller lacks.
 */
export function assertMayRule(
  principal: Pick<Principal, 'type' | 'permissions'>,
  permissions: readonly string[],
): void {
  if (principal.type === 'system') return;
  const missing = permissions.filter((each) => isOwnPermission(each) && !principal.permissions.has(each)).sort();
  if (missing.length === 0) return;
  throw new Problem('forbidden', `The user holds more than you do: ${missing.join(', ')}.`, {
    extra: { permissions: missing },
  });
}

/** Holds the role for real. */
export function holdsRole(person: Person | null, key: string, now: Micros): boolean {
  return person !== null && !person.user.suspended && effectiveRoles(person, now).includes(key);
}
