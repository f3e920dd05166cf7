/**
 * Every table that holds rows of a tenant, in the order in which a deletion empties them. `key` names the column by
 * whose values rows are taken in chunks; the rows of `children` with the same values in their column `by` go in the
 * same transaction (most of these tables have no index on the tenant, so their parents lead to them). A test compares
 * this list with the tables that there are.
 */
export interface TenantTable {
  table: string;
  key: string;
  /** The column that leads to the tenant, if that is not `tenantId`: then rows belong to the tenant's connections. */
  through?: 'connectionId';
  children?: readonly { table: string; by: string }[];
  /** Rows that are being written are waited for. */
  waits?: true;
}

const ofPrincipal = [
  { table: 'idempotency_parts', by: 'principalId' },
  { table: 'idempotency_keys', by: 'principalId' },
];

export const tenantTables: readonly TenantTable[] = [
  { table: 'api_keys', key: 'id', children: ofPrincipal },
  { table: 'sessions', key: 'id', children: [{ table: 'used_refresh_tokens', by: 'sessionId' }] },
  {
    table: 'users',
    key: 'id',
    children: [
      ...ofPrincipal,
      { table: 'identities', by: 'userId' },
      { table: 'grants', by: 'userId' },
      { table: 'blocks', by: 'userId' },
      { table: 'local_passwords', by: 'userId' },
    ],
  },
  {
    table: 'scim_users',
    key: 'identityId',
    through: 'connectionId',
    children: [{ table: 'scim_emails', by: 'identityId' }],
  },
  { table: 'scim_requests', key: 'id', through: 'connectionId' },
  {
    table: 'scim_groups',
    key: 'id',
    through: 'connectionId',
    children: [{ table: 'scim_members', by: 'groupId' }],
  },
  { table: 'identity_traces', key: 'subjectHash', through: 'connectionId' },
  { table: 'removal_hours', key: 'hour', through: 'connectionId' },
  { table: 'former_users', key: 'userId' },
  { table: 'departures', key: 'userId' },
  {
    table: 'connections',
    key: 'id',
    children: [
      { table: 'mapping_versions', by: 'connectionId' },
      { table: 'connection_sources', by: 'connectionId' },
    ],
  },
  {
    table: 'runs',
    key: 'id',
    children: [
      { table: 'run_parts', by: 'runId' },
      { table: 'run_failures', by: 'runId' },
      { table: 'run_entries', by: 'runId' },
      { table: 'run_seen', by: 'runId' },
      { table: 'scim_due', by: 'runId' },
    ],
  },
  { table: 'roles', key: 'id' },
  { table: 'applications', key: 'id' },
  // The queue first: a sequencer that finds nothing in it makes no head.
  { table: 'event_queue', key: 'id' },
  {
    table: 'events',
    key: 'id',
    children: [{ table: 'event_order', by: 'eventId' }],
  },
  { table: 'ledger_heads', key: 'tenantId', waits: true },
  { table: 'event_order', key: 'number' },
  { table: 'ledger_checkpoints', key: 'number' },
  // What has no parent any more, or never had one.
  { table: 'one_time_links', key: 'tokenHash' },
  { table: 'used_refresh_tokens', key: 'tokenHash' },
  { table: 'identities', key: 'id' },
  { table: 'grants', key: 'userId' },
  { table: 'blocks', key: 'userId' },
  { table: 'local_passwords', key: 'userId' },
  { table: 'mapping_versions', key: 'connectionId' },
  { table: 'connection_sources', key: 'connectionId' },
  { table: 'scim_emails', key: 'identityId' },
  { table: 'scim_members', key: 'groupId' },
  { table: 'scim_due', key: 'runId' },
];
