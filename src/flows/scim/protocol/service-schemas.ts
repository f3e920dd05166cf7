import { type AttributeDefinition, type SchemaDefinition, defineAttribute, defineComplex } from './schema.js';

export const SCHEMA_URN = 'urn:ietf:params:scim:schemas:core:2.0:Schema';
export const RESOURCE_TYPE_URN = 'urn:ietf:params:scim:schemas:core:2.0:ResourceType';
export const CONFIG_URN = 'urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig';

const readOnly = { mutability: 'readOnly' } as const;
const needed = { mutability: 'readOnly', required: true } as const;

const supported = defineAttribute('supported', 'boolean', 'Whether it is.', needed);

const word = (name: string, description: string): AttributeDefinition =>
  defineAttribute(name, 'string', description, needed);

const page = (name: string, description: string): AttributeDefinition =>
  defineAttribute(name, 'reference', description, { ...readOnly, referenceTypes: ['external'] });

const amount = (name: string, description: string): AttributeDefinition =>
  defineAttribute(name, 'integer', description, needed);

function defineFeature(name: string, description: string, limits: readonly AttributeDefinition[] = []) {
  return defineComplex(name, description, [supported, ...limits], needed);
}

const configSchema: SchemaDefinition = {
  id: CONFIG_URN,
  name: 'ServiceProviderConfig',
  description: 'What this server can do.',
  attributes: [
    page('documentationUri', 'Documentation for people.'),
    defineFeature('patch', 'PATCH.'),
    defineFeature('bulk', 'Bulk requests.', [
      amount('maxOperations', 'The most operations of one request.'),
      amount('maxPayloadSize', 'The most bytes of one request.'),
    ]),
    defineFeature('filter', 'Filters.', [amount('maxResults', 'The most resources of one answer.')]),
    defineFeature('changePassword', 'Changes of passwords.'),
    defineFeature('sort', 'Sorting.'),
    defineFeature('etag', 'Versions of resources.'),
    defineComplex(
      'pagination',
      'The ways in which lists are paged.',
      [
        defineAttribute('cursor', 'boolean', 'Whether by cursor.', needed),
        defineAttribute('index', 'boolean', 'Whether by index.', needed),
        defineAttribute('defaultPaginationMethod', 'string', 'What is done where a request says neither.', {
          ...readOnly,
          canonicalValues: ['cursor', 'index'],
        }),
        defineAttribute('defaultPageSize', 'integer', 'Resources of a page where a request does not say.', readOnly),
        defineAttribute('maxPageSize', 'integer', 'The most resources of a page.', readOnly),
        defineAttribute('cursorTimeout', 'integer', 'For how many seconds a cursor is good.', readOnly),
      ],
      readOnly,
    ),
    defineComplex(
      'authenticationSchemes',
      'The ways to authenticate.',
      [
        defineAttribute('type', 'string', 'The kind of the scheme.', {
          ...needed,
          canonicalValues: ['oauth', 'oauth2', 'oauthbearertoken', 'httpbasic', 'httpdigest'],
        }),
        word('name', 'What it is called.'),
        word('description', 'What it is.'),
        page('specUri', 'Its specification.'),
        page('documentationUri', 'How to use it.'),
        defineAttribute('primary', 'boolean', 'Whether it is the preferred one.', readOnly),
      ],
      { ...needed, multiValued: true },
    ),
  ],
};

const address = (name: string, description: string, referenceTypes: string[]): AttributeDefinition =>
  defineAttribute(name, 'reference', description, { ...needed, referenceTypes });

const resourceTypeSchema: SchemaDefinition = {
  id: RESOURCE_TYPE_URN,
  name: 'ResourceType',
  description: 'A kind of resources that this server has.',
  attributes: [
    defineAttribute('id', 'string', 'Its id, which is its name.', readOnly),
    word('name', 'What it is called; the `meta.resourceType` of its resources.'),
    defineAttribute('description', 'string', 'What it is.', readOnly),
    address('endpoint', 'Where its resources are, below the address of the server.', ['uri']),
    address('schema', 'The URN of its schema.', ['uri']),
    defineComplex(
      'schemaExtensions',
      'The extensions that its resources can have.',
      [
        address('schema', 'The URN of the extension.', ['uri']),
        defineAttribute('required', 'boolean', 'Whether each resource must have it.', needed),
      ],
      { ...readOnly, multiValued: true },
    ),
  ],
};

const characteristic = (name: string, description: string, canonicalValues: string[]): AttributeDefinition =>
  defineAttribute(name, 'string', description, { ...readOnly, caseExact: true, canonicalValues });

const characteristics: readonly AttributeDefinition[] = [
  defineAttribute('name', 'string', 'The name of the attribute.', { ...needed, caseExact: true }),
  defineAttribute('type', 'string', 'The type of its values.', {
    ...needed,
    caseExact: true,
    canonicalValues: ['string', 'complex', 'boolean', 'decimal', 'integer', 'dateTime', 'reference', 'binary'],
  }),
  defineAttribute('multiValued', 'boolean', 'Whether it is a list.', needed),
  defineAttribute('description', 'string', 'What it is.', readOnly),
  defineAttribute('required', 'boolean', 'Whether each resource must have it.', readOnly),
  defineAttribute('canonicalValues', 'string', 'Values that are suggested.', { ...readOnly, multiValued: true }),
  defineAttribute('caseExact', 'boolean', 'Whether upper and lower case make a difference.', readOnly),
  characteristic('mutability', 'Who may write it, and when.', ['readOnly', 'readWrite', 'immutable', 'writeOnly']),
  characteristic('returned', 'When it is told.', ['always', 'never', 'default', 'request']),
  characteristic('uniqueness', 'Among which resources its value is unique.', ['none', 'server', 'global']),
  defineAttribute('referenceTypes', 'string', 'What a reference may refer to.', {
    ...readOnly,
    caseExact: true,
    multiValued: true,
  }),
];

const schemaSchema: SchemaDefinition = {
  id: SCHEMA_URN,
  name: 'Schema',
  description: 'The attributes of a kind of resources.',
  attributes: [
    defineAttribute('id', 'string', 'The URN of the schema.', { ...needed, caseExact: true }),
    defineAttribute('name', 'string', 'What it is called.', readOnly),
    defineAttribute('description', 'string', 'What it is.', readOnly),
    defineComplex(
      'attributes',
      'The attributes.',
      [
        ...characteristics,
        defineComplex('subAttributes', 'The parts of a complex attribute.', characteristics, {
          ...readOnly,
          multiValued: true,
        }),
      ],
      { ...needed, multiValued: true },
    ),
  ],
};

/** The schemas of what describes the server itself (RFC 7643, sections 5 to 7 and 8.7.2; RFC 9865, section 4). */
export const serviceSchemas: readonly SchemaDefinition[] = [configSchema, resourceTypeSchema, schemaSchema];
