import { formatTime, type Micros } from '../../platform/clock.js';
import { type HeldGrant, whyWithheld } from '../../records/users/held-roles.js';
import type { UserEntity } from '../../records/users/user.entity.js';

/** Where a role came from: a connection's rule, or an admin. */
export class MyGrantView {
  /** Id of the connection that gave it. */
  connection?: string;
  /** Id of the rule of its mapping. */
  rule?: string;
  mappingVersion?: number;
  /** In words: `groups has engineering`. */
  because?: string | null;
  /** Id of the admin who gave it. */
  admin?: string;
  reason?: string | null;
  since: string;
  until: string | null;
}

export class MyRoleView {
  key: string;
  name: string;
  permissions: string[];
  privileged: boolean;
  grants: MyGrantView[];
}

export class MyEntitlementView {
  key: string;
  grants: MyGrantView[];
}

export class WithheldView {
  kind: 'role' | 'entitlement';
  key: string;
  /**
   * `session_not_privileged`: the connection may not open sessions with privileged roles. `parked`: an admin gave it, and
   * has to confirm it since the account was given to another name.
   */
  reason: 'blocked' | 'expired' | 'parked' | 'identity_inactive' | 'no_such_role' | 'session_not_privileged';
}

export class MyUserView {
  id: string;
  userName: string | null;
  displayName: string | null;
  givenName: string | null;
  familyName: string | null;
  email: string | null;
  emailVerified: boolean;
}

export class MeView {
  /** A user's session, or an API key. */
  type: 'user' | 'api-key' | 'system';
  /** Id of the user or of the key. */
  id: string;
  /** Id of the tenant. */
  tenant: string;
  /** Id of the session; null for an API key. */
  session: string | null;
  /** Id of the connection that an API key is bound to. */
  connection: string | null;
  user: MyUserView | null;
  /** What this caller may do. */
  permissions: string[];
  roles: MyRoleView[];
  entitlements: MyEntitlementView[];
  /** What was granted and does not count in this session, and why. */
  withheld: WithheldView[];
}

type Holdings = Pick<MeView, 'roles' | 'entitlements' | 'withheld'>;

export function toHoldings(grants: readonly HeldGrant[], sessionPrivileged: boolean, now: Micros): Holdings {
  const holdings: Holdings = { roles: [], entitlements: [], withheld: [] };
  for (const same of Map.groupBy(grants, (grant) => `${grant.kind} ${grant.key}`).values()) {
    const [first] = same;
    if (!first) continue;
    const { kind, key, role } = first;
    const standing = same.filter(({ parked }) => !parked);
    const reason = whyWithheld(same, sessionPrivileged, now);
    if (reason) holdings.withheld.push({ kind, key, reason });
    else if (role) holdings.roles.push({ key, ...role, grants: standing.map(toMyGrant) });
    else holdings.entitlements.push({ key, grants: standing.map(toMyGrant) });
  }
  return holdings;
}

function toMyGrant(grant: HeldGrant): MyGrantView {
  const until = grant.until === null ? null : formatTime(grant.until);
  return { ...grant.source, since: formatTime(grant.since), until };
}

export function toMyUser(user: UserEntity): MyUserView {
  return {
    id: user.id,
    userName: user.userName,
    displayName: user.displayName,
    givenName: user.givenName,
    familyName: user.familyName,
    email: user.email,
    emailVerified: user.emailVerified,
  };
}
