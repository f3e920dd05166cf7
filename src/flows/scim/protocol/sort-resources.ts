import { Problem } from '../../../platform/problem.js';
import { type Comparable, compareComparables, compareText, toComparable } from './compare-values.js';
import { type FoundAttribute, findAttribute, findSubAttribute } from './find-attribute.js';
import type { ResourceType } from './schema.js';
import { type ResourceJson, asObject, findValues } from './stored-values.js';

export interface Sort {
  /** Never a complex attribute; null where only other types of the same query have it: all are unassigned then. */
  readonly target: FoundAttribute | null;
  readonly descending: boolean;
}

/**
 * So many characters of a text count for the order, ties go by id; as in the database, which has a column's width of
 * it. A cursor has to hold them.
 */
const SORTED_CHARS_MAX = 500;

/** Where a resource stands in a sorted list. Small, so that a long list can be sorted without its resources. */
export interface SortKey {
  /** Null: unassigned, which is last when ascending. */
  readonly value: Comparable | null;
  readonly id: string;
}

/**
 * Reads `sortBy` and `sortOrder` (RFC 7644, section 3.4.2.3). A complex attribute means its `value`. Throws
 * `scim_invalid_path` for what is no attribute, or cannot be put in order, and `scim_invalid_value` for the order.
 */
export function readSort(
  type: ResourceType,
  sortBy: string,
  sortOrder: string | undefined,
  otherTypes: readonly ResourceType[] = [],
): Sort {
  const descending = readOrder(sortOrder);
  const path = sortBy.trim();
  const found = findAttribute(type, path);
  if (found === null) {
    if (otherTypes.some((other) => findAttribute(other, path) !== null)) return { target: null, descending };
    throw new Problem('scim_invalid_path', `sortBy: there is no attribute ${path.slice(0, 200)}`);
  }
  const attribute = found.subAttribute ?? found.attribute;
  const value = attribute.type === 'complex' ? findSubAttribute(attribute, 'value') : null;
  const target = value ? { ...found, subAttribute: value, path: `${found.path}.value` } : found;
  if ((target.subAttribute ?? target.attribute).type === 'complex') {
    throw new Problem('scim_invalid_path', `sortBy: ${found.path} is complex: name one of its sub-attributes`);
  }
  if (found.attribute.returned === 'never' || found.attribute.mutability === 'writeOnly') {
    throw new Problem('scim_invalid_path', `sortBy: ${found.path} is never told, so nothing is sorted by it`);
  }
  return { target, descending };
}

/** Of a multi-valued attribute it is the primary element, or else the first, that counts. */
export function sortKeyOf(resource: ResourceJson, sort: Sort): SortKey {
  const id = typeof resource.id === 'string' ? resource.id : '';
  const { target } = sort;
  if (target === null) return { value: null, id };
  const elements = findValues(resource, { ...target, subAttribute: null });
  const element = elements.find((each) => asObject(each)?.primary === true) ?? elements[0];
  const value = target.subAttribute ? asObject(element)?.[target.subAttribute.name] : element;
  const comparable = toComparable(target.subAttribute ?? target.attribute, value);
  return { value: typeof comparable === 'string' ? comparable.slice(0, SORTED_CHARS_MAX) : comparable, id };
}

/** The order of two resources, ties by id. Descending is the whole of it turned round, so that an index serves both. */
export function compareSortKeys(left: SortKey, right: SortKey, descending: boolean): number {
  const order = compareValues(left.value, right.value) || compareText(left.id, right.id);
  return descending ? -order : order;
}

function compareValues(left: Comparable | null, right: Comparable | null): number {
  if (left === null || right === null) return Number(left === null) - Number(right === null);
  return compareComparables(left, right);
}

function readOrder(sortOrder: string | undefined): boolean {
  switch (sortOrder?.trim().toLowerCase()) {
    case undefined:
    case '':
    case 'ascending':
      return false;
    case 'descending':
      return true;
    default:
      throw new Problem('scim_invalid_value', 'sortOrder is ascending or descending');
  }
}
