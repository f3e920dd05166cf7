import type { Json } from '../../../plan/statement.js';
import type { FoundAttribute } from './find-attribute.js';

/** A resource as it is stored and told: canonical names, extensions under their URNs. */
export type ResourceJson = Readonly<Record<string, Json>>;

/**
 * What a resource holds at an attribute: the elements of a multi-valued one, else one value, or none. With a
 * sub-attribute it is that of each element, undefined where an element has none.
 */
export function findValues(resource: ResourceJson, target: FoundAttribute): (Json | undefined)[] {
  const holder = target.extension === null ? resource : asObject(resource[target.extension]);
  const value = holder?.[target.attribute.name];
  const { subAttribute } = target;
  const elements = Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];
  return subAttribute ? elements.map((each) => asObject(each)?.[subAttribute.name]) : elements;
}

export function asObject(value: Json | undefined): ResourceJson | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
}
