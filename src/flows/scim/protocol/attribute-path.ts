import { Problem } from '../../../platform/problem.js';
import { ATTRIBUTE_PATH, FILTER_LENGTH_MAX, type FilterLeniencies, parseElementFilter } from './filter.js';
import { type FoundAttribute, findAttribute, findSchemaUrn, findSubAttribute } from './find-attribute.js';
import { type ResolvedFilter, resolveElementFilter } from './resolve-filter.js';
import type { ResourceType } from './schema.js';

/** What a PATCH operation's `path` names (RFC 7644, sections 3.5.2 and 3.10). */
export type AttributePath =
  /** A URN alone: all that the resource holds under an extension, or of the core schema. */
  | { readonly kind: 'schema'; readonly urn: string }
  /**
   * `attr`, `attr.sub`, `attr[filter]`, `attr[filter].sub`: the last two have a filter, and `found.attribute` is then
   * multi-valued and complex; `found.subAttribute` is what stands behind the point.
   */
  | { readonly kind: 'attribute'; readonly found: FoundAttribute; readonly filter: ResolvedFilter | null };

/** Throws `scim_invalid_path`, or `scim_invalid_filter` for what stands in the brackets. */
export function parseAttributePath(type: ResourceType, text: string, leniencies: FilterLeniencies = {}): AttributePath {
  const path = text.trim();
  if (path.length > FILTER_LENGTH_MAX) throw refused(`a path has at most ${FILTER_LENGTH_MAX} characters`);
  const opening = path.indexOf('[');
  const name = opening < 0 ? path : path.slice(0, opening);
  const urn = opening < 0 ? findSchemaUrn(type, name) : null;
  if (urn !== null) return { kind: 'schema', urn };

  const found = ATTRIBUTE_PATH.test(name) ? findAttribute(type, name) : null;
  if (found === null)
    throw refused(name === '' ? 'a path begins with a name' : `there is no attribute ${name.slice(0, 200)}`);
  if (opening < 0) return { kind: 'attribute', found, filter: null };
  if (found.subAttribute || !found.attribute.multiValued || !found.attribute.subAttributes) {
    throw refused(`${found.path} has no elements to choose from`);
  }
  const { filter, end } = parseElementFilter(path, opening, leniencies);
  const resolved = resolveElementFilter(filter, found, leniencies);
  return { kind: 'attribute', found: withSubAttribute(found, path.slice(end)), filter: resolved };
}

function withSubAttribute(found: FoundAttribute, rest: string): FoundAttribute {
  if (rest === '') return found;
  const subAttribute = rest.startsWith('.') ? findSubAttribute(found.attribute, rest.slice(1)) : null;
  if (!subAttribute) throw refused(`${found.path} has no sub-attribute ${rest.slice(0, 200)}`);
  return { ...found, subAttribute, path: `${found.path}.${subAttribute.name}` };
}

function refused(detail: string): Problem {
  return new Problem('scim_invalid_path', detail);
}
