import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';
import { createTables, dropTables, index, primary, text, time } from './table-words.js';

const tables = (): Table[] => [
  new Table({
    name: 'departures',
    columns: [text('connectionId', 36, primary), text('userId', 36, primary), text('tenantId', 36), time('leftAt')],
    indices: [index('departures_left', ['leftAt'])],
  }),
];

/** Who left a connection's people, for whoever follows it. */
export class Following1795000000006 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await createTables(runner, tables());
  }

  async down(runner: QueryRunner): Promise<void> {
    await dropTables(runner, tables());
  }
}
