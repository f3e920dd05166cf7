import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '../../src/platform/ids.js';
import { insertSession, sessionOf } from '../support/connection-rows.js';
import {
  createConnection,
  etag,
  MINIMAL,
  pointersOf,
  type SavedConnection,
  tenantWith,
} from '../support/connection-words.js';
import { startApp, type TestApp } from '../support/start-app.js';

let rollcall: TestApp;
beforeAll(async () => {
  rollcall = await startApp();
});
afterAll(() => rollcall.stop());

describe('a change of a connection', () => {
  it('needs the version that was read', async () => {
    const { http } = await tenantWith(rollcall);
    const { id } = await createConnection(http);
    const body = { oneTime: false };
    expect(await http.patch(`/connections/${id}`, body)).toMatchObject({
      status: 428,
      body: { code: 'version_required' },
    });
    expect(await http.patch(`/connections/${id}`, body, etag(2))).toMatchObject({ status: 412, body: { version: 1 } });
    expect(await http.put(`/connections/${id}`, MINIMAL)).toMatchObject({ status: 428 });
    const saved = await http.patch(`/connections/${id}`, body, etag(1));
    expect(saved).toMatchObject({ status: 200, body: { oneTime: false, version: 2, mappingVersion: 1, replan: null } });
    expect(saved.headers.get('etag')).toBe('"2"');
  });

  it('is a merge patch: null resets to the default, and unmaps where there is an expression', async () => {
    const { http } = await tenantWith(rollcall);
    const { id } = await createConnection(http, {
      preset: 'auth0',
      maxTokenAgeSeconds: 60,
      maxLifetimeSeconds: 60,
      requiredClaims: { org: 'a', hd: 'b' },
      mapping: { attributes: { a: 'claims.a', b: 'claims.b' } },
    });
    const patch = {
      maxLifetimeSeconds: null,
      requiredClaims: { hd: null },
      mapping: { email: null, attributes: { a: null } },
    };
    expect((await http.patch(`/connections/${id}`, patch, etag(1))).body).toMatchObject({
      maxTokenAgeSeconds: 60,
      maxLifetimeSeconds: 36_000,
      requiredClaims: { org: 'a' },
      mapping: { email: null, userName: 'claims.email', attributes: { b: 'claims.b' } },
    });
    expect(pointersOf(await http.patch(`/connections/${id}`, { name: null, colour: 1 }, etag(2))).sort()).toEqual([
      '/colour',
      '/name',
    ]);
  });

  it('that means the same is no change: same version, no event, no run', async () => {
    const { http, tenantId } = await tenantWith(rollcall);
    const { warnings: _, replan: __, ...first } = await createConnection(http, { allowedRoles: ['viewer', 'editor'] });
    const again = await http.put(
      `/connections/${first.id}`,
      { ...first, allowedRoles: ['editor', 'viewer'], mapping: {} },
      etag(1),
    );
    expect(again).toMatchObject({ status: 200, body: { version: 1, mappingVersion: 1, replan: null } });
    expect((await http.patch(`/connections/${first.id}`, {}, etag(1))).body).toMatchObject({ version: 1 });
    const events = await rollcall.database.read.query('SELECT type FROM events WHERE tenantId = ?', [tenantId]);
    expect(events).toHaveLength(1);
    expect(pointersOf(await http.put(`/connections/${first.id}`, { ...first, version: 9 }, etag(1)))).toEqual([
      '/version',
    ]);
  });

  it('PUT gives what is left out its default', async () => {
    const { http } = await tenantWith(rollcall);
    const { id } = await createConnection(http, { oneTime: false, mapping: { strict: true } });
    expect((await http.put(`/connections/${id}`, MINIMAL, etag(1))).body).toMatchObject({
      oneTime: true,
      mapping: { strict: false },
    });
  });

  it('of the mapping keeps the old one, and orders a re-plan in the same transaction', async () => {
    const { http } = await tenantWith(rollcall);
    const { id } = await createConnection(http, { allowedRoles: ['viewer'] });
    const mapping = { roles: [{ id: 'all', when: 'true', grant: ['viewer'] }] };
    const saved = await http.patch<SavedConnection>(`/connections/${id}`, { mapping }, etag(1));
    expect(saved.body).toMatchObject({ version: 2, mappingVersion: 2 });
    const run = await http.get(`/sync-runs/${saved.body.replan}`);
    expect(run.body).toMatchObject({
      connection: id,
      kind: 'replan',
      status: 'running',
      mappingVersion: 2,
      counts: {},
    });
    const versions = await http.get<{ items: object[]; cursor: string }>(`/connections/${id}/mappings?limit=1`);
    expect(versions.body.items).toMatchObject([{ version: 2 }]);
    const rest = await http.get(`/connections/${id}/mappings?cursor=${versions.body.cursor}`);
    expect(rest.body).toMatchObject({ items: [{ version: 1 }], cursor: null });
    expect((await http.get(`/connections/${id}/mappings/1`)).body).toMatchObject({
      version: 1,
      mapping: { roles: [] },
    });
    expect((await http.get(`/connections/${id}/mappings/2`)).body).toMatchObject({ mapping, allowedRoles: ['viewer'] });
    for (const wrong of ['3', '0', '-1', 'x']) {
      expect((await http.get(`/connections/${id}/mappings/${wrong}`)).status).toBe(404);
    }
  });

  it.each([
    ['authority', { authority: 'newest' }],
    ['allowedRoles', { allowedRoles: ['viewer'] }],
    ['allowedEntitlements', { allowedEntitlements: ['report:*'] }],
    ['allowPrivileged', { allowPrivileged: true }],
    ['authoritativeDomains', { authoritativeDomains: ['acme.example'] }],
    ['emailVerified', { emailVerified: 'always' }],
  ])('of %s counts up the mapping’s version', async (_, patch) => {
    const { http } = await tenantWith(rollcall);
    const { id } = await createConnection(http);
    const saved = await http.patch<SavedConnection>(`/connections/${id}`, patch, etag(1));
    expect(saved.body).toMatchObject({ mappingVersion: 2, replan: expect.any(String) });
  });

  it('that asks for more trust needs connections:trust, and ends the sessions of the connection alone', async () => {
    const { http, tenantId } = await tenantWith(rollcall);
    const writer = await rollcall.clientWith(tenantId, ['connections:read', 'connections:write']);
    const { id } = await createConnection(http);
    const mine = await insertSession(rollcall, tenantId, id);
    const other = await insertSession(rollcall, tenantId, newId());
    const refused = await writer.patch(
      `/connections/${id}`,
      { audiences: ['x'], login: { subject: 'claims.email' }, conditions: { amr: ['mfa'] } },
      etag(1),
    );
    // Faults come before permissions: the subject must not be read from an unverified address.
    expect(refused).toMatchObject({ status: 400, body: { faults: [{ pointer: '/login/subject' }] } });
    const patch = { audiences: ['x'], login: { subject: 'claims.oid' } };
    expect(await writer.patch(`/connections/${id}`, patch, etag(1))).toMatchObject({
      status: 403,
      body: { permission: 'connections:trust', faults: [{ pointer: '/audiences' }, { pointer: '/login/subject' }] },
    });
    expect((await writer.patch(`/connections/${id}`, { oneTime: false }, etag(1))).status).toBe(200);
    expect(await sessionOf(rollcall, mine)).toMatchObject({ endedAt: null });
    expect((await http.patch(`/connections/${id}`, patch, etag(2))).status).toBe(200);
    expect(await sessionOf(rollcall, mine)).toMatchObject({ endReason: 'connection_changed' });
    expect(await sessionOf(rollcall, other)).toMatchObject({ endedAt: null });
  });

  it('by someone without connections:trust gives out no permission that they do not hold', async () => {
    const { http, tenantId } = await tenantWith(rollcall);
    const writer = await rollcall.clientWith(tenantId, ['connections:write']);
    const holder = await rollcall.clientWith(tenantId, ['connections:write', 'users:write']);
    const { id } = await createConnection(http, { allowedRoles: ['admin'], allowPrivileged: true });
    const mapping = { roles: [{ id: 'me', when: 'true', grant: ['admin'] }] };
    expect(await writer.patch(`/connections/${id}`, { mapping }, etag(1))).toMatchObject({
      status: 403,
      body: { code: 'may_not_grant', permissions: ['users:write'] },
    });
    expect((await holder.patch(`/connections/${id}`, { mapping }, etag(1))).status).toBe(200);
  });

  it('of twenty at once, one wins each round and none is lost', async () => {
    const { http } = await tenantWith(rollcall);
    const { id } = await createConnection(http);
    let pending = Array.from({ length: 20 }, (_, i) => i);
    for (let version = 1; pending.length > 0; version++) {
      const answers = await Promise.all(
        pending.map(async (i) => ({
          i,
          status: (
            await http.patch(
              `/connections/${id}`,
              { mapping: { attributes: { [`a${i}`]: 'claims.x' } } },
              etag(version),
            )
          ).status,
        })),
      );
      const won = answers.filter((each) => each.status === 200).map((each) => each.i);
      expect(won).toHaveLength(1);
      expect(answers.filter((each) => each.status === 412)).toHaveLength(pending.length - 1);
      pending = pending.filter((i) => i !== won[0]);
    }
    const end = await http.get<{ mapping: { attributes: object } }>(`/connections/${id}`);
    expect(end.body).toMatchObject({ version: 21, mappingVersion: 21 });
    expect(Object.keys(end.body.mapping.attributes)).toHaveLength(20);
  });

  it('of twenty creations of one name at once, one wins', async () => {
    const { http } = await tenantWith(rollcall);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => http.post('/connections', { ...MINIMAL, audiences: [`a${i}`] })),
    );
    expect(answers.map((each) => each.status).sort()).toEqual([201, ...Array.from({ length: 19 }, () => 409)]);
  });
});
