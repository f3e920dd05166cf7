import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';
import { createTables, dropTables, flag, index, long, optional, primary, text, time, whole } from './table-words.js';

const tables = (): Table[] => [
  new Table({
    name: 'scim_requests',
    columns: [
      text('id', 36, primary),
      text('tenantId', 36),
      text('connectionId', 36),
      text('keyId', 36),
      text('requestId', 64),
      time('at'),
      text('method', 16),
      text('path', 2000),
      text('userAgent', 200, optional),
      whole('status'),
      time('took'),
      whole('bodyBytes'),
      long('body', optional),
      whole('answerBytes'),
      long('answer', optional),
      long('problem', optional),
      time('expiresAt'),
    ],
    indices: [index('scim_requests_connection', ['connectionId', 'id']), index('scim_requests_expiry', ['expiresAt'])],
  }),
  new Table({
    name: 'scim_users',
    columns: [
      text('identityId', 36, primary),
      text('tenantId', 36),
      text('connectionId', 36),
      text('displayNameKey', 255, optional),
      flag('active'),
      time('createdAt'),
      time('modifiedAt'),
    ],
    indices: [
      index('scim_users_connection', ['connectionId', 'identityId']),
      index('scim_users_display_name', ['connectionId', 'displayNameKey', 'identityId']),
      index('scim_users_modified', ['connectionId', 'modifiedAt', 'identityId']),
      index('scim_users_active', ['connectionId', 'active', 'identityId']),
    ],
  }),
  new Table({
    name: 'scim_emails',
    columns: [
      text('identityId', 36, primary),
      text('valueKey', 320, primary),
      text('tenantId', 36),
      text('connectionId', 36),
    ],
    indices: [index('scim_emails_value', ['connectionId', 'valueKey', 'identityId'])],
  }),
];

export class Scim1795000000004 implements MigrationInterface {
  // TypeORM orders migrations by the number at the end of the name.
  readonly name = 'Scim1795000000004';

  async up(runner: QueryRunner): Promise<void> {
    await createTables(runner, tables());
  }

  async down(runner: QueryRunner): Promise<void> {
    await dropTables(runner, tables());
  }
}
