/** What a connection may grant (rule 4, E7). */
export interface Ceilings {
  roles: ReadonlyMap<string, { privileged: boolean }>;
  allowedRoles: ReadonlySet<string>;
  allowedEntitlements: readonly string[];
  allowPrivileged: boolean;
}

/** Why the connection may not grant this role; null if it may. */
export function findRoleCeiling(ceilings: Ceilings, key: string): 'unknown' | 'not_allowed' | 'privileged' | null {
  const role = ceilings.roles.get(key);
  if (!role) return 'unknown';
  if (!ceilings.allowedRoles.has(key)) return 'not_allowed';
  return role.privileged && !ceilings.allowPrivileged ? 'privileged' : null;
}

/** Exact texts, or a prefix that ends in `*`. */
export function mayGrantEntitlement(ceilings: Pick<Ceilings, 'allowedEntitlements'>, text: string): boolean {
  return ceilings.allowedEntitlements.some((allowed) =>
    allowed.endsWith('*') ? text.startsWith(allowed.slice(0, -1)) : text === allowed,
  );
}
