import type { Json } from '../../../plan/statement.js';
import { type Comparable, holdsFor, isAssigned, toComparable } from './compare-values.js';
import type { FoundAttribute } from './find-attribute.js';
import type { ResolvedComparison, ResolvedFilter } from './resolve-filter.js';
import { type ResourceJson, asObject, findValues } from './stored-values.js';

/**
 * Whether a resource meets a filter (RFC 7644, section 3.4.2.2). A multi-valued attribute meets a comparison if any of
 * its values does; one without a value meets `ne` alone, and `eq null`.
 */
export function matchFilter(filter: ResolvedFilter, resource: ResourceJson): boolean {
  return matches(filter, new StoredValues((target) => findValues(resource, target)));
}

/** Whether one element of a multi-valued attribute meets what stands in its brackets. */
export function matchElement(filter: ResolvedFilter, element: Json): boolean {
  return matches(filter, valuesOfElement(element));
}

/** What a filter finds at the attributes that it names; made ready to be compared once, for however many terms. */
class StoredValues {
  private readonly comparables = new Map<string, readonly (Comparable | null)[]>();
  private readonly elements = new Map<Json, StoredValues>();

  constructor(readonly read: (target: FoundAttribute) => (Json | undefined)[]) {}

  readComparables(target: FoundAttribute): readonly (Comparable | null)[] {
    const known = this.comparables.get(target.path);
    if (known) return known;
    const attribute = target.subAttribute ?? target.attribute;
    const comparables = this.read(target).map((value) => toComparable(attribute, value));
    this.comparables.set(target.path, comparables);
    return comparables;
  }

  ofElement(element: Json): StoredValues {
    const known = this.elements.get(element);
    if (known) return known;
    const values = valuesOfElement(element);
    this.elements.set(element, values);
    return values;
  }
}

function valuesOfElement(element: Json): StoredValues {
  const holder = asObject(element);
  return new StoredValues(({ subAttribute }) => (subAttribute ? [holder?.[subAttribute.name]] : []));
}

function matches(filter: ResolvedFilter, values: StoredValues): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.terms.every((term) => matches(term, values));
    case 'or':
      return filter.terms.some((term) => matches(term, values));
    case 'not':
      return !matches(filter.term, values);
    case 'present':
      return values.read(filter.target).some(isAssigned);
    case 'compare':
      return compares(filter, values.readComparables(filter.target));
    case 'element':
      return values
        .read(filter.target)
        .some((element) => element !== undefined && matches(filter.filter, values.ofElement(element)));
    case 'constant':
      return filter.holds;
  }
}

function compares({ operator, operand }: ResolvedComparison, values: readonly (Comparable | null)[]): boolean {
  if (values.length === 0) return holdsFor(null, operator, operand);
  return values.some((value) => holdsFor(value, operator, operand));
}
