import { type AttributeDefinition, type ResourceType, defineAttribute, defineComplex } from './schema.js';

const serverMade = { mutability: 'readOnly', caseExact: true } as const;

/** What every resource has (RFC 7643, sections 3 and 3.1); belongs to no schema, so `/Schemas` does not list it. */
export const commonAttributes: readonly AttributeDefinition[] = [
  // Schema names are URNs, which compare without regard to case.
  defineAttribute('schemas', 'reference', 'The schemas of the resource.', {
    multiValued: true,
    required: true,
    caseExact: false,
    returned: 'always',
    referenceTypes: ['uri'],
  }),
  defineAttribute('id', 'string', 'The id that the server gave.', {
    ...serverMade,
    returned: 'always',
    uniqueness: 'server',
  }),
  defineAttribute('externalId', 'string', 'What the client calls the resource.', { caseExact: true }),
  defineComplex(
    'meta',
    'What the server knows of the resource.',
    [
      defineAttribute('resourceType', 'string', 'The name of its type.', serverMade),
      defineAttribute('created', 'dateTime', 'When it was made.', { mutability: 'readOnly' }),
      defineAttribute('lastModified', 'dateTime', 'When it last changed.', { mutability: 'readOnly' }),
      defineAttribute('location', 'reference', 'Its address.', { ...serverMade, referenceTypes: ['uri'] }),
      defineAttribute('version', 'string', 'Its version, as in ETag.', serverMade),
    ],
    { mutability: 'readOnly' },
  ),
];

/** Where an attribute stands, and by which rules. */
export interface FoundAttribute {
  /** The URN of the extension under which the resource holds it; null for the core schema and the common attributes. */
  extension: string | null;
  attribute: AttributeDefinition;
  subAttribute: AttributeDefinition | null;
  /** In canonical case, as it is written: `name.givenName`, `urn:…:User:manager.value`. */
  path: string;
}

type PathIndex = ReadonlyMap<string, FoundAttribute>;

const indexes = new WeakMap<ResourceType, PathIndex>();

/**
 * Finds `userName`, `name.givenName`, `urn:…:core:2.0:User:userName`, `urn:…:enterprise:2.0:User:manager.value`, `id` or
 * `meta.created` without regard to case (RFC 7643, section 2.1; RFC 7644, section 3.10). An attribute of an extension
 * goes by its full name alone; between URN and name stands `:`, or `.` as Microsoft writes. Null for anything else.
 */
export function findAttribute(resourceType: ResourceType, path: string): FoundAttribute | null {
  let index = indexes.get(resourceType);
  if (index === undefined) indexes.set(resourceType, (index = indexPaths(resourceType)));
  return index.get(path.toLowerCase()) ?? null;
}

/** The sub-attribute of that name, without regard to case. */
export function findSubAttribute(attribute: AttributeDefinition, name: string): AttributeDefinition | null {
  const key = name.toLowerCase();
  return attribute.subAttributes?.find((each) => each.name.toLowerCase() === key) ?? null;
}

/** The URN of the core schema or of an extension, in its canonical case; null when the type has no such schema. */
export function findSchemaUrn(resourceType: ResourceType, urn: string): string | null {
  const key = urn.toLowerCase();
  if (resourceType.schema.id.toLowerCase() === key) return resourceType.schema.id;
  return resourceType.schemaExtensions.find(({ schema }) => schema.id.toLowerCase() === key)?.schema.id ?? null;
}

function indexPaths(resourceType: ResourceType): PathIndex {
  const index = new Map<string, FoundAttribute>();
  const { schema, schemaExtensions } = resourceType;
  for (const attribute of [...commonAttributes, ...schema.attributes]) {
    for (const found of withSubAttributes(null, attribute)) {
      index.set(found.path.toLowerCase(), found);
      for (const mark of [':', '.']) index.set(`${schema.id}${mark}${found.path}`.toLowerCase(), found);
    }
  }
  for (const { schema: extension } of schemaExtensions) {
    for (const found of extension.attributes.flatMap((each) => withSubAttributes(extension.id, each))) {
      const name = found.path.slice(extension.id.length + 1);
      for (const mark of [':', '.']) index.set(`${extension.id}${mark}${name}`.toLowerCase(), found);
    }
  }
  return index;
}

function withSubAttributes(extension: string | null, attribute: AttributeDefinition): FoundAttribute[] {
  const path = extension === null ? attribute.name : `${extension}:${attribute.name}`;
  const whole: FoundAttribute = { extension, attribute, subAttribute: null, path };
  const parts = attribute.subAttributes ?? [];
  return [whole, ...parts.map((sub) => ({ ...whole, subAttribute: sub, path: `${path}.${sub.name}` }))];
}
