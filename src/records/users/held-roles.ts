import { isPrivilegedRole } from '../../platform/grant-rules.js';
import type { EntityManager } from 'typeorm';
import type { Micros } from '../../platform/clock.js';

import { ADMIN_SOURCE } from './grant.entity.js';

/** One grant of a role or entitlement, with all that decides whether it counts. */
export interface HeldGrant {
  kind: 'role' | 'entitlement';
  key: string;
  source: { admin: string; reason: string | null } | GrantingRule;
  since: Micros;
  until: Micros | null;
  /** It waits for an admin to confirm it. */
  parked: boolean;
  /** Always true of an admin's grant, which comes through no identity. */
  identityActive: boolean;
  blocked: boolean;
  /** Null: an entitlement, or a key without a role. */
  role: { name: string; permissions: string[]; privileged: boolean } | null;
}

export interface GrantingRule {
  connection: string;
  rule: string;
  mappingVersion: number;
  because: string | null;
}

export type WithheldReason =
  'blocked' | 'expired' | 'parked' | 'identity_inactive' | 'no_such_role' | 'session_not_privileged';

interface Row {
  kind: 'role' | 'entitlement';
  heldKey: string;
  sourceId: string;
  rule: string;
  connectionId: string | null;
  mappingVersion: number;
  because: string | null;
  adminId: string | null;
  reason: string | null;
  since: number;
  until: number | null;
  parkedAt: number | null;
  identityActive: number | null;
  roleName: string | null;
  permissions: string | null;
  markedPrivileged: number | null;
  blockedId: string | null;
}

/** All grants of a user, those that do not count too. */
export async function findHeldGrants(
  manager: EntityManager,
  tenantId: string,
  userId: string,
  now: Micros,
): Promise<HeldGrant[]> {
  const rows = await manager.query<Row[]>(
    `SELECT g.kind AS kind, g.heldKey AS heldKey, g.sourceId AS sourceId, g.rule AS rule,
       g.connectionId AS connectionId, g.mappingVersion AS mappingVersion, g.because AS because, g.adminId AS adminId,
       g.reason AS reason, g.since AS since, g.until AS until, g.parkedAt AS parkedAt, i.active AS identityActive, r.name AS roleName,
       r.permissions AS permissions, r.markedPrivileged AS markedPrivileged, b.userId AS blockedId
     FROM grants g
     LEFT JOIN roles r ON g.kind = 'role' AND r.tenantId = g.tenantId AND r.roleKey = g.heldKey
     LEFT JOIN identities i ON i.id = g.sourceId AND i.userId = g.userId
     LEFT JOIN blocks b ON b.userId = g.userId AND b.kind = g.kind AND b.heldKey = g.heldKey
       AND (b.until IS NULL OR b.until > ?)
     WHERE g.userId = ? AND g.tenantId = ?
     ORDER BY g.kind, g.heldKey, g.since`,
    [now, userId, tenantId],
  );
  return rows.map(readGrant);
}

function readGrant(row: Row): HeldGrant {
  const isAdmin = row.sourceId === ADMIN_SOURCE;
  const permissions = row.permissions === null ? [] : (JSON.parse(row.permissions) as string[]);
  return {
    kind: row.kind,
    key: row.heldKey,
    source: isAdmin
      ? { admin: row.adminId ?? '', reason: row.reason }
      : {
          connection: row.connectionId ?? '',
          rule: row.rule,
          mappingVersion: row.mappingVersion,
          because: row.because,
        },
    since: Number(row.since),
    until: row.until === null ? null : Number(row.until),
    parked: row.parkedAt !== null,
    identityActive: isAdmin || Boolean(row.identityActive),
    blocked: row.blockedId !== null,
    role:
      row.roleName === null
        ? null
        : {
            name: row.roleName,
            permissions,
            privileged: isPrivilegedRole({ markedPrivileged: Boolean(row.markedPrivileged), permissions }),
          },
  };
}

/** Why what these grants (all of one key) give is not held in this session; null: it is. */
export function whyWithheld(
  grants: readonly HeldGrant[],
  sessionPrivileged: boolean,
  now: Micros,
): WithheldReason | null {
  const [first] = grants;
  if (first?.blocked) return 'blocked';
  const current = grants.filter((grant) => grant.until === null || grant.until > now);
  if (current.length === 0) return 'expired';
  const confirmed = current.filter((grant) => !grant.parked);
  if (confirmed.length === 0) return 'parked';
  if (!confirmed.some((grant) => grant.identityActive)) return 'identity_inactive';
  if (first?.kind === 'entitlement') return null;
  if (!first?.role) return 'no_such_role';
  return first.role.privileged && !sessionPrivileged ? 'session_not_privileged' : null;
}
