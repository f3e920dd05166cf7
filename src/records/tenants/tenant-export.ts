import type { EntityManager } from 'typeorm';
import { readParcels } from '../../ledger/event-parcels.js';
import { formatTime } from '../../platform/clock.js';
import type { SqlValue } from '../../platform/database.js';
import { placeholders, selectByKeys } from '../../platform/sql.js';

const ROWS_PER_READ = 500;
type Row = Record<string, unknown>;

/** What goes out of each table: named column by column, so that no secret goes with them. */
const columns = {
  tenants: ['id', 'slug', 'name', 'status', 'version', 'createdAt', 'updatedAt'],
  applications: ['id', 'name', 'audience', 'origins', 'roles', 'isDefault', 'version', 'createdAt', 'updatedAt'],
  roles: [
    'id',
    'roleKey',
    'name',
    'description',
    'permissions',
    'markedPrivileged',
    'builtIn',
    'version',
    'createdAt',
    'updatedAt',
  ],
  connections: ['id', 'name', 'issuer', 'status', 'settings', 'mappingVersion', 'version', 'createdAt', 'updatedAt'],
  mapping_versions: ['connectionId', 'version', 'mapping', 'savedBy', 'savedAt'],
  api_keys: [
    'id',
    'keyId',
    'name',
    'scopes',
    'connectionId',
    'expiresAt',
    'revokedAt',
    'lastUsedAt',
    'operatorOf',
    'createdBy',
    'createdAt',
  ],
  runs: [
    'id',
    'connectionId',
    'kind',
    'cause',
    'mode',
    'status',
    'actorType',
    'actorId',
    'mappingVersion',
    'counts',
    'upTo',
    'error',
    'startedAt',
    'finishedAt',
  ],
  sessions: [
    'id',
    'userId',
    'connectionId',
    'identityId',
    'applicationId',
    'privileged',
    'authTime',
    'amr',
    'address',
    'userAgent',
    'createdAt',
    'lastUsedAt',
    'expiresAt',
    'endedAt',
    'endReason',
  ],
  users: [
    'id',
    'userName',
    'displayName',
    'givenName',
    'familyName',
    'email',
    'emailVerified',
    'attributes',
    'suspended',
    'version',
    'createdAt',
    'updatedAt',
  ],
  identities: [
    'id',
    'userId',
    'connectionId',
    'externalId',
    'subject',
    'active',
    'facts',
    'mappingVersion',
    'lastLoginAt',
    'notBefore',
    'scope',
    'leavingAt',
    'createdAt',
  ],
  grants: [
    'userId',
    'kind',
    'heldKey',
    'sourceId',
    'rule',
    'connectionId',
    'mappingVersion',
    'because',
    'adminId',
    'reason',
    'since',
    'until',
    'parkedAt',
  ],
  blocks: ['userId', 'kind', 'heldKey', 'adminId', 'reason', 'since', 'until'],
  local_passwords: ['userId', 'userNameKey', 'updatedAt'],
  scim_groups: ['id', 'connectionId', 'displayName', 'externalId', 'version', 'createdAt', 'modifiedAt'],
  scim_members: ['groupId', 'memberId', 'display', 'addedAt'],
} as const;
type ExportedTable = keyof typeof columns;

const JSON_COLUMNS = new Set([
  'origins',
  'roles',
  'permissions',
  'settings',
  'mapping',
  'scopes',
  'counts',
  'amr',
  'attributes',
  'facts',
  'fields',
  'personal',
]);
const TIME_COLUMNS = new Set([
  'createdAt',
  'updatedAt',
  'savedAt',
  'expiresAt',
  'revokedAt',
  'lastUsedAt',
  'startedAt',
  'finishedAt',
  'authTime',
  'endedAt',
  'lastLoginAt',
  'notBefore',
  'since',
  'until',
  'parkedAt',
  'modifiedAt',
  'addedAt',
  'at',
]);
const FLAG_COLUMNS = new Set([
  'isDefault',
  'markedPrivileged',
  'builtIn',
  'privileged',
  'emailVerified',
  'suspended',
  'active',
]);
const NAMES: Record<string, string> = { roleKey: 'key', heldKey: 'key', userNameKey: 'userName' };

/**
 * What a tenant holds, as lines of NDJSON: `{"type":"user","data":{…}}`, users with their identities, grants and
 * blocks, then its ledger; the last line is `{"type":"end","counts":{…}}`, so that a cut one is told from a whole one.
 * Not one moment: rows are read in chunks while the tenant goes on.
 */
export async function* exportTenant(read: EntityManager, tenantId: string): AsyncGenerator<string> {
  const counts: Record<string, number> = {};
  const line = (type: string, data: unknown): string => {
    counts[type] = (counts[type] ?? 0) + 1;
    return `${JSON.stringify({ type, data })}\n`;
  };
  for (const row of await select(read, 'tenants', 'id = ?', [tenantId])) yield line('tenant', row);
  for (const [type, table] of [
    ['application', 'applications'],
    ['role', 'roles'],
    ['connection', 'connections'],
    ['apiKey', 'api_keys'],
    ['run', 'runs'],
    ['session', 'sessions'],
  ] as const) {
    for await (const rows of chunks(read, table, tenantId)) for (const row of rows) yield line(type, row);
  }
  for (const row of await select(read, 'mapping_versions', 'tenantId = ?', [tenantId]))
    yield line('mappingVersion', row);
  for await (const users of chunks(read, 'users', tenantId)) {
    for (const user of await withTheirRows(read, users)) yield line('user', user);
  }
  for await (const groups of chunks(read, 'scim_groups', tenantId)) {
    for (const group of groups) {
      yield line('group', group);
      for await (const members of memberChunks(read, String(group.id)))
        for (const member of members) yield line('member', member);
    }
  }
  for await (const events of eventChunks(read, tenantId)) for (const event of events) yield line('event', event);
  yield `${JSON.stringify({ type: 'end', counts })}\n`;
}

async function* chunks(read: EntityManager, table: ExportedTable, tenantId: string): AsyncGenerator<Row[]> {
  let after = '';
  for (;;) {
    const rows = await select(read, table, `tenantId = ? AND id > ? ORDER BY id LIMIT ${ROWS_PER_READ}`, [
      tenantId,
      after,
    ]);
    if (rows.length === 0) return;
    yield rows;
    after = String(rows.at(-1)?.id);
  }
}

async function* memberChunks(read: EntityManager, groupId: string): AsyncGenerator<Row[]> {
  let after = '';
  for (;;) {
    const where = `groupId = ? AND memberId > ? ORDER BY memberId LIMIT ${ROWS_PER_READ}`;
    const rows = await select(read, 'scim_members', where, [groupId, after]);
    if (rows.length === 0) return;
    yield rows;
    after = String(rows.at(-1)?.memberId);
  }
}

async function withTheirRows(read: EntityManager, users: Row[]): Promise<Record<string, unknown>[]> {
  const ids = users.map((user) => String(user.id));
  const of = async (table: ExportedTable) => {
    const rows = await select(read, table, `userId IN ${placeholders(ids.length)}`, ids);
    return Map.groupBy(rows, (row) => String(row.userId));
  };
  const [identities, grants, blocks, passwords] = [
    await of('identities'),
    await of('grants'),
    await of('blocks'),
    await of('local_passwords'),
  ];
  return users.map((user) => ({
    ...user,
    identities: identities.get(String(user.id)) ?? [],
    grants: grants.get(String(user.id)) ?? [],
    blocks: blocks.get(String(user.id)) ?? [],
    localAdmin: passwords.has(String(user.id)),
  }));
}

const EVENT_COLUMNS = `e.id, e.type, e.at, e.subjectType, e.subjectId, e.subjectVersion, e.actorType, e.actorId, e.via,
  e.runId, e.reason, e.fields, e.personalDigest, e.salt AS personalSalt, e.personal`;

async function* eventChunks(read: EntityManager, tenantId: string): AsyncGenerator<Row[]> {
  let number = 0;
  for (;;) {
    const rows: Row[] = await read.query(
      `SELECT o.number, o.hash, ${EVENT_COLUMNS} FROM event_order o JOIN events e ON e.id = o.eventId
       WHERE o.tenantId = ? AND o.number > ? ORDER BY o.number LIMIT ${ROWS_PER_READ}`,
      [tenantId, number],
    );
    if (rows.length === 0) break;
    number = Number(rows.at(-1)?.number);
    yield rows.map(toPlain);
  }
  // Those of the last second, which have no number yet.
  const parcels = await readParcels(read, [tenantId]);
  const rows = await selectByKeys(
    read,
    (keys) =>
      `SELECT NULL AS number, NULL AS hash, ${EVENT_COLUMNS} FROM events e LEFT JOIN event_order o ON o.eventId = e.id
       WHERE e.id IN ${keys} AND o.eventId IS NULL ORDER BY e.id`,
    [],
    parcels.flatMap(({ eventIds }) => eventIds),
  );
  yield rows.map(toPlain);
}

async function select(read: EntityManager, table: ExportedTable, where: string, values: SqlValue[]): Promise<Row[]> {
  const rows: Row[] = await read.query(`SELECT ${columns[table].join(', ')} FROM ${table} WHERE ${where}`, values);
  return rows.map(toPlain);
}

/** A row as JSON says it: times as texts, flags as booleans, JSON as what it holds. */
function toPlain(row: Row): Row {
  const plain: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(row)) {
    const key = NAMES[name] ?? name;
    if (value === null) plain[key] = null;
    else if (JSON_COLUMNS.has(name)) plain[key] = JSON.parse(value as string);
    else if (TIME_COLUMNS.has(name)) plain[key] = formatTime(Number(value));
    else if (FLAG_COLUMNS.has(name)) plain[key] = Boolean(Number(value));
    else plain[key] = value;
  }
  return plain;
}
