import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '../../src/platform/ids.js';
import { createGroup } from '../support/scim-groups-world.js';
import { createUser, makeScimWorld, patchOf, type ScimWorld } from '../support/scim-world.js';
import { startApp, type TestApp } from '../support/start-app.js';

interface Attribute {
  name: string;
  type: string;
  multiValued: boolean;
  required: boolean;
  mutability: string;
  returned: string;
  canonicalValues?: string[];
  referenceTypes?: string[];
  subAttributes?: Attribute[];
}

interface Place {
  path: string;
  /** The member of the resource that holds it; null for the resource itself. */
  extension: string | null;
  attribute: Attribute;
}

type Body = Record<string, unknown>;

let rollcall: TestApp;
let world: ScimWorld;

beforeAll(async () => {
  rollcall = await startApp();
  world = await makeScimWorld(rollcall);
});
afterAll(() => rollcall.stop());

/** Any value of the type that the published schema names, as a client would make one that knows nothing else. */
async function anyValue(attribute: Attribute): Promise<unknown> {
  const value = attribute.type === 'complex' ? await anyObject(attribute) : await anySimple(attribute);
  return attribute.multiValued ? [value] : value;
}

async function anyObject({ subAttributes = [] }: Attribute): Promise<Body> {
  const value: Body = {};
  for (const sub of subAttributes) if (sub.mutability !== 'readOnly') value[sub.name] = await anyValue(sub);
  if ('primary' in value) value.primary = true;
  if (typeof value.$ref === 'string') value.value = value.$ref.split('/').at(-1);
  return value;
}

async function anySimple({ type, canonicalValues, referenceTypes = [] }: Attribute): Promise<unknown> {
  if (type === 'boolean') return false;
  if (type === 'binary') return Buffer.from(newId()).toString('base64');
  if (type !== 'reference') return canonicalValues?.at(-1) ?? `any-${newId()}`;
  return referenceTypes.includes('User')
    ? (await createUser(world.scim, `referred-${newId()}`)).meta.location
    : `https://${newId()}.test`;
}

async function listPlaces(endpoint: string): Promise<Place[]> {
  const types = await world.scim.get<{ Resources: Body[] }>('/scim/v2/ResourceTypes');
  const type = types.body.Resources.find((one) => one.endpoint === endpoint) as Body;
  const read = async (urn: unknown, extension: string | null): Promise<Place[]> => {
    const { body } = await world.scim.get<{ attributes: Attribute[] }>(`/scim/v2/Schemas/${String(urn)}`);
    const prefix = extension === null ? '' : `${extension}:`;
    return body.attributes.map((attribute) => ({ path: prefix + attribute.name, extension, attribute }));
  };
  const extensions = (type.schemaExtensions as { schema: string }[]).map(({ schema }) => schema);
  const places = [await read(type.schema, null), ...(await Promise.all(extensions.map((urn) => read(urn, urn))))];
  return places.flat().filter(({ attribute }) => attribute.mutability !== 'readOnly');
}

function findAt({ extension, attribute }: Place, body: Body): unknown {
  const holder = extension === null ? body : (body[extension] as Body | undefined);
  return holder?.[attribute.name];
}

describe.each([
  ['/Users', () => createUser(world.scim, `every-${newId()}`)],
  ['/Groups', () => createGroup(world.scim, `every-${newId()}`)],
])('SCIM 6 every attribute that %s publishes', (endpoint, create) => {
  it.each(['add', 'replace'])('is written by %s, read back as it was, and removed', async (op) => {
    const { id } = await create();
    const at = `/scim/v2${endpoint}/${id}`;
    const places = await listPlaces(endpoint);
    expect(places.length).toBeGreaterThan(1);
    for (const place of places) {
      const { path, attribute } = place;
      const value = await anyValue(attribute);
      const written = await world.scim.patch<Body>(at, patchOf({ op, path, value }));
      expect({ path, status: written.status, body: written.body }).toMatchObject({ path, status: 200 });
      const { body } = await world.scim.get<Body>(at);
      expect(written.body).toEqual(body);
      if (attribute.returned === 'never') expect(findAt(place, body)).toBeUndefined();
      else expect({ [path]: findAt(place, body) }).toMatchObject({ [path]: value });
      if (attribute.required) continue;
      const removed = await world.scim.patch<Body>(at, patchOf({ op: 'remove', path }));
      expect({ path, status: removed.status, left: findAt(place, removed.body) }).toEqual({ path, status: 200 });
    }
  });
});
