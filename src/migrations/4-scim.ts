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
      text('externalId', 255, optional),
      text('userNameKey', 255),
      text('displayNameKey', 255, optional),
      flag('active', optional),
      time('createdAt'),
      time('modifiedAt'),
    ],
    indices: [
      index('scim_users_connection', ['connectionId', 'identityId']),
      index('scim_users_external_id', ['connectionId', 'externalId', 'identityId']),
      index('scim_users_user_name', ['connectionId', 'userNameKey'], unique),
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
  new Table({
    name: 'scim_groups',
    columns: [
      text('id', 36, primary),
      text('tenantId', 36),
      text('connectionId', 36),
      text('displayName', 255),
      text('displayNameKey', 255),
      text('externalId', 255, optional),
      whole('version'),
      whole('revision'),
      time('createdAt'),
      time('modifiedAt'),
    ],
    indices: [
      index('scim_groups_display_name', ['connectionId', 'displayNameKey'], unique),
      index('scim_groups_external_id', ['connectionId', 'externalId']),
      index('scim_groups_modified', ['connectionId', 'modifiedAt', 'id']),
    ],
  }),
  new Table({
    name: 'scim_members',
    columns: [
      text('groupId', 36, primary),
      text('memberId', 255, primary),
      text('tenantId', 36),
      text('connectionId', 36),
      flag('known'),
      text('display', 255, optional),
      time('addedAt'),
    ],
    indices: [index('scim_members_member', ['connectionId', 'memberId'])],
  }),
  new Table({
    name: 'scim_due',
    columns: [
      text('runId', 36, primary),
      text('identityId', 36, primary),
      text('tenantId', 36),
      text('connectionId', 36),
    ],
    indices: [index('scim_due_connection', ['connectionId'])],
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
