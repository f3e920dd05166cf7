/** RFC 7643, section 2.3. */
export type AttributeType =
  'string' | 'boolean' | 'decimal' | 'integer' | 'dateTime' | 'binary' | 'reference' | 'complex';

/**
 * One attribute as RFC 7643, section 7, describes it. What is published under `/Schemas` is what is enforced: bodies,
 * PATCH, filters, sorting and projection read nothing else.
 */
export interface AttributeDefinition {
  readonly name: string;
  readonly type: AttributeType;
  readonly multiValued: boolean;
  readonly description: string;
  readonly required: boolean;
  readonly caseExact: boolean;
  readonly mutability: 'readOnly' | 'readWrite' | 'immutable' | 'writeOnly';
  readonly returned: 'always' | 'never' | 'default' | 'request';
  readonly uniqueness: 'none' | 'server' | 'global';
  /** Suggestions: other values are accepted. */
  readonly canonicalValues?: readonly string[];
  /** Of `reference` alone: resource types, `external` or `uri`. */
  readonly referenceTypes?: readonly string[];
  /** Of `complex` alone. */
  readonly subAttributes?: readonly AttributeDefinition[];
}

export interface SchemaDefinition {
  /** The URN. */
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly attributes: readonly AttributeDefinition[];
}

/** RFC 7643, section 6. */
export interface ResourceType {
  readonly name: 'User' | 'Group';
  /** Below the base address: `/Users`. */
  readonly endpoint: string;
  readonly description: string;
  readonly schema: SchemaDefinition;
  readonly schemaExtensions: readonly { readonly schema: SchemaDefinition; readonly required: boolean }[];
}

type Characteristics = Partial<Omit<AttributeDefinition, 'name' | 'type' | 'description' | 'subAttributes'>>;

/** An attribute with the defaults of RFC 7643, section 2.2, but for what `differing` says. */
export function defineAttribute(
  name: string,
  type: Exclude<AttributeType, 'complex'>,
  description: string,
  differing: Characteristics = {},
): AttributeDefinition {
  return { name, type, description, ...defaults(type === 'reference' || type === 'binary'), ...differing };
}

export function defineComplex(
  name: string,
  description: string,
  subAttributes: readonly AttributeDefinition[],
  differing: Characteristics = {},
): AttributeDefinition {
  return { name, type: 'complex', description, ...defaults(false), ...differing, subAttributes };
}

function defaults(caseExact: boolean): Required<Omit<Characteristics, 'canonicalValues' | 'referenceTypes'>> {
  return {
    multiValued: false,
    required: false,
    // References and binaries are always case exact (RFC 7643, sections 2.3.6 and 2.3.7).
    caseExact,
    mutability: 'readWrite',
    returned: 'default',
    uniqueness: 'none',
  };
}
