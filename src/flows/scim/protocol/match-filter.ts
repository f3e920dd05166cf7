import type { Json } from '../../../plan/statement.js';
import { holdsFor, isAssigned, toComparable } from './compare-values.js';
import type { FoundAttribute } from './find-attribute.js';
import type { ResolvedComparison, ResolvedFilter } from './resolve-filter.js';
import { type ResourceJson, asObject, findValues } from './stored-values.js';

/**
 * Whether a resource meets a filter (RFC 7644, section 3.4.2.2). A multi-valued attribute meets a comparison if any of
 * its values does; one without a value meets `ne` alone, and `eq null`.
 */
export function matchFilter(filter: ResolvedFilter, resource: ResourceJson): boolean {
  return matches(filter, (target) => findValues(resource, target));
}

/** Whether one element of a multi-valued attribute meets what stands in its brackets. */
export function matchElement(filter: ResolvedFilter, element: Json): boolean {
  const holder = asObject(element);
  return matches(filter, ({ subAttribute }) => (subAttribute ? [holder?.[subAttribute.name]] : []));
}

type ReadValues = (target: FoundAttribute) => (Json | undefined)[];

function matches(filter: ResolvedFilter, readValues: ReadValues): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.terms.every((term) => matches(term, readValues));
    case 'or':
      return filter.terms.some((term) => matches(term, readValues));
    case 'not':
      return !matches(filter.term, readValues);
    case 'present':
      return readValues(filter.target).some(isAssigned);
    case 'compare':
      return compares(filter, readValues(filter.target));
    case 'element':
      return readValues(filter.target).some((element) => element !== undefined && matchElement(filter.filter, element));
    case 'constant':
      return filter.holds;
  }
}

function compares({ target, operator, operand }: ResolvedComparison, values: (Json | undefined)[]): boolean {
  if (values.length === 0) return holdsFor(null, operator, operand);
  const attribute = target.subAttribute ?? target.attribute;
  return values.some((value) => holdsFor(toComparable(attribute, value), operator, operand));
}
