import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';
import { createTables, dropTables, index, long, optional, primary, text, time, whole } from './table-words.js';

const tables = (): Table[] => [
  new Table({
    name: 'connection_sources',
    columns: [
      text('connectionId', 36, primary),
      text('tenantId', 36),
      text('type', 16),
      long('settings'),
      long('sealedCredential', optional),
      long('state', optional),
      text('cron', 100, optional),
      text('fullCron', 100, optional),
      text('timeZone', 64),
      whole('jitterSeconds'),
      time('nextAt', optional),
      time('nextFullAt', optional),
      whole('failures'),
      time('suspendedAt', optional),
      text('suspendedReason', 500, optional),
      text('lastRunId', 36, optional),
      time('comparedAt', optional),
      whole('version'),
      time('createdAt'),
      time('updatedAt'),
    ],
    indices: [index('connection_sources_due', ['nextAt']), index('connection_sources_full_due', ['nextFullAt'])],
  }),
];

export class Sources1795000000005 implements MigrationInterface {
  // TypeORM orders migrations by the number at the end of the name.
  readonly name = 'Sources1795000000005';

  async up(runner: QueryRunner): Promise<void> {
    await createTables(runner, tables());
  }

  async down(runner: QueryRunner): Promise<void> {
    await dropTables(runner, tables());
  }
}
