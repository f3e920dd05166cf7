import type { EntityManager } from 'typeorm';
import { Directory, type FoundIdentity } from '../plan/directory.js';
import { nameTrace, pushedName, tokenName } from '../plan/former-user.js';
import type { IdentityState } from '../plan/person.js';
import type { ConnectionPolicy } from '../plan/policy.js';
import type { Statement } from '../plan/statement.js';
import { normaliseKey } from '../platform/text-key.js';
import type { Database } from '../platform/database.js';
import { selectByKeys } from '../platform/sql.js';
import { hashSubject } from '../records/users/identity-traces.js';
import { loadFormerUsers } from '../records/users/former-users.js';
import { type LoadedPersons, loadPersons, loadPersonsBySubject } from '../records/users/person-loader.js';
import { readNames, readStatedNames, textOf } from './stated-names.js';

/** Everything that the statements of a batch may concern, as stored, and the revisions that guard it. */
export interface LoadedBatch {
  directory: Directory;
  revisions: Map<string, number>;
}

/** The keys of one connection by which its statements may find someone. */
interface Wanted {
  policy: ConnectionPolicy;
  externalIds: Set<string>;
  /** Those that are believed to be nobody's; see `believedNew`. */
  newExternalIds: Set<string>;
  subjects: Set<string>;
  userNameKeys: Set<string>;
  /** Of SCIM's writes, whose directory has names of its own. */
  scimNameKeys: Set<string>;
  emailKeys: Set<string>;
  identityIds: Set<string>;
  /** What the tokens of these subjects call themselves. */
  namesOfSubjects: Map<string, string>;
}

/**
 * Loads, in a few reads for each connection and tenant of the batch, whoever its statements may concern.
 *
 * @param believedNew statements of people who are not looked for by external id and user name. If they are there all the
 * same, the unique keys refuse the write.
 */
export async function loadBatch(
  { read: manager, engine }: Pick<Database, 'read' | 'engine'>,
  statements: readonly Statement[],
  policyOf: (connectionId: string) => ConnectionPolicy | undefined,
  believedNew: ReadonlySet<Statement> = new Set(),
): Promise<LoadedBatch> {
  const all = [...gatherKeys(statements, policyOf, believedNew).values()];
  const loaded = await Promise.all(
    all.map(({ policy, subjects }) => loadPersonsBySubject(manager, engine, policy, [...subjects])),
  );
  const batch = toBatch(loaded);
  for (const wanted of all) leaveOutFound(wanted, batch.directory);
  const userIds = new Map<string, Set<string>>();
  await Promise.all(all.map((wanted) => findUserIds(manager, wanted, userIds)));
  const rest = [...userIds].map(([tenantId, ids]) => {
    const missing = [...ids].filter((id) => !batch.directory.findPerson(id));
    return loadPersons(manager, tenantId, missing);
  });
  for (const each of await Promise.all(rest)) addTo(batch, each);
  await Promise.all(
    all.map((wanted) => loadHolders(manager, wanted.policy, foundIdentities(wanted, batch.directory), batch)),
  );
  await Promise.all([
    ...all.map((wanted) => loadTraces(manager, wanted, batch.directory)),
    ...all.map((wanted) => loadFormers(manager, wanted, batch)),
  ]);
  return batch;
}

/** Whoever was found by their subject need not be looked for by the other names that they hold: those are unique. */
function leaveOutFound({ policy, subjects, externalIds, userNameKeys }: Wanted, directory: Directory): void {
  for (const subject of subjects) {
    const identity = directory.findBySubject(policy.id, subject)?.identity;
    if (!identity) continue;
    if (identity.externalId !== null) externalIds.delete(identity.externalId);
    if (identity.userNameKey !== null) userNameKeys.delete(identity.userNameKey);
  }
}

export function toBatch(loaded: readonly LoadedPersons[]): LoadedBatch {
  const batch: LoadedBatch = { directory: new Directory(), revisions: new Map() };
  for (const each of loaded) addTo(batch, each);
  return batch;
}

/** Two connections may find the same person: revisions belong to the reading, so that the first one counts. */
function addTo({ directory, revisions }: LoadedBatch, loaded: LoadedPersons): void {
  for (const person of loaded.persons.values()) {
    if (directory.findPerson(person.user.id)) continue;
    directory.load(person);
    for (const { id } of person.identities) revisions.set(id, loaded.revisions.get(id) ?? 0);
  }
}

function gatherKeys(
  statements: readonly Statement[],
  policyOf: (connectionId: string) => ConnectionPolicy | undefined,
  believedNew: ReadonlySet<Statement>,
): Map<string, Wanted> {
  const all = new Map<string, Wanted>();
  for (const statement of statements) {
    const policy = policyOf(statement.connectionId);
    if (!policy) continue;
    let wanted = all.get(policy.id);
    if (!wanted) {
      wanted = {
        policy,
        externalIds: new Set(),
        newExternalIds: new Set(),
        subjects: new Set(),
        userNameKeys: new Set(),
        scimNameKeys: new Set(),
        emailKeys: new Set(),
        identityIds: new Set(),
        namesOfSubjects: new Map(),
      };
      all.set(policy.id, wanted);
    }
    if (statement.identityId !== undefined) wanted.identityIds.add(statement.identityId);
    const isNew = believedNew.has(statement);
    if (statement.externalId !== null) (isNew ? wanted.newExternalIds : wanted.externalIds).add(statement.externalId);
    if (statement.subject !== null) wanted.subjects.add(statement.subject);
    for (const { field, value } of statement.match ?? []) {
      if (field === 'externalId') (isNew ? wanted.newExternalIds : wanted.externalIds).add(value);
      else if (field !== 'userName') wanted.emailKeys.add(normaliseKey(value));
      else if (!isNew) {
        wanted.userNameKeys.add(normaliseKey(value));
        if (statement.voice === 'push') wanted.scimNameKeys.add(normaliseKey(value));
      }
    }
    const { userName, email } = readStatedNames(statement, policy);
    if (userName !== null) {
      const nameKey = normaliseKey(userName);
      if (!isNew) wanted.userNameKeys.add(nameKey);
      if (statement.subject !== null) wanted.namesOfSubjects.set(statement.subject, nameKey);
    }
    if (email !== null && policy.authoritativeDomains.length > 0) wanted.emailKeys.add(normaliseKey(email));
  }
  return all;
}

async function findUserIds(manager: EntityManager, wanted: Wanted, userIds: Map<string, Set<string>>): Promise<void> {
  const { id, tenantId } = wanted.policy;
  const byColumn = (column: string, keys: ReadonlySet<string>) =>
    selectByKeys(
      manager,
      (list) => `SELECT userId, userNameKey FROM identities WHERE connectionId = ? AND ${column} IN ${list}`,
      [id],
      [...keys],
    );
  const found = (
    await Promise.all([
      byColumn('id', wanted.identityIds),
      byColumn('externalId', wanted.externalIds),
      findByScimNames(manager, wanted),
    ])
  ).flat();
  // A name that someone found already holds need not be looked for: it is unique.
  for (const row of found) {
    if (typeof row.userNameKey === 'string') wanted.userNameKeys.delete(row.userNameKey);
  }
  found.push(...(await byColumn('userNameKey', wanted.userNameKeys)));
  const byEmail = await selectByKeys(
    manager,
    (list) => `SELECT id AS userId FROM users WHERE tenantId = ? AND emailKey IN ${list}`,
    [tenantId],
    [...wanted.emailKeys],
  );
  if (found.length + byEmail.length === 0) return;
  const ids = userIds.get(tenantId) ?? new Set<string>();
  userIds.set(tenantId, ids);
  for (const row of [...found, ...byEmail]) ids.add(String(row.userId));
}

function findByScimNames(manager: EntityManager, { policy, scimNameKeys }: Wanted) {
  return selectByKeys(
    manager,
    (list) =>
      `SELECT i.userId AS userId, i.userNameKey AS userNameKey FROM scim_users s JOIN identities i ON i.id = s.identityId
       WHERE s.connectionId = ? AND s.userNameKey IN ${list}`,
    [policy.id],
    [...scimNameKeys],
  );
}

/** Those of the directory whom statements name. */
function foundIdentities(
  { policy, subjects, externalIds, identityIds, scimNameKeys }: Wanted,
  directory: Directory,
): Set<IdentityState> {
  const found = new Set<IdentityState>();
  const add = (one: FoundIdentity | null) => one && found.add(one.identity);
  for (const each of subjects) add(directory.findBySubject(policy.id, each));
  for (const each of externalIds) add(directory.findByExternalId(policy.id, each));
  for (const each of identityIds) add(directory.findIdentity(each));
  for (const each of scimNameKeys) add(directory.findByScimName(policy.id, each));
  return found;
}

/**
 * What was said may name a person otherwise than their identity is named: another one held the name, or no rule read
 * it. The plan would claim it now, so that whoever holds it has to be known.
 *
 * @param identities of the batch and the policy's connection, that are to be planned anew
 */
export async function loadHolders(
  manager: EntityManager,
  policy: ConnectionPolicy,
  identities: Iterable<IdentityState>,
  batch: LoadedBatch,
): Promise<void> {
  const keys = new Set<string>();
  for (const { facts, userNameKey } of identities) {
    const said = facts.token ? readNames({ push: null, token: facts.token }, policy).userName : null;
    for (const name of [said, textOf(facts.push?.values.userName)]) {
      const key = name === null ? null : normaliseKey(name);
      if (key !== null && key !== userNameKey && !batch.directory.findByUserNameKey(policy.id, key)) keys.add(key);
    }
  }
  const holders = await selectByKeys(
    manager,
    (list) => `SELECT userId FROM identities WHERE connectionId = ? AND userNameKey IN ${list}`,
    [policy.id],
    [...keys],
  );
  const ids = holders.map(({ userId }) => String(userId));
  addTo(batch, await loadPersons(manager, policy.tenantId, ids));
}

/** A deleted identity may have left a trace; only subjects that nobody holds can have one that matters. */
async function loadTraces(
  manager: EntityManager,
  { policy, subjects, namesOfSubjects }: Wanted,
  directory: Directory,
): Promise<void> {
  const unknown = new Map<string, string>();
  for (const subject of subjects) {
    if (directory.findBySubject(policy.id, subject)) continue;
    unknown.set(hashSubject(subject), subject);
    const nameKey = namesOfSubjects.get(subject);
    if (nameKey !== undefined) unknown.set(hashSubject(nameTrace(nameKey)), nameTrace(nameKey));
  }
  const rows = await selectByKeys(
    manager,
    (keys) => `SELECT subjectHash, notBefore FROM identity_traces WHERE connectionId = ? AND subjectHash IN ${keys}`,
    [policy.id],
    [...unknown.keys()],
  );
  for (const row of rows) {
    const subject = unknown.get(String(row.subjectHash));
    if (subject !== undefined) directory.forbid(policy.id, subject, Number(row.notBefore));
  }
}

/** Names that nobody holds may be those of accounts whose users return; whoever of them is still there comes along. */
async function loadFormers(
  manager: EntityManager,
  { policy, externalIds, newExternalIds, subjects }: Wanted,
  batch: LoadedBatch,
) {
  const { directory } = batch;
  const names = [...newExternalIds].map(pushedName);
  for (const each of externalIds) if (!directory.findByExternalId(policy.id, each)) names.push(pushedName(each));
  for (const each of subjects) if (!directory.findBySubject(policy.id, each)) names.push(tokenName(each));
  const formers = await loadFormerUsers(manager, policy.id, names);
  if (formers.size === 0) return;
  const away: string[] = [];
  for (const [name, former] of formers) {
    directory.remember(policy.id, name, former);
    if (!directory.findPerson(former.userId)) away.push(former.userId);
  }
  addTo(batch, await loadPersons(manager, policy.tenantId, away));
}
