import type { Json } from '../../../plan/statement.js';
import { Problem } from '../../../platform/problem.js';
import { commonAttributes, findAttribute, findSchemaUrn } from './find-attribute.js';
import type { AttributeDefinition, ResourceType } from './schema.js';
import { type ResourceJson, asObject } from './stored-values.js';

/** The sub-attributes that are told, or all of what the attribute has. */
type Shown = 'whole' | ReadonlySet<string>;

/** Which attributes of a type one answer tells. */
export interface Projection {
  readonly type: ResourceType;
  /** Of the core schema, and the common ones. */
  readonly core: ReadonlyMap<string, Shown>;
  /** By URN. */
  readonly extensions: ReadonlyMap<string, ReadonlyMap<string, Shown>>;
}

/** Names as they come: a list (SearchRequest), or one text with commas (URL). */
export interface AskedAttributes {
  readonly attributes?: string | readonly string[];
  readonly excludedAttributes?: string | readonly string[];
}

/**
 * Reads `attributes` and `excludedAttributes` (RFC 7644, section 3.9): names in any case, URNs alone, spaces around and
 * brackets behind them are tolerated, and names that no schema has are passed over. What is `returned: always` stays,
 * `never` is never told, `request` only when it is asked for. Throws `scim_invalid_value` where both are given.
 */
export function readProjection(type: ResourceType, asked: AskedAttributes = {}): Projection {
  if (asked.attributes !== undefined || asked.excludedAttributes !== undefined) return makeProjection(type, asked);
  // What most requests ask.
  let whole = wholes.get(type);
  if (!whole) {
    whole = makeProjection(type, asked);
    wholes.set(type, whole);
  }
  return whole;
}

const wholes = new WeakMap<ResourceType, Projection>();

function makeProjection(type: ResourceType, asked: AskedAttributes): Projection {
  const attributes = splitNames(asked.attributes);
  const excluded = splitNames(asked.excludedAttributes);
  if (attributes.length > 0 && excluded.length > 0) {
    throw new Problem('scim_invalid_value', 'attributes and excludedAttributes exclude each other: give one of them');
  }
  const named = namePaths(type, attributes.length > 0 ? attributes : excluded);
  const mode: Mode = attributes.length > 0 ? 'only' : 'but';
  const showIn = (definitions: readonly AttributeDefinition[], prefix: string): Map<string, Shown> => {
    const shown = new Map<string, Shown>();
    for (const each of definitions) {
      const how = showAttribute(each, `${prefix}${each.name}`, named, mode);
      if (how !== null) shown.set(each.name, how);
    }
    return shown;
  };
  return {
    type,
    core: showIn([...commonAttributes, ...type.schema.attributes], ''),
    extensions: new Map(
      type.schemaExtensions.map(({ schema }) => [schema.id, showIn(schema.attributes, `${schema.id}:`)]),
    ),
  };
}

/** Whether the answer tells anything of a core or common attribute, so that what it does not tell need not be read. */
export function isShown(projection: Projection, name: string): boolean {
  return projection.core.has(name);
}

/** What of a resource is told. Never changes the resource. */
export function projectResource(resource: ResourceJson, projection: Projection): Record<string, Json> {
  const told: Record<string, Json> = {};
  for (const [name, value] of Object.entries(resource)) {
    const extension = projection.extensions.get(name);
    const shown = extension
      ? projectMembers(asObject(value) ?? {}, extension)
      : project(value, projection.core.get(name));
    if (shown !== undefined) told[name] = shown;
  }
  return told;
}

function project(value: Json, shown: Shown | undefined): Json | undefined {
  if (shown === undefined) return undefined;
  if (shown === 'whole') return value;
  if (Array.isArray(value)) {
    const elements = value.flatMap((each) => project(each, shown) ?? []);
    return elements.length > 0 ? elements : undefined;
  }
  const holder = asObject(value);
  return holder && nonEmpty(Object.entries(holder).filter(([name]) => shown.has(name)));
}

function projectMembers(holder: ResourceJson, shown: ReadonlyMap<string, Shown>): Json | undefined {
  return nonEmpty(
    Object.entries(holder).flatMap(([name, value]) => {
      const told = project(value, shown.get(name));
      return told === undefined ? [] : [[name, told] as const];
    }),
  );
}

function nonEmpty(entries: readonly (readonly [string, Json])[]): Json | undefined {
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}

/** `only`: what is named; `but`: the default without what is named. */
type Mode = 'only' | 'but';

function showAttribute(
  attribute: AttributeDefinition,
  path: string,
  named: ReadonlySet<string>,
  mode: Mode,
): Shown | null {
  const isTold = isToldAlone(attribute, named.has(path), mode);
  const parts = attribute.subAttributes;
  if (!parts) return isTold ? 'whole' : null;
  const isNamed = (part: AttributeDefinition): boolean => named.has(`${path}.${part.name}`);
  if (attribute.returned === 'never' || (!isTold && (mode === 'but' || !parts.some(isNamed)))) return null;
  const told = parts.filter(
    (part) => isToldAlone(part, isNamed(part), mode) || (mode === 'only' && isTold && part.returned === 'default'),
  );
  if (told.length === parts.length) return 'whole';
  return told.length > 0 ? new Set(told.map((part) => part.name)) : null;
}

function isToldAlone({ returned }: AttributeDefinition, isNamed: boolean, mode: Mode): boolean {
  if (returned === 'always' || returned === 'never') return returned === 'always';
  return mode === 'only' ? isNamed : returned === 'default' && !isNamed;
}

/** In canonical case; a URN alone names all the attributes of its schema. */
function namePaths(type: ResourceType, names: readonly string[]): Set<string> {
  const paths = new Set<string>();
  for (const name of names) {
    const urn = findSchemaUrn(type, name);
    const path = findAttribute(type, name)?.path;
    if (path !== undefined) paths.add(path);
    if (urn === type.schema.id) for (const each of type.schema.attributes) paths.add(each.name);
    for (const { schema } of type.schemaExtensions) {
      if (schema.id === urn) for (const each of schema.attributes) paths.add(`${urn}:${each.name}`);
    }
  }
  return paths;
}

function splitNames(asked: string | readonly string[] | undefined): string[] {
  const texts = typeof asked === 'string' ? [asked] : (asked ?? []);
  return texts.flatMap(splitText).filter((name) => name !== '');
}

/** `emails[type eq "a,b"].value` names `emails.value`; brackets around a name, and quotes, are passed over. */
function splitText(text: string): string[] {
  const names = [''];
  let isInside = false;
  for (const mark of text) {
    const name = names.at(-1) ?? '';
    if (mark === ']') isInside = false;
    else if (isInside || mark === '"' || /\s/.test(mark)) continue;
    else if (mark === ',') names.push('');
    else if (mark === '[') isInside = name !== '';
    else names[names.length - 1] = name + mark;
  }
  return names;
}
