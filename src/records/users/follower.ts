import type { Principal } from '../../platform/access.js';
import { Problem } from '../../platform/problem.js';

/** Somebody who may see the people of one connection, in Rollcall's own words, and nothing else. */
export function isFollower(principal: Principal): boolean {
  return !principal.permissions.has('users:export');
}

/**
 * The connection whose people a follower sees. Throws `forbidden` for a credential that is bound to none, and `not_found`
 * if they name another one.
 */
export function followedBy(principal: Principal, named: string | null = null): string {
  const { connectionId } = principal;
  if (connectionId === null) throw new Problem('forbidden', 'This needs the sync key of a connection.');
  if (named !== null && named !== connectionId) throw new Problem('not_found', 'There is no such connection.');
  return connectionId;
}
