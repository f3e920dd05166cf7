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
    name: 'users',
    columns: [
      text('id', 36, primary),
      text('tenantId', 36),
      text('userName', 255, optional),
      text('userNameKey', 255, optional),
      text('displayName', 255, optional),
      text('displayNameKey', 255, optional),
      text('givenName', 255, optional),
      text('familyName', 255, optional),
      text('email', 320, optional),
      text('emailKey', 320, optional),
      flag('emailVerified'),
      long('attributes'),
      flag('suspended'),
      whole('version'),
      time('createdAt'),
      time('updatedAt'),
    ],
    indices: [
      index('users_updated', ['tenantId', 'updatedAt']),
      index('users_display_name', ['tenantId', 'displayNameKey']),
      index('users_email', ['tenantId', 'emailKey']),
      index('users_user_name', ['tenantId', 'userNameKey']),
    ],
  }),
  new Table({
    name: 'identities',
    columns: [
      text('id', 36, primary),
      text('tenantId', 36),
      text('connectionId', 36),
      text('userId', 36),
      text('externalId', 255, optional),
      text('subject', 255, optional),
      text('userNameKey', 255, optional),
      flag('active'),
      long('facts'),
      text('pushHash', 44, optional),
      whole('mappingVersion'),
      whole('revision'),
      time('lastLoginAt', optional),
      time('notBefore', optional),
      text('scope', 64, optional),
      time('leavingAt', optional),
      time('createdAt'),
    ],
    indices: [
      index('identities_user', ['userId']),
      index('identities_mapping', ['connectionId', 'mappingVersion']),
      index('identities_user_name', ['connectionId', 'userNameKey'], unique),
      index('identities_subject', ['connectionId', 'subject'], unique),
      index('identities_external_id', ['connectionId', 'externalId'], unique),
    ],
  }),
  new Table({
    name: 'identity_traces',
    columns: [
      text('connectionId', 36, primary),
      text('subjectHash', 44, primary),
      time('notBefore'),
      time('expiresAt'),
    ],
    indices: [index('identity_traces_expiry', ['expiresAt'])],
  }),
  new Table({
    name: 'former_users',
    columns: [
      text('connectionId', 36, primary),
      text('nameHash', 44, primary),
      text('tenantId', 36),
      text('userId', 36),
      whole('version'),
      long('kept'),
      time('removedAt'),
      time('expiresAt'),
    ],
    indices: [index('former_users_expiry', ['expiresAt']), index('former_users_user', ['userId'])],
  }),
  new Table({
    name: 'grants',
    columns: [
      text('userId', 36, primary),
      text('kind', 12, primary),
      text('heldKey', 255, primary),
      text('sourceId', 36, primary),
      text('rule', 64, primary),
      text('tenantId', 36),
      text('connectionId', 36, optional),
      whole('mappingVersion'),
      text('because', 255, optional),
      text('adminId', 36, optional),
      text('reason', 500, optional),
      time('since'),
      time('until', optional),
      time('parkedAt', optional),
    ],
    indices: [index('grants_until', ['until']), index('grants_holders', ['tenantId', 'kind', 'heldKey', 'userId'])],
  }),
  new Table({
    name: 'blocks',
    columns: [
      text('userId', 36, primary),
      text('kind', 12, primary),
      text('heldKey', 255, primary),
      text('tenantId', 36),
      text('adminId', 36),
      text('reason', 500, optional),
      time('since'),
      time('until', optional),
    ],
    indices: [index('blocks_until', ['until'])],
  }),
  new Table({
    name: 'roles',
    columns: [
      text('id', 36, primary),
      text('tenantId', 36),
      text('roleKey', 64),
      text('name', 200),
      text('description', 1000),
      long('permissions'),
      flag('markedPrivileged'),
      flag('builtIn'),
      whole('version'),
      time('createdAt'),
      time('updatedAt'),
    ],
    indices: [index('roles_key', ['tenantId', 'roleKey'], unique)],
  }),
];

export class People1795000000001 implements MigrationInterface {
  // TypeORM orders migrations by the number at the end of the name.
  readonly name = 'People1795000000001';

  async up(runner: QueryRunner): Promise<void> {
    await compareTextByteForByte(runner);
    await createTables(runner, tables());
  }

  async down(runner: QueryRunner): Promise<void> {
    await dropTables(runner, tables());
  }
}

/**
 * Text compares byte for byte and without padding, in every table: the default collations of MySQL take `josé` for
 * `jose` and `admin ` for `admin`. The two servers have different names for the one collation that does this.
 */
async function compareTextByteForByte(runner: QueryRunner): Promise<void> {
  const type = runner.connection.options.type;
  if (type === 'better-sqlite3') return;
  const collation = type === 'mariadb' ? 'utf8mb4_nopad_bin' : 'utf8mb4_0900_bin';
  await runner.query(`ALTER DATABASE CHARACTER SET utf8mb4 COLLATE ${collation}`);
}
