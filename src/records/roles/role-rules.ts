import type { Fault } from '../../platform/problem.js';

export const ROLE_PERMISSIONS_MAX = 200;
/** Lower case alone, so that no two keys look alike but for their case. */
export const ROLE_KEY = /^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/;
const PERMISSION = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}:[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** Every permission that is not `resource:action`, each at its place in the list. */
export function permissionFaults(permissions: readonly string[]): Fault[] {
  const faults: Fault[] = [];
  const seen = new Set<string>();
  permissions.forEach((permission, index) => {
    const pointer = `/permissions/${index}`;
    if (!PERMISSION.test(permission)) {
      faults.push({ pointer, detail: 'must be resource:action, of letters, digits, dots, hyphens and underscores' });
    } else if (seen.has(permission)) {
      faults.push({ pointer, detail: `${permission} stands here twice` });
    }
    seen.add(permission);
  });
  return faults;
}
