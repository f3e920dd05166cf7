import type { Permission } from '../../platform/permissions.js';

/** What a sync key may do, and all that it may. */
export const SYNC_SCOPE = 'sync:read' satisfies Permission;

export function isSyncKey(scopes: readonly string[]): boolean {
  return scopes.includes(SYNC_SCOPE);
}
