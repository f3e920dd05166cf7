import type { EntityManager } from 'typeorm';
import type { Person } from '../../plan/person.js';
import type { Engine } from '../../platform/database.js';
import { joinInOrder, selectByKeys, type SqlRow } from '../../platform/sql.js';
import {
  blockColumns,
  grantColumns,
  readBlock,
  readGrant,
  readIdentity,
  readUser,
  userColumns,
} from './person-rows.js';

/** Persons as stored, and the revision of each identity's row, which guards it when it is written. */
export interface LoadedPersons {
  persons: Map<string, Person>;
  revisions: Map<string, number>;
}

/**
 * Loads whole persons of a tenant by user id, in four reads for any number of them. Ids that are unknown or of another
 * tenant are left out.
 */
export async function loadPersons(
  manager: EntityManager,
  tenantId: string,
  userIds: readonly string[],
): Promise<LoadedPersons> {
  const persons = new Map<string, Person>();
  const revisions = new Map<string, number>();
  if (userIds.length === 0) return { persons, revisions };
  const ids = [...new Set(userIds)].sort();
  // Without the tenant, which would tempt an optimizer to read all of it; whoever is not of it has no user below.
  const byUser = (table: string) =>
    selectByKeys(manager, (keys) => `SELECT * FROM ${table} WHERE userId IN ${keys}`, [], ids);
  const [users, identities, grants, blocks] = await Promise.all([
    selectByKeys(manager, (keys) => `SELECT * FROM users WHERE tenantId = ? AND id IN ${keys}`, [tenantId], ids),
    byUser('identities'),
    byUser('grants'),
    byUser('blocks'),
  ]);
  for (const row of users) addUser(persons, row);
  for (const row of identities) addIdentity({ persons, revisions }, row);
  sortIdentities(persons);
  for (const row of grants) persons.get(String(row.userId))?.grants.push(readGrant(row));
  for (const row of blocks) persons.get(String(row.userId))?.blocks.push(readBlock(row));
  return { persons, revisions };
}

const USER_ALIASES = userColumns.map((name) => `u.${name} AS user_${name}`).join(', ');
const GRANT_COLUMNS = grantColumns.map((name) => `g.${name}`).join(', ');
/** A block in the columns of a grant. */
const BLOCK_COLUMNS = grantColumns
  .map((name) => (blockColumns.some((each) => each === name) ? `b.${name}` : 'NULL'))
  .join(', ');

/**
 * Loads the persons whom a connection's tokens call by these subjects, whole, in two reads at once: the way of every
 * login of somebody who is known. Subjects that nobody has are left out.
 */
export async function loadPersonsBySubject(
  manager: EntityManager,
  engine: Engine,
  connection: { id: string; tenantId: string },
  subjects: readonly string[],
): Promise<LoadedPersons> {
  const persons = new Map<string, Person>();
  const revisions = new Map<string, number>();
  if (subjects.length === 0) return { persons, revisions };
  const join = joinInOrder(engine);
  const where = (keys: string) => `WHERE k.connectionId = ? AND k.subject IN ${keys}`;
  const [identities, held] = await Promise.all([
    selectByKeys(
      manager,
      (keys) =>
        `SELECT k.id AS foundBy, ${USER_ALIASES}, i.* FROM identities k ${join} users u ON u.id = k.userId
         ${join} identities i ON i.userId = k.userId ${where(keys)}`,
      [connection.id],
      subjects,
    ),
    selectByKeys(
      manager,
      (keys) =>
        `SELECT k.id AS foundBy, 0 AS isBlock, ${GRANT_COLUMNS} FROM identities k
         ${join} grants g ON g.userId = k.userId ${where(keys)}
         UNION ALL SELECT k.id, 1, ${BLOCK_COLUMNS} FROM identities k
         ${join} blocks b ON b.userId = k.userId ${where(keys)}`,
      [connection.id],
      subjects,
      { times: 2 },
    ),
  ]);
  for (const row of ofFirstFinder(identities)) {
    if (row.user_tenantId !== connection.tenantId) continue;
    if (!persons.has(String(row.userId))) addUser(persons, withoutPrefix(row));
    addIdentity({ persons, revisions }, row);
  }
  sortIdentities(persons);
  for (const row of ofFirstFinder(held)) {
    const person = persons.get(String(row.userId));
    if (Number(row.isBlock) === 1) person?.blocks.push(readBlock(row));
    else person?.grants.push(readGrant(row));
  }
  return { persons, revisions };
}

/** A user who is found by two subjects comes twice. */
function ofFirstFinder(rows: readonly SqlRow[]): SqlRow[] {
  const finders = new Map<unknown, unknown>();
  return rows.filter(({ userId, foundBy }) => {
    const first = finders.get(userId);
    if (first === undefined) finders.set(userId, foundBy);
    return first === undefined || first === foundBy;
  });
}

function withoutPrefix(row: SqlRow): SqlRow {
  const user: SqlRow = {};
  for (const name of userColumns) user[name] = row[`user_${name}`] ?? null;
  return user;
}

function addUser(persons: Map<string, Person>, row: SqlRow): void {
  const user = readUser(row);
  persons.set(user.id, { user, identities: [], grants: [], blocks: [] });
}

function addIdentity({ persons, revisions }: LoadedPersons, row: SqlRow): void {
  const person = persons.get(String(row.userId));
  if (!person) return;
  const identity = readIdentity(row);
  revisions.set(identity.id, Number(row.revision));
  person.identities.push(identity);
}

function sortIdentities(persons: ReadonlyMap<string, Person>): void {
  for (const { identities } of persons.values()) {
    if (identities.length > 1) identities.sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
  }
}
