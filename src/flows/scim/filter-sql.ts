import type { SqlValue } from '../../platform/database.js';
import type { Comparable } from './protocol/compare-values.js';
import type { ResolvedComparison, ResolvedFilter } from './protocol/resolve-filter.js';

/**
 * What a database can say of a filter: a condition with its values. `isExact`: it holds for those whom the filter means
 * and for no others; else it holds for more, and whoever it finds has to be looked at.
 */
export interface SqlFilter {
  where: string;
  values: SqlValue[];
  isExact: boolean;
}

/** How an attribute stands in a table. */
export type AttributeColumn =
  /** The key of a text (`normaliseKey`), cut after `charsMax`; null where it is unassigned. */
  | { kind: 'key'; column: string; charsMax: number }
  /** A text as it is. */
  | { kind: 'text'; column: string }
  /** A time or a boolean. */
  | { kind: 'number'; column: string }
  /** In another table: a SELECT of ids with two parameters, the connection and the value; exact unless keys are cut. */
  | { kind: 'elsewhere'; select: string; charsMax: number; isExact?: boolean };

/** By the attribute's path in canonical case. */
export interface IndexedAttributes {
  columns: Readonly<Record<string, AttributeColumn>>;
  /** What every resource has. */
  always: ReadonlySet<string>;
  idColumn: string;
}

/** The condition that holds for all. */
export const EVERYTHING = '1 = 1';

const EVERYBODY: SqlFilter = { where: EVERYTHING, values: [], isExact: true };
const NOBODY: SqlFilter = { where: '1 = 0', values: [], isExact: true };
/** The database cannot tell. */
const ANYBODY: SqlFilter = { where: EVERYTHING, values: [], isExact: false };

/** The condition of a filter on the resources of a connection. Nothing of its text becomes SQL: all are parameters. */
export function toSqlFilter(filter: ResolvedFilter, indexed: IndexedAttributes, connectionId: string): SqlFilter {
  const translate = (term: ResolvedFilter): SqlFilter => toSqlFilter(term, indexed, connectionId);
  switch (filter.kind) {
    case 'and':
      return join(filter.terms.map(translate), 'AND');
    case 'or': {
      const terms = filter.terms.map(translate);
      return terms.includes(ANYBODY) ? ANYBODY : join(terms, 'OR');
    }
    case 'not': {
      const { where, values, isExact } = translate(filter.term);
      return isExact ? { where: `NOT (${where})`, values, isExact } : ANYBODY;
    }
    case 'present':
      return presence(filter.target.path, indexed);
    case 'compare':
      return comparison(filter, indexed, connectionId);
    case 'element':
      return element(filter.filter, indexed, connectionId);
    case 'constant':
      return filter.holds ? EVERYBODY : NOBODY;
  }
}

function presence(path: string, { columns, always }: IndexedAttributes): SqlFilter {
  if (always.has(path)) return EVERYBODY;
  const found = columns[path];
  if (!found || found.kind === 'elsewhere') return ANYBODY;
  return { where: `${found.column} IS NOT NULL`, values: [], isExact: found.kind !== 'text' };
}

function comparison(
  { target, operator, operand }: ResolvedComparison,
  { columns, idColumn }: IndexedAttributes,
  connectionId: string,
): SqlFilter {
  const found = columns[target.path];
  switch (found?.kind) {
    case undefined:
      return ANYBODY;
    case 'key':
      return String(operand).length < found.charsMax ? keyComparison(found.column, operator, operand) : ANYBODY;
    case 'number':
      return numberComparison(found.column, operator, Number(operand));
    case 'text':
      return operator === 'eq' && operand !== ''
        ? { where: `(${found.column} IS NOT NULL AND ${found.column} = ?)`, values: [String(operand)], isExact: true }
        : ANYBODY;
    case 'elsewhere':
      return operator === 'eq' && operand !== '' && String(operand).length < found.charsMax
        ? {
            where: `${idColumn} IN (${found.select})`,
            values: [connectionId, String(operand)],
            isExact: found.isExact === true,
          }
        : ANYBODY;
  }
}

/** In brackets only what the element has to have narrows anything. */
function element(filter: ResolvedFilter, indexed: IndexedAttributes, connectionId: string): SqlFilter {
  for (const term of filter.kind === 'and' ? filter.terms : [filter]) {
    if (term.kind !== 'compare' || term.operator !== 'eq') continue;
    const { where, values, isExact } = comparison(term, indexed, connectionId);
    if (values.length > 0) return { where, values, isExact: isExact && term === filter };
  }
  return ANYBODY;
}

/** The greatest character there is: whatever begins with a text lies between the text and the text with it. */
const GREATEST = '\u{10FFFF}'.repeat(8);
const SIGNS = { eq: '=', ne: '<>', gt: '>', ge: '>=', lt: '<', le: '<=' } as const;

function keyComparison(column: string, operator: ResolvedComparison['operator'], operand: Comparable): SqlFilter {
  const key = String(operand);
  // With a null in it a condition would hold neither as it is nor negated.
  const assigned = (where: string, ...values: SqlValue[]): SqlFilter => ({
    where: `(${column} IS NOT NULL AND ${where})`,
    values,
    isExact: true,
  });
  switch (operator) {
    case 'ne':
      return { where: `(${column} IS NULL OR ${column} <> ?)`, values: [key], isExact: true };
    case 'sw':
      return key === '' ? assigned('1 = 1') : assigned(`${column} >= ? AND ${column} < ?`, key, key + GREATEST);
    case 'co':
      return key === '' ? assigned('1 = 1') : assigned(`INSTR(${column}, ?) > 0`, key);
    case 'ew':
      return key === '' ? assigned('1 = 1') : assigned(`SUBSTR(${column}, ?) = ?`, -[...key].length, key);
    case 'eq':
    case 'gt':
    case 'ge':
    case 'lt':
    case 'le':
      return assigned(`${column} ${SIGNS[operator]} ?`, key);
  }
}

function numberComparison(column: string, operator: ResolvedComparison['operator'], value: number): SqlFilter {
  if (operator === 'co' || operator === 'sw' || operator === 'ew') return ANYBODY;
  const where =
    operator === 'ne'
      ? `(${column} IS NULL OR ${column} <> ?)`
      : `(${column} IS NOT NULL AND ${column} ${SIGNS[operator]} ?)`;
  return { where, values: [value], isExact: true };
}

function join(terms: readonly SqlFilter[], word: 'AND' | 'OR'): SqlFilter {
  return {
    where: terms.map(({ where }) => `(${where})`).join(` ${word} `),
    values: terms.flatMap(({ values }) => values),
    isExact: terms.every(({ isExact }) => isExact),
  };
}
