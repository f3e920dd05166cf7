import { TableColumn, TableIndex, type Table, type QueryRunner, type TableColumnOptions } from 'typeorm';

/** The words in which migrations say tables: the same few kinds of column as platform/columns.ts. Never edited. */

type Mark = Partial<TableColumnOptions>;

export const primary: Mark = { isPrimary: true };
export const optional: Mark = { isNullable: true };

const column = (name: string, type: string, marks: Mark[], more: Mark = {}): TableColumn =>
  new TableColumn({ name, type, ...more, ...Object.assign({}, ...marks) });

export const text = (name: string, length: number, ...marks: Mark[]): TableColumn =>
  column(name, 'varchar', marks, { length: String(length) });
export const long = (name: string, ...marks: Mark[]): TableColumn => column(name, 'mediumtext', marks);
export const time = (name: string, ...marks: Mark[]): TableColumn => column(name, 'bigint', marks);
export const whole = (name: string, ...marks: Mark[]): TableColumn => column(name, 'integer', marks);

/** MySQL spells a boolean `tinyint(1)`. */
export const flag = (name: string, ...marks: Mark[]): TableColumn => column(name, 'boolean', marks);

export const unique = true;
export const index = (name: string, columnNames: string[], isUnique = false): TableIndex =>
  new TableIndex({ name, columnNames, isUnique });

/** Creates what is not there yet: MySQL commits each table by itself, so a migration that was cut off runs again. */
export async function createTables(runner: QueryRunner, tables: readonly Table[]): Promise<void> {
  for (const table of tables) await runner.createTable(forEngine(runner, table), true);
}

export async function dropTables(runner: QueryRunner, tables: readonly Table[]): Promise<void> {
  for (const table of [...tables].reverse()) await runner.dropTable(table, true);
}

function forEngine(runner: QueryRunner, table: Table): Table {
  if (runner.connection.options.type === 'better-sqlite3') return table;
  for (const each of table.columns) {
    if (each.type === 'boolean') {
      each.type = 'tinyint';
    }
    if (each.type === 'integer') each.type = 'int';
  }
  return table;
}
