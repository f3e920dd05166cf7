import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { EventEntity } from '../../src/ledger/event.entity.js';
import { Clock, HOUR } from '../../src/platform/clock.js';
import { newId } from '../../src/platform/ids.js';
import { FirstStartService } from '../../src/records/local-admins/first-start.service.js';
import { SessionEntity } from '../../src/records/sessions/session.entity.js';
import { TenantEntity } from '../../src/records/tenants/tenant.entity.js';
import type { HttpClient } from '../support/http-client.js';
import { seedConnection, seedGrants, seedIdentity, seedTenant, seedUser } from '../support/seed.js';
import { startApp, type TestApp } from '../support/start-app.js';

const OPERATOR = ['tenants:read', 'tenants:write', 'tenants:access'];

describe('/tenants', () => {
  let rollcall: TestApp;
  let platformId: string;
  let operator: HttpClient;
  beforeAll(async () => {
    rollcall = await startApp();
    await rollcall.app.get(FirstStartService).createLink();
    platformId = (await rollcall.database.read.findOneByOrFail(TenantEntity, { slug: 'platform' })).id;
    operator = await rollcall.clientWith(platformId, OPERATOR);
  });
  afterAll(() => rollcall.stop());

  const eventsOf = async (tenantId: string, type: string) =>
    rollcall.database.read.findBy(EventEntity, { tenantId, type });

  const seedSession = async (tenantId: string): Promise<string> => {
    const id = newId();
    await rollcall.database.transaction((tx) =>
      tx.insert(SessionEntity, {
        id,
        tenantId,
        userId: newId(),
        connectionId: null,
        identityId: null,
        applicationId: newId(),
        privileged: true,
        authTime: 1,
        amr: ['pwd'],
        address: null,
        userAgent: null,
        createdAt: 1,
        lastUsedAt: 1,
        expiresAt: 9e15,
        endedAt: null,
        endReason: null,
        refreshHash: newId(),
        refreshUntil: 0,
        tokenMark: null,
      }),
    );
    return id;
  };

  it('an operator creates one; its first owner comes in by a link', async () => {
    const made = await operator.post<{ id: string; invite: { link: string } }>('/tenants', {
      slug: 'acme',
      name: 'Acme',
    });
    expect(made).toMatchObject({ status: 201, body: { slug: 'acme', status: 'active', version: 1 } });
    const token = made.body.invite.link.split('#token=')[1];
    const body = { token, userName: 'Ada@acme.example', password: 'correct horse battery' };
    expect(await rollcall.http.post('/setup', body)).toMatchObject({
      status: 201,
      body: { userName: 'Ada@acme.example', tenants: ['acme'] },
    });
    expect(await rollcall.http.post('/setup', body)).toMatchObject({ status: 410, body: { code: 'link_invalid' } });
    expect(await eventsOf(made.body.id, 'tenant.created')).toHaveLength(1);
    expect(await eventsOf(platformId, 'tenant.created')).not.toHaveLength(0);
    const again = await operator.get(`/tenants/${made.body.id}`);
    expect(again.body).not.toHaveProperty('invite');
    const list = await operator.get<{ items: { slug: string }[] }>('/tenants?limit=200');
    expect(list.status).toBe(200);
    expect(list.body.items.map(({ slug }) => slug)).toEqual(expect.arrayContaining(['platform', 'acme']));
  });

  it('every fault of a body is named, and a slug is there once', async () => {
    const refused = await operator.post('/tenants', { slug: 'Acme Inc', name: '', id: 'x' });
    const pointers = (refused.body.faults as { pointer: string }[]).map((fault) => fault.pointer);
    expect(new Set(pointers)).toEqual(new Set(['/slug', '/name', '/id']));
    await seedTenant(rollcall, 'twin');
    expect(await operator.post('/tenants', { slug: 'twin', name: 'x' })).toMatchObject({
      status: 409,
      body: { code: 'name_taken', faults: [{ pointer: '/slug' }] },
    });
    expect((await operator.post('/tenants', { slug: 'platform', name: 'x' })).status).toBe(409);
  });

  it('is renamed by version', async () => {
    const { id } = await seedTenant(rollcall, 'before');
    expect(await operator.patch(`/tenants/${id}`, { name: 'After' }, { 'if-match': '"1"' })).toMatchObject({
      status: 200,
      body: { name: 'After', version: 2 },
    });
    expect((await operator.patch(`/tenants/${id}`, { name: 'x' }, { 'if-match': '"1"' })).status).toBe(412);
  });

  it('suspended, its sessions end and its keys stop at once; resumed, its keys go on', async () => {
    const { id } = await seedTenant(rollcall, 'pausing');
    const key = await rollcall.clientWith(id, ['roles:read']);
    const session = await seedSession(id);
    expect((await key.get('/roles')).status).toBe(200);
    expect(await operator.post(`/tenants/${id}/suspend`)).toMatchObject({ status: 200, body: { status: 'suspended' } });
    expect((await key.get('/roles')).status).toBe(401);
    const row = await rollcall.database.read.findOneByOrFail(SessionEntity, { id: session });
    expect(row).toMatchObject({ endReason: 'tenant_suspended' });
    expect(await operator.post(`/tenants/${id}/access`, { reason: 'x' })).toMatchObject({
      status: 409,
      body: { code: 'tenant_not_active' },
    });
    expect(await operator.post(`/tenants/${id}/resume`)).toMatchObject({ status: 200, body: { status: 'active' } });
    expect((await key.get('/roles')).status).toBe(200);
    for (const ledger of [id, platformId]) {
      const events = await rollcall.database.read.findBy(EventEntity, { tenantId: ledger, subjectId: id });
      expect(events.map((event) => event.type)).toEqual(expect.arrayContaining(['tenant.suspended', 'tenant.resumed']));
    }
  });

  it('operators see nothing inside, and enter for an hour with a reason that both ledgers keep', async () => {
    const { id } = await seedTenant(rollcall, 'visited');
    const inside = await rollcall.clientWith(id, ['roles:read', 'roles:write']);
    const role = await inside.post('/roles', { key: 'editor', name: 'Editor', permissions: [] });
    const wide = await rollcall.clientWith(platformId, [...OPERATOR, 'roles:read', 'roles:write', 'applications:read']);
    expect((await wide.get(`/roles/${String(role.body.id)}`)).status).toBe(404);
    const list = await wide.get<{ items: { audience: string }[] }>('/applications');
    expect(list.body.items.map((each) => each.audience)).toEqual(['platform']);

    expect((await operator.post(`/tenants/${id}/access`, {})).body).toMatchObject({
      faults: [{ pointer: '/reason', detail: 'is needed' }],
    });
    const entered = await operator.post(`/tenants/${id}/access`, { reason: 'Ticket 4711' });
    expect(entered.status).toBe(201);
    const visitor = rollcall.http.as(String(entered.body.key));
    expect((await visitor.get(`/roles/${String(role.body.id)}`)).status).toBe(200);
    expect((await visitor.get('/tenants')).status).toBe(403);
    expect((await visitor.post('/api-keys', { name: 'x', scopes: ['roles:read'] })).status).toBe(403);
    expect((await visitor.post('/local-admins', { userName: 'x', roles: ['owner'] })).status).toBe(403);
    for (const ledger of [id, platformId]) {
      expect(await eventsOf(ledger, 'tenant.entered')).toMatchObject([{ subjectId: id, reason: 'Ticket 4711' }]);
    }
    const clock = rollcall.app.get(Clock);
    const later = clock.now() + HOUR;
    const now = jest.spyOn(clock, 'now').mockReturnValue(later);
    expect((await visitor.get('/roles')).status).toBe(401);
    now.mockRestore();
  });

  it('permissions of operators are worth nothing in a customer’s tenant', async () => {
    const { id } = await seedTenant(rollcall, 'customer');
    const impostor = await rollcall.clientWith(id, OPERATOR);
    expect((await impostor.get('/tenants')).status).toBe(403);
    expect((await impostor.get(`/tenants/${platformId}`)).status).toBe(403);
    expect((await impostor.post('/tenants', { slug: 'mine', name: 'x' })).status).toBe(403);
    expect((await impostor.post(`/tenants/${id}/access`, { reason: 'x' })).status).toBe(403);
    expect((await impostor.get(`/tenants/${id}/export`)).status).toBe(403);
    expect((await impostor.delete(`/tenants/${id}`)).status).toBe(403);
  });

  it('platform stays as it is', async () => {
    for (const answer of [
      await operator.post(`/tenants/${platformId}/suspend`),
      await operator.delete(`/tenants/${platformId}`),
      await operator.post(`/tenants/${platformId}/access`, { reason: 'x' }),
      await operator.get(`/tenants/${platformId}/export`),
    ]) {
      expect(answer).toMatchObject({ status: 409, body: { code: 'built_in' } });
    }
  });

  it('is exported as NDJSON with all it holds and no secret', async () => {
    const { id } = await seedTenant(rollcall, 'leaving');
    const other = await seedTenant(rollcall, 'staying');
    await seedUser(rollcall, other.id, 'not-mine');
    await rollcall.clientWith(id, ['roles:read']);
    const connectionId = await seedConnection(rollcall, id);
    const userId = await seedUser(rollcall, id, 'ada');
    const identityId = await seedIdentity(rollcall, { tenantId: id, userId, connectionId });
    await seedGrants(rollcall, [{ tenantId: id, userId, role: 'owner', identityId, connectionId }]);
    const invited = await rollcall.clientWith(id, ['local-admins:write', 'roles:read']);
    expect((await invited.post('/local-admins', { userName: 'bob', roles: [] })).status).toBe(400);
    await seedSession(id);
    const answer = await operator.get<string>(`/tenants/${id}/export`);
    expect(answer.headers.get('content-type')).toMatch(/^application\/x-ndjson/);
    const lines = answer.body
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; data: Record<string, unknown>; counts: unknown });
    expect(lines[0]).toMatchObject({ type: 'tenant', data: { slug: 'leaving' } });
    expect(lines.find((line) => line.type === 'user')?.data).toMatchObject({
      userName: 'ada',
      identities: [{ id: identityId, active: true }],
      grants: [{ key: 'owner', kind: 'role' }],
    });
    expect(lines.at(-1)).toMatchObject({
      type: 'end',
      counts: { tenant: 1, application: 1, role: 4, connection: 1, user: 1, apiKey: 2, session: 1 },
    });
    expect(lines.filter((line) => line.type === 'event').map((line) => line.data.type)).toEqual(
      expect.arrayContaining(['tenant.created', 'tenant.exported']),
    );
    const hashes = await rollcall.database.read.query('SELECT secretHash FROM api_keys');
    for (const { secretHash } of hashes as { secretHash: string }[]) expect(answer.body).not.toContain(secretHash);
    expect(answer.body).not.toContain('not-mine');
    expect(await eventsOf(platformId, 'tenant.exported')).toMatchObject([{ subjectId: id }]);
  });
});
