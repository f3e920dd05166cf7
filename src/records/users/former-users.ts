import { createHash } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import { accountNamesOf, type FormerUser } from '../../plan/former-user.js';
import type { BlockState, IdentityState, Person } from '../../plan/person.js';
import { DAY, type Micros } from '../../platform/clock.js';
import type { Engine, SqlValue } from '../../platform/database.js';
import { execute, placeholders, selectByKeys, type SqlRow, upsertRows } from '../../platform/sql.js';

/** How long a person who was deleted by their source can return as who they were. */
const RETURN_WITHIN: Micros = 30 * DAY;

const COLUMNS = [
  'connectionId',
  'nameHash',
  'tenantId',
  'userId',
  'version',
  'kept',
  'removedAt',
  'expiresAt',
] as const;

/**
 * Notes whose account it was that is deleted in this transaction, by its hashed names. Older notes of the user at this
 * connection go: of several accounts that were theirs only the last brings them back.
 */
export async function noteFormerUser(
  tx: EntityManager,
  engine: Engine,
  person: Person,
  identity: IdentityState,
  now: Micros,
): Promise<void> {
  const { user } = person;
  const kept = toKept(person);
  await execute(tx, 'DELETE FROM former_users WHERE userId = ? AND connectionId = ?', [user.id, identity.connectionId]);
  // What other connections' notes say of the user is as old as they are.
  await execute(tx, 'UPDATE former_users SET kept = ?, version = ? WHERE userId = ?', [kept, user.version, user.id]);
  const rows = accountNamesOf(identity).map((name): SqlValue[] => [
    identity.connectionId,
    hashName(name),
    user.tenantId,
    user.id,
    user.version,
    kept,
    now,
    now + RETURN_WITHIN,
  ]);
  const upsert = { table: 'former_users', columns: COLUMNS, key: COLUMNS.slice(0, 2), update: COLUMNS.slice(2) };
  await upsertRows(tx, engine, upsert, rows);
}

/** The former users of a connection by which of these account names they are known again, expired ones too. */
export async function loadFormerUsers(
  manager: EntityManager,
  connectionId: string,
  names: readonly string[],
): Promise<Map<string, FormerUser>> {
  const found = new Map<string, FormerUser>();
  if (names.length === 0) return found;
  // A push of new people has hundreds of names, and most connections nobody who left: one cheap look tells.
  const anybody = (keys: string) => `SELECT userId FROM former_users WHERE connectionId IN ${keys} LIMIT 1`;
  if ((await selectByKeys(manager, anybody, [], [connectionId])).length === 0) return found;
  const byHash = new Map(names.map((name) => [hashName(name), name]));
  const rows = await selectByKeys(
    manager,
    (keys) => `SELECT ${COLUMNS.join(', ')} FROM former_users WHERE connectionId = ? AND nameHash IN ${keys}`,
    [connectionId],
    [...byHash.keys()],
  );
  for (const row of rows) {
    const name = byHash.get(String(row.nameHash));
    if (name !== undefined) found.set(name, readFormerUser(row));
  }
  return found;
}

/** Who is back needs no note any more; nor does who was deleted by an admin, whose word is that they are gone. */
export async function forgetFormerUsers(
  tx: EntityManager,
  userIds: readonly string[],
  connectionId?: string,
): Promise<void> {
  if (userIds.length === 0) return;
  const ofConnection = connectionId === undefined ? '' : ' AND connectionId = ?';
  const values = connectionId === undefined ? [...userIds] : [...userIds, connectionId];
  await execute(tx, `DELETE FROM former_users WHERE userId IN ${placeholders(userIds.length)}${ofConnection}`, values);
}

function toKept({ user, blocks }: Person): string {
  return JSON.stringify({ suspended: user.suspended, blocks });
}

function readFormerUser(row: SqlRow): FormerUser {
  const { suspended, blocks } = JSON.parse(String(row.kept)) as { suspended: boolean; blocks: BlockState[] };
  return {
    userId: String(row.userId),
    version: Number(row.version),
    suspended,
    blocks,
    removedAt: Number(row.removedAt),
    expiresAt: Number(row.expiresAt),
  };
}

function hashName(name: string): string {
  return createHash('sha256').update(name).digest('base64url');
}
