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
    name: 'tenants',
    columns: [
      text('id', 36, primary),
      text('slug', 63),
      text('name', 200),
      text('status', 16),
      whole('version'),
      time('createdAt'),
      time('updatedAt'),
    ],
    indices: [index('tenants_slug', ['slug'], unique)],
  }),
  new Table({
    name: 'applications',
    columns: [
      text('id', 36, primary),
      text('tenantId', 36),
      text('name', 200),
      text('audience', 255),
      long('origins'),
      long('roles', optional),
      flag('isDefault'),
      whole('version'),
      time('createdAt'),
      time('updatedAt'),
    ],
    indices: [index('applications_audience', ['tenantId', 'audience'], unique)],
  }),
  new Table({
    name: 'connections',
    columns: [
      text('id', 36, primary),
      text('tenantId', 36),
      text('name', 200),
      text('nameKey', 200),
      text('issuer', 500),
      text('status', 16),
      long('settings'),
      long('keyOrders', optional),
      whole('lastSourceVersion', optional),
      whole('mappingVersion'),
      whole('version'),
      time('createdAt'),
      time('updatedAt'),
    ],
    indices: [index('connections_issuer', ['issuer']), index('connections_name', ['tenantId', 'nameKey'], unique)],
  }),
  new Table({
    name: 'mapping_versions',
    columns: [
      text('connectionId', 36, primary),
      whole('version', primary),
      text('tenantId', 36),
      long('mapping'),
      text('savedBy', 36),
      time('savedAt'),
    ],
    indices: [],
  }),
  new Table({
    name: 'api_keys',
    columns: [
      text('id', 36, primary),
      text('tenantId', 36),
      text('keyId', 16),
      text('secretHash', 44),
      text('name', 200),
      long('scopes'),
      text('connectionId', 36, optional),
      time('expiresAt', optional),
      time('revokedAt', optional),
      time('lastUsedAt', optional),
      text('operatorOf', 36, optional),
      text('createdBy', 36),
      time('createdAt'),
    ],
    indices: [index('api_keys_tenant', ['tenantId']), index('api_keys_key_id', ['keyId'], unique)],
  }),
  new Table({
    name: 'sessions',
    columns: [
      text('id', 36, primary),
      text('tenantId', 36),
      text('userId', 36),
      text('connectionId', 36, optional),
      text('identityId', 36, optional),
      text('applicationId', 36),
      flag('privileged'),
      time('authTime'),
      long('amr'),
      text('address', 45, optional),
      text('userAgent', 255, optional),
      time('createdAt'),
      time('lastUsedAt'),
      time('expiresAt'),
      time('endedAt', optional),
      text('endReason', 40, optional),
      text('refreshHash', 44),
      time('refreshUntil'),
      text('tokenMark', 44, optional),
    ],
    indices: [
      index('sessions_token_mark', ['tokenMark'], unique),
      index('sessions_expiry', ['expiresAt']),
      index('sessions_tenant', ['tenantId', 'createdAt']),
      index('sessions_connection', ['connectionId', 'endedAt']),
      index('sessions_identity', ['identityId']),
      index('sessions_user', ['userId', 'endedAt']),
    ],
  }),
  new Table({
    name: 'used_refresh_tokens',
    columns: [
      text('sessionId', 36, primary),
      text('tokenHash', 44, primary),
      text('tenantId', 36),
      time('usedAt'),
      time('expiresAt'),
    ],
    indices: [index('used_refresh_tokens_expiry', ['expiresAt'])],
  }),
  new Table({
    name: 'signing_keys',
    columns: [
      text('kid', 64, primary),
      long('publicJwk'),
      long('sealedPrivateKey'),
      time('createdAt'),
      time('activeFrom'),
      time('retiredAt', optional),
    ],
    indices: [],
  }),
  new Table({
    name: 'local_passwords',
    columns: [
      text('userId', 36, primary),
      text('tenantId', 36),
      text('userNameKey', 255),
      text('passwordHash', 255),
      long('guesses'),
      time('updatedAt'),
    ],
    indices: [index('local_passwords_name', ['tenantId', 'userNameKey'], unique)],
  }),
  new Table({
    name: 'one_time_links',
    columns: [
      text('tokenHash', 44, primary),
      text('purpose', 32),
      text('tenantId', 36, optional),
      text('userId', 36, optional),
      long('mayHold', optional),
      time('expiresAt'),
      time('usedAt', optional),
    ],
    indices: [],
  }),
];

export class Access1795000000002 implements MigrationInterface {
  // TypeORM orders migrations by the number at the end of the name.
  readonly name = 'Access1795000000002';

  async up(runner: QueryRunner): Promise<void> {
    await createTables(runner, tables());
  }

  async down(runner: QueryRunner): Promise<void> {
    await dropTables(runner, tables());
  }
}
