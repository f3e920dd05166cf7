import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';
import {
  createTables,
  dropTables,
  flag,
  index,
  long,
  optional,
  primary,
  text,
  time,
  unique,
  whole,
} from './table-words.js';

const tables = (): Table[] => [
  new Table({
    name: 'events',
    columns: [
      text('id', 36, primary),
      text('tenantId', 36),
      text('type', 64),
      time('at'),
      text('subjectType', 32),
      text('subjectId', 64),
      whole('subjectVersion'),
      text('actorType', 16),
      text('actorId', 64),
      text('via', 16),
      text('runId', 36, optional),
      text('reason', 500, optional),
      long('fields'),
      text('personalDigest', 44, optional),
      text('personalOf', 64, optional),
      text('salt', 24, optional),
      long('personal', optional),
    ],
    indices: [index('events_personal_of', ['personalOf']), index('events_subject', ['tenantId', 'subjectId', 'id'])],
  }),
  new Table({
    name: 'event_queue',
    columns: [text('id', 36, primary), text('tenantId', 36), long('eventIds')],
    indices: [],
  }),
  new Table({
    name: 'event_order',
    columns: [text('tenantId', 36, primary), whole('number', primary), text('eventId', 36), text('hash', 44)],
    indices: [index('event_order_event', ['eventId'], unique)],
  }),
  new Table({
    name: 'ledger_heads',
    columns: [text('tenantId', 36, primary), whole('number'), text('hash', 44)],
    indices: [],
  }),
  new Table({
    name: 'ledger_checkpoints',
    columns: [
      text('tenantId', 36, primary),
      whole('number', primary),
      text('hash', 44),
      time('at'),
      text('kid', 64),
      text('signature', 1000),
    ],
    indices: [],
  }),
  new Table({
    name: 'leases',
    columns: [text('name', 100, primary), text('holder', 36), time('until')],
    indices: [],
  }),
  new Table({
    name: 'runs',
    columns: [
      text('id', 36, primary),
      text('tenantId', 36),
      text('connectionId', 36),
      text('kind', 16),
      text('cause', 16),
      text('mode', 16, optional),
      text('scope', 64),
      time('statedAt', optional),
      whole('people', optional),
      text('status', 16),
      text('phase', 16),
      text('actorType', 16),
      text('actorId', 36),
      whole('mappingVersion'),
      long('counts'),
      whole('upTo'),
      text('digest', 44, optional),
      text('holder', 36, optional),
      text('error', 500, optional),
      time('startedAt'),
      time('aliveAt'),
      time('cancelAt', optional),
      time('finishedAt', optional),
      time('heldUntil', optional),
    ],
    indices: [
      index('runs_alive', ['aliveAt']),
      index('runs_connection', ['connectionId', 'mode', 'aliveAt']),
      index('runs_status', ['status']),
      index('runs_tenant', ['tenantId', 'startedAt']),
    ],
  }),
  new Table({
    name: 'run_parts',
    columns: [
      text('runId', 36, primary),
      whole('part', primary),
      text('tenantId', 36),
      whole('upTo'),
      text('digest', 44),
      long('counts'),
      long('place', optional),
    ],
    indices: [],
  }),
  new Table({
    name: 'run_failures',
    columns: [
      text('runId', 36, primary),
      whole('record', primary),
      text('tenantId', 36),
      text('externalId', 255, optional),
      text('code', 64),
      text('detail', 1000),
      long('faults', optional),
      time('at'),
    ],
    indices: [index('run_failures_at', ['at'])],
  }),
  new Table({
    name: 'run_entries',
    columns: [
      text('runId', 36, primary),
      whole('entry', primary),
      text('tenantId', 36),
      text('connectionId', 36),
      text('userId', 36),
      text('identityId', 36),
      text('externalId', 255, optional),
      text('change', 16),
      whole('record', optional),
      time('at'),
      long('statement', optional),
      flag('deactivates'),
      long('loses'),
      whole('revision'),
      text('state', 16),
      time('dueAt', optional),
    ],
    indices: [
      index('run_entries_identity', ['identityId']),
      index('run_entries_due', ['state', 'dueAt']),
      index('run_entries_state', ['state', 'runId', 'entry']),
    ],
  }),
  new Table({
    name: 'run_seen',
    columns: [
      text('runId', 36, primary),
      whole('part', primary),
      text('tenantId', 36),
      text('connectionId', 36),
      time('at'),
      long('names'),
      whole('unreadable', optional),
    ],
    indices: [index('run_seen_connection', ['connectionId', 'at', 'runId', 'part']), index('run_seen_at', ['at'])],
  }),
  new Table({
    name: 'removal_hours',
    columns: [
      text('connectionId', 36, primary),
      whole('hour', primary),
      text('tenantId', 36),
      whole('deactivated'),
      whole('reduced'),
      flag('isTold'),
      time('at'),
    ],
    indices: [index('removal_hours_at', ['at'])],
  }),
  new Table({
    name: 'idempotency_keys',
    columns: [
      text('principalId', 36, primary),
      text('requestKey', 255, primary),
      text('requestHash', 44),
      text('runId', 36, optional),
      time('heldUntil'),
      whole('status', optional),
      long('answer', optional),
      time('expiresAt'),
    ],
    indices: [index('idempotency_keys_expiry', ['expiresAt'])],
  }),
  new Table({
    name: 'idempotency_parts',
    columns: [
      text('principalId', 36, primary),
      text('requestKey', 255, primary),
      whole('part', primary),
      long('results'),
    ],
    indices: [],
  }),
];

export class LedgerAndRuns1795000000003 implements MigrationInterface {
  // TypeORM orders migrations by the number at the end of the name.
  readonly name = 'LedgerAndRuns1795000000003';

  async up(runner: QueryRunner): Promise<void> {
    await createTables(runner, tables());
  }

  async down(runner: QueryRunner): Promise<void> {
    await dropTables(runner, tables());
  }
}
