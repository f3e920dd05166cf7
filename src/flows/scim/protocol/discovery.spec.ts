import { describe, expect, it } from '@jest/globals';
import {
  findResourceTypeView,
  findSchemaView,
  viewResourceTypes,
  viewSchemas,
  viewServiceProviderConfig,
} from './discovery.js';
import { resourceTypes } from './resource-types.js';

const BASE = 'https://rollcall.example/scim/v2';
const KEYWORDS = {
  type: ['string', 'boolean', 'decimal', 'integer', 'dateTime', 'binary', 'reference', 'complex'],
  mutability: ['readOnly', 'readWrite', 'immutable', 'writeOnly'],
  returned: ['always', 'never', 'default', 'request'],
  uniqueness: ['none', 'server', 'global'],
};

type View = Record<string, unknown>;

function attributesOf(views: readonly View[]): View[] {
  return views.flatMap((view) => [view, ...attributesOf((view.subAttributes as View[] | undefined) ?? [])]);
}

const published = (viewSchemas(BASE).Resources as View[]).flatMap((view) => attributesOf(view.attributes as View[]));
function findPublished(schema: string, ...path: string[]): View | undefined {
  let found: View | null | undefined = findSchemaView(`urn:ietf:params:scim:schemas:${schema}`, BASE);
  for (const name of path) {
    const views = (found?.attributes ?? found?.subAttributes ?? []) as View[];
    found = views.find((each) => each.name === name);
  }
  return found ?? undefined;
}

describe('SCIM 4 discovery', () => {
  it('lists the schemas, and finds each by its URN in any case', () => {
    const list = viewSchemas(BASE);
    expect(list).toMatchObject({ totalResults: 6, startIndex: 1, itemsPerPage: 6 });
    for (const view of list.Resources as View[]) {
      const urn = String(view.id);
      expect(findSchemaView(urn.toUpperCase(), BASE)).toEqual(view);
      expect(view.meta).toEqual({ resourceType: 'Schema', location: `${BASE}/Schemas/${urn}` });
    }
    expect(findSchemaView('urn:nosuch', BASE)).toBeNull();
  });

  it('lists the resource types, whose schemas are all served', () => {
    const list = viewResourceTypes(BASE);
    expect(list).toMatchObject({ totalResults: 2 });
    expect(findResourceTypeView('User', BASE)).toMatchObject({
      endpoint: '/Users',
      schemaExtensions: [{ schema: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User', required: false }],
      meta: { location: `${BASE}/ResourceTypes/User` },
    });
    expect(findResourceTypeView('Role', BASE)).toBeNull();
    for (const { schema, schemaExtensions } of resourceTypes) {
      for (const { id } of [schema, ...schemaExtensions.map((each) => each.schema)]) {
        expect(findSchemaView(id, BASE)).not.toBeNull();
      }
    }
  });

  it('SCIM 3 the configuration is one object that says what is so', () => {
    expect(viewServiceProviderConfig(BASE, { operationsMax: 1000, payloadBytesMax: 1_048_576 })).toMatchObject({
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
      patch: { supported: true },
      bulk: { supported: true, maxOperations: 1000, maxPayloadSize: 1_048_576 },
      filter: { supported: true, maxResults: 200 },
      changePassword: { supported: false },
      pagination: { cursor: true, index: true, defaultPaginationMethod: 'index', maxPageSize: 200 },
      authenticationSchemes: [{ type: 'oauthbearertoken' }],
    });
  });
});

const TYPES: Record<string, string> = { string: 'string', reference: 'string', boolean: 'boolean', integer: 'number' };

function findMisfits(attributes: readonly View[], holder: View, place: string): string[] {
  const names = attributes.map(({ name }) => String(name));
  const unknown = Object.keys(holder).filter((name) => !names.includes(name));
  return [
    ...unknown.map((name) => `${place}.${name} is in no schema`),
    ...attributes.flatMap((attribute) => {
      const at = `${place}.${String(attribute.name)}`;
      const value = holder[String(attribute.name)];
      if (value === undefined) return attribute.required ? [`${at} is missing`] : [];
      if (Array.isArray(value) !== attribute.multiValued) return [`${at} is a list, or is none`];
      return (Array.isArray(value) ? value : [value]).flatMap((each: unknown) =>
        attribute.type === 'complex'
          ? findMisfits(attribute.subAttributes as View[], each as View, at)
          : typeof each === TYPES[String(attribute.type)]
            ? []
            : [`${at} is no ${String(attribute.type)}`],
      );
    }),
  ];
}

describe('SCIM 4 what the server tells of itself', () => {
  it.each([
    ['ServiceProviderConfig', () => [viewServiceProviderConfig(BASE, { operationsMax: 1, payloadBytesMax: 1 })]],
    ['ResourceType', () => viewResourceTypes(BASE).Resources as View[]],
    ['Schema', () => viewSchemas(BASE).Resources as View[]],
  ])('%s is as its published schema has it', (name, list) => {
    const attributes = findPublished(`core:2.0:${name}`)?.attributes as View[];
    // The schema of schemas is three levels deep, of which a schema can say two (RFC 7643, section 8.7.2).
    const documents = (list() as View[]).filter(({ id }) => id !== 'urn:ietf:params:scim:schemas:core:2.0:Schema');
    for (const { schemas, meta: _, ...document } of documents) {
      expect(schemas).toEqual([`urn:ietf:params:scim:schemas:core:2.0:${name}`]);
      expect(findMisfits(attributes, document, name)).toEqual([]);
    }
  });
});

describe('SCIM 6 the schemas that are published', () => {
  it('say all characteristics of each attribute, by the keywords of the standard, without nulls', () => {
    expect(published.length).toBeGreaterThan(80);
    for (const attribute of published) {
      for (const [name, words] of Object.entries(KEYWORDS)) expect(words).toContain(attribute[name]);
      for (const name of ['multiValued', 'required', 'caseExact']) expect(typeof attribute[name]).toBe('boolean');
      expect(attribute.name).toMatch(/^[a-z$][A-Za-z0-9]*$/);
      expect(attribute.description).not.toBe('');
      expect('subAttributes' in attribute).toBe(attribute.type === 'complex');
      expect('referenceTypes' in attribute).toBe(attribute.type === 'reference');
    }
    expect(JSON.stringify(viewSchemas(BASE))).not.toContain('null');
  });

  it.each([
    [['core:2.0:User', 'userName'], { required: true, uniqueness: 'server', caseExact: false }],
    [['core:2.0:User', 'password'], { mutability: 'writeOnly', returned: 'never' }],
    [['core:2.0:User', 'active'], { type: 'boolean', mutability: 'readWrite' }],
    [['core:2.0:User', 'groups'], { mutability: 'readOnly', multiValued: true }],
    [['core:2.0:User', 'groups', 'display'], { mutability: 'readOnly' }],
    [['core:2.0:User', 'emails', 'primary'], { type: 'boolean' }],
    [['core:2.0:User', 'x509Certificates', 'value'], { type: 'binary', caseExact: true }],
    [['core:2.0:User', 'photos', 'value'], { type: 'reference', caseExact: true }],
    [['core:2.0:Group', 'displayName'], { required: true }],
    [['core:2.0:Group', 'members', 'value'], { mutability: 'immutable', caseExact: true }],
    [['extension:enterprise:2.0:User', 'manager', 'displayName'], { mutability: 'readOnly' }],
  ])('%j is %j', ([schema = '', ...path], expected) => {
    expect(findPublished(schema, ...path)).toMatchObject(expected);
  });

  it('hold every attribute of the core user', () => {
    const views = (findPublished('core:2.0:User')?.attributes ?? []) as View[];
    const names = views.map(({ name }) => name);
    expect(names.sort()).toEqual(
      (
        'userName name displayName nickName profileUrl title userType preferredLanguage locale timezone active password ' +
        'emails phoneNumbers ims photos addresses groups entitlements roles x509Certificates'
      )
        .split(' ')
        .sort(),
    );
  });
});
