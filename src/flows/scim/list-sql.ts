import type { Engine, SqlValue } from '../../platform/database.js';
import { EVERYTHING, type SqlFilter } from './filter-sql.js';
import type { ListSource, SortColumn } from './list-source.js';
import type { Sort } from './protocol/sort-resources.js';

/** Where a list goes on: after the row with this value in the column of the order, and this id. */
export interface Place {
  value: string | number | null;
  id: string;
}

export interface Select {
  sql: string;
  values: SqlValue[];
}

/** The order of a list as the database can make it; null if it cannot. */
export interface SqlOrder {
  /** Null: by id alone. */
  column: SortColumn | null;
  descending: boolean;
}

export function findOrder({ sortColumns, indexed }: ListSource, sort: Sort | null): SqlOrder | null {
  if (sort === null) return { column: null, descending: false };
  // Nobody has it: all stand in the order of their ids.
  if (sort.target === null) return { column: null, descending: sort.descending };
  const column = sortColumns[sort.target.path];
  if (!column) return null;
  return { column: column.column === indexed.idColumn ? null : column, descending: sort.descending };
}

export interface SqlStretch {
  after: Place | null;
  offset: number;
  limit: number;
  engine: Engine;
}

/** Ids (`id`) and the values of the order (`place`) of a stretch of a list. */
export function selectStretch(
  source: ListSource,
  connectionId: string,
  filter: SqlFilter,
  order: SqlOrder,
  stretch: SqlStretch,
): Select {
  const { column, descending } = order;
  const id = source.indexed.idColumn;
  const values: SqlValue[] = [connectionId, ...filter.values];
  const conditions = ['s.connectionId = ?', `(${filter.where})`];
  if (stretch.after) {
    const further = goOn(id, order, stretch.after);
    conditions.push(`(${further.where})`);
    values.push(...further.values);
  }
  // Left to itself, MariaDB enters the index by the connection alone, and reads past all that came before.
  const isWalk = stretch.engine === 'mysql' && stretch.after !== null && !column && filter.where === EVERYTHING;
  const hint = isWalk && source.idIndex ? ` FORCE INDEX (${source.idIndex})` : '';
  const way = descending ? ' DESC' : '';
  const keys = column ? [...(column.optional ? [`${column.column} IS NULL`] : []), column.column] : [];
  if (!column?.unique) keys.push(id);
  // Both are whole numbers that the service has made.
  const limit = `LIMIT ${Math.trunc(stretch.limit)} OFFSET ${Math.trunc(stretch.offset)}`;
  return {
    sql:
      `SELECT ${id} AS id, ${column?.column ?? 'NULL'} AS place FROM ${source.table} s${hint} ` +
      `WHERE ${conditions.join(' AND ')} ORDER BY ${keys.map((key) => key + way).join(', ')} ${limit}`,
    values,
  };
}

export function selectCount(source: ListSource, connectionId: string, filter: SqlFilter): Select {
  return {
    sql: `SELECT COUNT(*) AS total FROM ${source.table} s WHERE s.connectionId = ? AND (${filter.where})`,
    values: [connectionId, ...filter.values],
  };
}

/** Nulls are last, and first when descending. */
function goOn(id: string, { column, descending }: SqlOrder, { value, id: last }: Place) {
  const sign = descending ? '<' : '>';
  if (!column) return { where: `${id} ${sign} ?`, values: [last] };
  const { column: name, optional, unique } = column;
  if (unique) return { where: `${name} ${sign} ?`, values: [value] };
  if (value === null) {
    const among = `${name} IS NULL AND ${id} ${sign} ?`;
    return { where: descending ? `(${among}) OR ${name} IS NOT NULL` : among, values: [last] };
  }
  // The first condition is what an index can be entered by.
  const ahead = `${name} ${sign}= ? AND (${name} ${sign} ? OR ${id} ${sign} ?)`;
  return { where: optional && !descending ? `(${ahead}) OR ${name} IS NULL` : ahead, values: [value, value, last] };
}
