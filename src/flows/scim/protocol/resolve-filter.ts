import { Problem } from '../../../platform/problem.js';
import { type Comparable, toComparable } from './compare-values.js';
import type { CompareOperator, Filter, FilterLeniencies, FilterValue } from './filter.js';
import { type FoundAttribute, findAttribute, findSubAttribute } from './find-attribute.js';
import type { AttributeDefinition, ResourceType } from './schema.js';

/** A filter whose attributes were found and whose values are of their types. */
export type ResolvedFilter =
  | { readonly kind: 'and' | 'or'; readonly terms: readonly ResolvedFilter[] }
  | { readonly kind: 'not'; readonly term: ResolvedFilter }
  | { readonly kind: 'present'; readonly target: FoundAttribute }
  | ResolvedComparison
  /** One element of `target` meets the whole of `filter`, whose targets are sub-attributes of it. */
  | { readonly kind: 'element'; readonly target: FoundAttribute; readonly filter: ResolvedFilter }
  /** What an attribute that the type does not have comes to. */
  | { readonly kind: 'constant'; readonly holds: boolean };

export interface ResolvedComparison {
  readonly kind: 'compare';
  /** Never a complex attribute: `emails co "x"` has become `emails.value`. */
  readonly target: FoundAttribute;
  readonly operator: CompareOperator;
  /** As it was written, but for leniencies. */
  readonly value: string | number | boolean;
  /** What stored values are compared with: the key of a text (`normaliseKey`) unless caseExact, a time as `Micros`. */
  readonly operand: Comparable;
}

export interface ResolveOptions extends FilterLeniencies {
  /**
   * The other types that the same query reads (`/.search` at the root): an attribute of theirs alone is unassigned here
   * (RFC 7644, section 3.4.2.1). One that no type has is refused all the same.
   */
  readonly otherTypes?: readonly ResourceType[];
}

/** Throws `scim_invalid_filter` for attributes, operators and values that do not fit one another. */
export function resolveFilter(filter: Filter, type: ResourceType, options: ResolveOptions = {}): ResolvedFilter {
  return resolve(filter, {
    options,
    find: (path) => findAttribute(type, path),
    isElsewhere: (path) => options.otherTypes?.some((other) => findAttribute(other, path) !== null) ?? false,
  });
}

/** The same for what stands in brackets behind `parent`, a complex attribute. */
export function resolveElementFilter(
  filter: Filter,
  parent: FoundAttribute,
  leniencies: FilterLeniencies = {},
): ResolvedFilter {
  return resolve(filter, {
    options: leniencies,
    find: (name) => {
      const subAttribute = findSubAttribute(parent.attribute, name);
      return subAttribute && { ...parent, subAttribute, path: `${parent.path}.${subAttribute.name}` };
    },
    isElsewhere: () => false,
  });
}

/** How many comparisons a filter makes of one element at most. */
export function countTerms(filter: ResolvedFilter): number {
  if ('terms' in filter) return filter.terms.reduce((sum, term) => sum + countTerms(term), 0);
  if ('term' in filter) return countTerms(filter.term);
  return filter.kind === 'element' ? countTerms(filter.filter) : 1;
}

interface Scope {
  options: FilterLeniencies;
  find: (path: string) => FoundAttribute | null;
  isElsewhere: (path: string) => boolean;
}

function resolve(filter: Filter, scope: Scope): ResolvedFilter {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return { kind: filter.kind, terms: filter.terms.map((term) => resolve(term, scope)) };
    case 'not':
      return { kind: 'not', term: resolve(filter.term, scope) };
    case 'present': {
      const target = findReadable(filter.path, scope);
      return target ? { kind: 'present', target } : { kind: 'constant', holds: false };
    }
    case 'compare':
      return resolveComparison(filter, scope);
    case 'element': {
      const target = findReadable(filter.path, scope);
      if (target === null) return { kind: 'constant', holds: false };
      if (target.subAttribute || !target.attribute.subAttributes) {
        throw refused(`${target.path} has no sub-attributes to stand in brackets`);
      }
      return { kind: 'element', target, filter: resolveElementFilter(filter.filter, target, scope.options) };
    }
  }
}

function resolveComparison(filter: Filter & { kind: 'compare' }, scope: Scope): ResolvedFilter {
  const { operator, value } = filter;
  const found = findReadable(filter.path, scope);
  if (found === null)
    return { kind: 'constant', holds: (operator === 'eq') === (value === null) && isEquality(operator) };
  if (value === null) {
    if (!isEquality(operator)) throw refused(`${operator} does not compare with null`);
    const present: ResolvedFilter = { kind: 'present', target: found };
    return operator === 'ne' ? present : { kind: 'not', term: present };
  }
  const target = valueOf(found);
  const attribute = target.subAttribute ?? target.attribute;
  if (!allowedOperators(attribute).includes(operator)) {
    throw refused(`${operator} does not compare ${target.path}, which is of type ${attribute.type}`);
  }
  const fitting = fitValue(attribute, value, scope.options);
  const operand = fitting === null ? null : toComparable(attribute, fitting);
  if (fitting === null || operand === null)
    throw refused(`${target.path} is of type ${attribute.type}, and the value is not`);
  return { kind: 'compare', target, operator, value: fitting, operand };
}

/** Null for an attribute of another type alone. Throws for what is unknown, or never told. */
function findReadable(path: string, scope: Scope): FoundAttribute | null {
  const found = scope.find(path);
  if (found === null) {
    if (scope.isElsewhere(path)) return null;
    throw refused(`there is no attribute ${path.slice(0, 200)}`);
  }
  for (const attribute of [found.attribute, found.subAttribute]) {
    if (attribute && (attribute.returned === 'never' || attribute.mutability === 'writeOnly')) {
      throw refused(`${found.path} is never compared`);
    }
  }
  return found;
}

/** The name of a complex attribute alone means its `value` (RFC 7644, section 3.4.2.2). */
function valueOf(found: FoundAttribute): FoundAttribute {
  if (found.subAttribute || found.attribute.type !== 'complex') return found;
  const subAttribute = findSubAttribute(found.attribute, 'value');
  if (!subAttribute) throw refused(`${found.path} is complex: compare one of its sub-attributes`);
  return { ...found, subAttribute, path: `${found.path}.value` };
}

const EQUALITY: readonly CompareOperator[] = ['eq', 'ne'];
const ORDER: readonly CompareOperator[] = ['gt', 'ge', 'lt', 'le'];
const PARTS: readonly CompareOperator[] = ['co', 'sw', 'ew'];

function isEquality(operator: CompareOperator): boolean {
  return EQUALITY.includes(operator);
}

function allowedOperators({ type }: AttributeDefinition): readonly CompareOperator[] {
  switch (type) {
    case 'boolean':
      return EQUALITY;
    case 'binary':
      return [...EQUALITY, ...PARTS];
    case 'integer':
    case 'decimal':
    case 'dateTime':
      return [...EQUALITY, ...ORDER];
    case 'string':
    case 'reference':
      return [...EQUALITY, ...ORDER, ...PARTS];
    case 'complex':
      return [];
  }
}

function fitValue(
  { type }: AttributeDefinition,
  value: Exclude<FilterValue, null>,
  leniencies: FilterLeniencies,
): Exclude<FilterValue, null> | null {
  switch (type) {
    case 'boolean':
      if (leniencies.stringBooleans && typeof value === 'string') {
        return /^true$/i.test(value) ? true : /^false$/i.test(value) ? false : null;
      }
      return typeof value === 'boolean' ? value : null;
    case 'integer':
    case 'decimal':
      return typeof value === 'number' ? value : null;
    case 'string':
    case 'reference':
    case 'binary':
    case 'dateTime':
      if (typeof value === 'string') return value;
      return leniencies.unquotedFilters || leniencies.numbersAsTexts ? String(value) : null;
    case 'complex':
      return null;
  }
}

function refused(detail: string): Problem {
  return new Problem('scim_invalid_filter', detail);
}
