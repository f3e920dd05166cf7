import type { Principal } from './access.js';
import { isOwnPermission, isPrivilegedPermission } from './permissions.js';
import { Problem } from './problem.js';

/**
 * Nobody grants what they do not hold: throws `may_not_grant` with every one of Rollcall's own permissions among
 * `permissions` that the principal lacks. Permissions of applications mean nothing here and pass; so does the system.
 */
export function assertMayGrant(
  principal: Pick<Principal, 'type' | 'permissions'>,
  permissions: Iterable<string>,
): void {
  if (principal.type === 'system') return;
  const missing = new Set<string>();
  for (const each of permissions) if (isOwnPermission(each) && !principal.permissions.has(each)) missing.add(each);
  if (missing.size === 0) return;
  const names = [...missing].sort();
  throw new Problem('may_not_grant', `You do not hold ${names.join(', ')} yourself.`, {
    extra: { permissions: names },
  });
}

/**
 * A key that is bound to a connection does nothing to what belongs to another one, or (null) to the tenant as a whole.
 * Throws `forbidden`.
 */
export function assertReaches(principal: Pick<Principal, 'connectionId'>, connectionId: string | null): void {
  if (principal.connectionId === null || principal.connectionId === connectionId) return;
  throw new Problem('forbidden', 'This key is bound to one connection.');
}

/** Privileged: marked so, or holding one of Rollcall's own permissions other than `…:read` (rule 4). */
export function isPrivilegedRole(role: { markedPrivileged: boolean; permissions: readonly string[] }): boolean {
  return role.markedPrivileged || role.permissions.some(isPrivilegedPermission);
}
