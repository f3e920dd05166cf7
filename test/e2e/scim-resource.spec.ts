import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isId, newId } from '../../src/platform/ids.js';
import { createGroup, groupBody, type ScimGroup } from '../support/scim-groups-world.js';
import { createUser, makeScimWorld, patchOf, type ScimWorld, userBody } from '../support/scim-world.js';
import { startApp, type TestApp } from '../support/start-app.js';

let rollcall: TestApp;
let world: ScimWorld;

beforeAll(async () => {
  rollcall = await startApp({ PUBLIC_URL: 'https://rollcall.example' });
  world = await makeScimWorld(rollcall);
});
afterAll(() => rollcall.stop());

interface Resource {
  id: string;
  meta: { resourceType: string; created: string; lastModified: string; location: string; version: string };
}

const kinds = [
  {
    type: 'User',
    create: (name: string): Promise<Resource> => createUser(world.scim, name),
    body: (name: string) => userBody(name),
    change: { op: 'replace', path: 'displayName', value: 'Changed' },
  },
  {
    type: 'Group',
    create: (name: string): Promise<ScimGroup> => createGroup(world.scim, name),
    body: (name: string) => groupBody(name),
    change: { op: 'replace', path: 'externalId', value: 'changed' },
  },
];

describe.each(kinds)('what the server makes of a $type', ({ type, create, body, change }) => {
  const path = `/scim/v2/${type}s`;

  it('SCIM 10 an id is the server’s: a client’s is passed over, and none comes a second time', async () => {
    const asked = newId();
    const { scim } = world;
    const first = await scim.post<Resource>(path, { ...body(`id-${type}`), id: asked });
    expect(first.status).toBe(201);
    expect(isId(first.body.id)).toBe(true);
    expect(first.body.id).not.toBe(asked);
    const at = `${path}/${first.body.id}`;
    expect((await scim.put<Resource>(at, { ...body(`id-${type}`), id: asked })).body.id).toBe(first.body.id);
    const told = await scim.get<Resource>(`${at}?attributes=meta.version`);
    expect(told.body.id).toBe(first.body.id);
    expect((await scim.get<Resource>(`${at}?excludedAttributes=id`)).body.id).toBe(first.body.id);
    await scim.delete(at);
    const again = await scim.post<Resource>(path, { ...body(`id-${type}`), id: first.body.id });
    expect(again.status).toBe(201);
    expect(again.body.id).not.toBe(first.body.id);
  });

  it('SCIM 12 meta is the server’s: what a client says of it is passed over, or refused in a PATCH', async () => {
    const { scim } = world;
    const meta = {
      resourceType: 'Other',
      created: '2001-01-01T00:00:00Z',
      location: 'https://x.example',
      version: '9',
    };
    const made = await scim.post<Resource>(path, { ...body(`meta-${type}`), meta });
    const address = `https://rollcall.example${path}/${made.body.id}`;
    expect(made.body.meta).toEqual({
      resourceType: type,
      created: made.body.meta.created,
      lastModified: made.body.meta.created,
      location: address,
      version: 'W/"1"',
    });
    expect(Math.abs(Date.parse(made.body.meta.created) - Date.now())).toBeLessThan(60_000);
    for (const header of ['location', 'content-location']) expect(made.headers.get(header)).toBe(address);
    const at = `${path}/${made.body.id}`;
    const same = await scim.put<Resource>(at, { ...body(`meta-${type}`), meta });
    expect(same.body.meta).toEqual(made.body.meta);
    const patched = await scim.patch(at, patchOf({ op: 'replace', path: 'meta.created', value: meta.created }));
    expect(patched.body).toMatchObject({ status: '400', scimType: 'mutability' });
    const read = await scim.get<Resource>(at);
    expect(read.body.meta).toEqual(made.body.meta);
    expect([read.headers.get('content-location'), read.headers.get('etag')]).toEqual([address, 'W/"1"']);
  });

  it('SCIM 12 created stays, lastModified and version follow each change', async () => {
    const made = await create(`follow-${type}`);
    const { scim } = world;
    const changed = await scim.patch<Resource>(`${path}/${made.id}`, patchOf(change));
    expect(changed.body.meta).toMatchObject({ created: made.meta.created, version: 'W/"2"' });
    expect(changed.body.meta.lastModified >= made.meta.lastModified).toBe(true);
    expect(changed.headers.get('etag')).toBe('W/"2"');
  });
});
