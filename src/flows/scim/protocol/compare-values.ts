import { normaliseKey } from '../../../platform/text-key.js';
import type { Json } from '../../../plan/statement.js';
import { parseDateTime } from './date-time.js';
import type { CompareOperator } from './filter.js';
import type { AttributeDefinition } from './schema.js';

/** A value made ready to be compared: a text (its key where case does not count), a number (a time as `Micros`), or a boolean. */
export type Comparable = string | number | boolean;

/** Has a value that is neither empty nor null, nor made of such alone (RFC 7644, section 3.4.2.2, `pr`). */
export function isAssigned(value: Json | undefined): boolean {
  if (value === undefined || value === null || value === '') return false;
  if (Array.isArray(value)) return value.some(isAssigned);
  if (typeof value === 'object') return Object.values(value).some(isAssigned);
  return true;
}

/**
 * Texts by `caseExact`, by the same key as user names are stored under, so that database and memory agree; times as
 * instants. Null for what is unassigned or not of the attribute's type.
 */
export function toComparable(attribute: AttributeDefinition, value: Json | undefined): Comparable | null {
  switch (attribute.type) {
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'integer':
    case 'decimal':
      return typeof value === 'number' ? value : null;
    case 'dateTime':
      return typeof value === 'string' ? parseDateTime(value) : null;
    case 'string':
    case 'reference':
    case 'binary':
      return typeof value === 'string' ? toTextKey(attribute, value) : null;
    case 'complex':
      return null;
  }
}

function toTextKey(attribute: AttributeDefinition, text: string): string {
  return attribute.caseExact ? text : normaliseKey(text);
}

/** Whether one stored value meets the operand; an unassigned one meets `ne` alone. */
export function holdsFor(stored: Comparable | null, operator: CompareOperator, operand: Comparable): boolean {
  if (stored === null) return operator === 'ne';
  switch (operator) {
    case 'eq':
      return stored === operand;
    case 'ne':
      return stored !== operand;
    case 'co':
      return String(stored).includes(String(operand));
    case 'sw':
      return String(stored).startsWith(String(operand));
    case 'ew':
      return String(stored).endsWith(String(operand));
    case 'gt':
      return compareComparables(stored, operand) > 0;
    case 'ge':
      return compareComparables(stored, operand) >= 0;
    case 'lt':
      return compareComparables(stored, operand) < 0;
    case 'le':
      return compareComparables(stored, operand) <= 0;
  }
}

/** Negative, zero or positive. Texts compare as their bytes in UTF-8 do, which is how both databases compare them. */
export function compareComparables(left: Comparable, right: Comparable): number {
  if (typeof left === 'string' && typeof right === 'string') return compareText(left, right);
  return Number(left) - Number(right);
}

export function compareText(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let i = 0; i < length; i++) {
    const [a, b] = [left.charCodeAt(i), right.charCodeAt(i)];
    if (a !== b) return rankOfUnit(a) - rankOfUnit(b);
  }
  return left.length - right.length;
}

/** Surrogates stand for characters beyond U+FFFF, so they come after the units from U+E000 to there. */
function rankOfUnit(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
