import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { newId } from '../../src/platform/ids.js';
import { permissions } from '../../src/platform/permissions.js';
import { ConnectionEntity, MappingVersionEntity } from '../../src/records/connections/connection.entity.js';
import { BuiltInRolesService } from '../../src/records/roles/built-in-roles.service.js';
import { loadRoleCatalogue } from '../../src/records/roles/role-catalogue.js';
import { RoleEntity } from '../../src/records/roles/role.entity.js';
import { RunEntity } from '../../src/records/sync-runs/run.entity.js';
import { EventEntity } from '../../src/ledger/event.entity.js';
import { BlockEntity, GrantEntity } from '../../src/records/users/grant.entity.js';
import { UserEntity } from '../../src/records/users/user.entity.js';
import type { HttpClient } from '../support/http-client.js';
import { seedConnection, seedGrants, seedTenant, seedUser } from '../support/seed.js';
import { seedFullConnection } from '../support/seed-customer.js';
import { startApp, type TestApp } from '../support/start-app.js';

describe('/roles', () => {
  let rollcall: TestApp;
  let tenantId: string;
  let admin: HttpClient;
  let number = 0;
  beforeAll(async () => {
    rollcall = await startApp();
  });
  beforeEach(async () => {
    tenantId = (await seedTenant(rollcall, `acme-${++number}`)).id;
    admin = await rollcall.clientWith(tenantId, ['roles:read', 'roles:write', 'users:read', 'users:write']);
  });
  afterAll(() => rollcall.stop());

  const make = async (key: string, permissions: string[] = [], more: object = {}): Promise<string> => {
    const made = await admin.post('/roles', { key, name: key, permissions, ...more });
    expect(made.status).toBe(201);
    return String(made.body.id);
  };
  const etag = { 'if-match': '"1"' };

  it('a tenant has the built-in ones from its first day, and they cannot be changed', async () => {
    const list = await admin.get<{ items: { id: string; key: string; builtIn: boolean; privileged: boolean }[] }>(
      '/roles',
    );
    expect(list.body.items.map((role) => role.key)).toEqual(['admin', 'auditor', 'owner', 'user-manager']);
    const owner = list.body.items.find((role) => role.key === 'owner');
    expect(owner).toMatchObject({ builtIn: true, privileged: true });
    const path = `/roles/${owner?.id}`;
    expect(await admin.patch(path, { name: 'x' }, etag)).toMatchObject({ status: 409, body: { code: 'built_in' } });
    expect(await admin.delete(path, etag)).toMatchObject({ status: 409, body: { code: 'built_in' } });
  });

  it('a later version brings the built-in ones of every tenant up to date, once, and tells of it', async () => {
    const refresh = () => rollcall.app.get(BuiltInRolesService).refresh();
    expect(await refresh()).toBe(0);
    const custom = await make('reader', ['reports:read']);
    await rollcall.database.transaction(async (tx) => {
      await tx.update(RoleEntity, { tenantId, key: 'auditor' }, { permissions: ['users:read'], name: 'Old' });
      await tx.update(RoleEntity, { tenantId, key: 'owner' }, { description: 'Old.' });
    });
    expect(await Promise.all([refresh(), refresh()]).then(([one, other]) => one + other)).toBe(2);
    const { body } = await admin.get<{
      items: { key: string; name: string; permissions: string[]; version: number }[];
    }>('/roles');
    const auditor = body.items.find((role) => role.key === 'auditor');
    expect(auditor).toMatchObject({ name: 'Auditor', version: 2 });
    expect(auditor?.permissions).toContain('audit:personal');
    expect((await admin.get(`/roles/${custom}`)).body).toMatchObject({ version: 1, permissions: ['reports:read'] });
    const told = await rollcall.database.read.findBy(EventEntity, { tenantId, type: 'role.updated' });
    expect(told.map((event) => event.fields).sort()).toEqual([['description'], ['name', 'permissions']]);
  });

  it('is created, read, changed and deleted; its key never changes', async () => {
    const id = await make('editor', ['reports:read', 'users:read']);
    const read = await admin.get(`/roles/${id}`);
    expect(read.body).toMatchObject({ key: 'editor', privileged: false, builtIn: false, version: 1 });
    expect(read.headers.get('etag')).toBe('"1"');
    const changed = await admin.patch(`/roles/${id}`, { description: 'Edits.' }, etag);
    expect(changed).toMatchObject({ status: 200, body: { version: 2, description: 'Edits.' } });
    const renamed = await admin.patch(`/roles/${id}`, { key: 'other' }, { 'if-match': '"2"' });
    expect(renamed).toMatchObject({ status: 400, body: { faults: [{ pointer: '/key' }] } });
    expect((await admin.delete(`/roles/${id}`, { 'if-match': '"2"' })).status).toBe(204);
    expect((await admin.get(`/roles/${id}`)).status).toBe(404);
  });

  it('a change without If-Match is 428, over another version 412', async () => {
    const id = await make('editor');
    expect(await admin.patch(`/roles/${id}`, { name: 'x' })).toMatchObject({ status: 428 });
    expect(await admin.delete(`/roles/${id}`)).toMatchObject({ status: 428 });
    expect(await admin.patch(`/roles/${id}`, { name: 'x' }, { 'if-match': '"2"' })).toMatchObject({ status: 412 });
    expect((await admin.get(`/roles/${id}`)).body).toMatchObject({ name: 'editor', version: 1 });
  });

  it('of two changes at once one wins', async () => {
    const id = await make('editor');
    const answers = await Promise.all(['a', 'b', 'c'].map((name) => admin.patch(`/roles/${id}`, { name }, etag)));
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 412, 412]);
  });

  it('nobody creates, changes or deletes a role with permissions that they do not hold', async () => {
    const refused = await admin.post('/roles', {
      key: 'x',
      name: 'x',
      permissions: ['roles:grant', 'api-keys:write', 'users:read'],
    });
    expect(refused).toMatchObject({
      status: 403,
      body: { code: 'may_not_grant', permissions: ['api-keys:write', 'roles:grant'] },
    });
    const id = await make('strong', ['users:write']);
    const weak = await rollcall.clientWith(tenantId, ['roles:write', 'roles:read']);
    expect((await weak.patch(`/roles/${id}`, { permissions: [] }, etag)).status).toBe(403);
    expect((await weak.patch(`/roles/${id}`, { name: 'mine' }, etag)).status).toBe(403);
    expect((await weak.delete(`/roles/${id}`, etag)).status).toBe(403);
    expect((await weak.post('/roles', { key: 'app', name: 'App', permissions: ['reports:write'] })).status).toBe(201);
  });

  it('every fault of a body is named', async () => {
    const shape = await admin.post('/roles', { key: 'Editor ', permissions: [1] });
    const pointers = (shape.body.faults as { pointer: string }[]).map((fault) => fault.pointer);
    expect(new Set(pointers)).toEqual(new Set(['/key', '/name', '/permissions']));
    const meaning = await admin.post('/roles', { key: 'x', name: 'x', permissions: ['a:b', 'ab', 'a:b'] });
    expect(meaning.body.faults).toMatchObject([{ pointer: '/permissions/1' }, { pointer: '/permissions/2' }]);
    await make('twin');
    expect(await admin.post('/roles', { key: 'twin', name: 'x', permissions: [] })).toMatchObject({
      status: 409,
      body: { code: 'name_taken', faults: [{ pointer: '/key' }] },
    });
  });

  it("a foreign tenant's is not there", async () => {
    const id = await make('editor');
    const other = await seedTenant(rollcall, `other-${number}`);
    const foreign = await rollcall.clientWith(other.id, ['roles:read', 'roles:write']);
    expect((await foreign.get(`/roles/${id}`)).status).toBe(404);
    expect((await foreign.patch(`/roles/${id}`, { name: 'x' }, etag)).status).toBe(404);
    expect((await foreign.delete(`/roles/${id}`, etag)).status).toBe(404);
  });

  it('the catalogue tells the plan which roles are privileged', async () => {
    await make('editor', ['reports:write']);
    await make('boss', ['users:write']);
    await make('marked', [], { privileged: true });
    const catalogue = await loadRoleCatalogue(rollcall.database.read, tenantId);
    const privileged = [...catalogue].filter(([, role]) => role.privileged).map(([key]) => key);
    expect(privileged.sort()).toEqual(['admin', 'auditor', 'boss', 'marked', 'owner', 'user-manager']);
    expect(catalogue.get('editor')).toEqual({ privileged: false, permissions: ['reports:write'] });
  });

  it('that becomes privileged has the people of connections that may grant it planned again', async () => {
    const id = await make('editor', ['reports:read']);
    const may = await seedConnection(rollcall, tenantId, { allowedRoles: ['viewer', 'editor'] });
    const mayNot = await seedConnection(rollcall, tenantId, { allowedRoles: ['viewer'] });
    await admin.patch(`/roles/${id}`, { permissions: ['reports:write'] }, etag);
    expect(await rollcall.database.read.countBy(RunEntity, { tenantId })).toBe(0);
    await admin.patch(`/roles/${id}`, { permissions: ['users:write'] }, { 'if-match': '"2"' });
    const runs = await rollcall.database.read.findBy(RunEntity, { tenantId });
    expect(runs).toMatchObject([{ connectionId: may, kind: 'replan', status: 'running', mappingVersion: 2 }]);
    const connection = (id: string) => rollcall.database.read.findOneByOrFail(ConnectionEntity, { id });
    expect(await connection(may)).toMatchObject({ mappingVersion: 2, version: 2 });
    expect(await connection(mayNot)).toMatchObject({ mappingVersion: 1, version: 1 });
    expect(await rollcall.database.read.countBy(MappingVersionEntity, { connectionId: may, version: 2 })).toBe(1);
  });

  describe('that a connection may grant', () => {
    let id: string;
    let connection: string;
    let trusted: HttpClient;
    beforeEach(async () => {
      id = await make('editor');
      connection = await seedFullConnection(rollcall, tenantId, { allowedRoles: ['editor'], audiences: ['shop'] });
      trusted = await rollcall.clientWith(tenantId, Object.keys(permissions));
    });

    it('leaves a version of its mapping that can be read as every other', async () => {
      expect((await admin.patch(`/roles/${id}`, { privileged: true }, etag)).status).toBe(200);
      const kept = await trusted.get(`/connections/${connection}/mappings/2`);
      expect(kept.body).toMatchObject({ version: 2, authority: 'push-first', allowedRoles: ['editor'] });
      const { body } = await trusted.get<{ mapping: object }>(`/connections/${connection}`);
      expect(kept.body).toMatchObject({ mapping: body.mapping });
    });

    it('changes beside a save of the connection, and each has a version of its own', async () => {
      const { version } = (await trusted.get<{ version: number }>(`/connections/${connection}`)).body;
      const [role, saved] = await Promise.all([
        admin.patch(`/roles/${id}`, { privileged: true }, etag),
        trusted.patch(`/connections/${connection}`, { mapping: { strict: true } }, { 'if-match': `"${version}"` }),
      ]);
      expect(role.status).toBe(200);
      expect([200, 412]).toContain(saved.status);
      const { body } = await trusted.get<{ items: { version: number }[] }>(`/connections/${connection}/mappings`);
      const versions = saved.status === 200 ? [3, 2, 1] : [2, 1];
      expect(body.items.map((each) => each.version).slice(0, versions.length - 1)).toEqual(versions.slice(0, -1));
    });
  });

  it('goes with its grants and blocks, raising the version of each user once, with one event', async () => {
    const id = await make('editor');
    const [ada, bob, cyd] = await Promise.all(['ada', 'bob', 'cyd'].map((name) => seedUser(rollcall, tenantId, name)));
    await seedGrants(rollcall, [
      { tenantId, userId: ada ?? '', role: 'editor' },
      { tenantId, userId: ada ?? '', role: 'editor', identityId: newId(), connectionId: newId() },
      { tenantId, userId: ada ?? '', role: 'viewer' },
    ]);
    const block = {
      userId: bob ?? '',
      kind: 'role' as const,
      heldKey: 'editor',
      tenantId,
      adminId: 'x',
      reason: null,
      since: 1,
      until: null,
    };
    await rollcall.database.transaction((tx) => tx.insert(BlockEntity, block));
    expect((await admin.delete(`/roles/${id}`, etag)).status).toBe(204);
    const read = rollcall.database.read;
    expect(await read.findBy(GrantEntity, { tenantId })).toMatchObject([{ heldKey: 'viewer' }]);
    expect(await read.countBy(BlockEntity, { tenantId })).toBe(0);
    const versions = await read.find(UserEntity, { where: { tenantId }, order: { userName: 'ASC' } });
    expect(versions.map((user) => user.version)).toEqual([2, 2, 1]);
    const events = await read.findBy(EventEntity, { tenantId, type: 'user.roles_changed' });
    expect(new Set(events.map((event) => event.subjectId))).toEqual(new Set([ada, bob]));
    expect(events.map((event) => event.subjectVersion)).toEqual([2, 2]);
    expect(cyd).toBeDefined();
  });

  it('that connections may grant, or that over 1,000 grants hold, is deleted only with force', async () => {
    const id = await make('crowd');
    const users = Array.from({ length: 1001 }, () => newId());
    await rollcall.database.transaction((tx) =>
      tx.query(
        `INSERT INTO users (id, tenantId, emailVerified, attributes, suspended, version, createdAt, updatedAt) VALUES ${users
          .map((user) => `('${user}', '${tenantId}', 0, '{}', 0, 1, 1, 1)`)
          .join(',')}`,
      ),
    );
    await seedGrants(
      rollcall,
      users.map((userId) => ({ tenantId, userId, role: 'crowd' })),
    );
    expect(await admin.delete(`/roles/${id}`, etag)).toMatchObject({
      status: 409,
      body: { code: 'role_in_use', grants: 1001, connections: [] },
    });
    expect(await rollcall.database.read.countBy(GrantEntity, { tenantId })).toBe(1001);
    const connection = await seedConnection(rollcall, tenantId, { allowedRoles: ['crowd'] });
    expect((await admin.delete(`/roles/${id}`, etag)).body).toMatchObject({ connections: [connection] });
    expect((await admin.delete(`/roles/${id}?force=true`, etag)).status).toBe(204);
    expect(await rollcall.database.read.countBy(GrantEntity, { tenantId })).toBe(0);
    expect(await rollcall.database.read.countBy(EventEntity, { tenantId, type: 'user.roles_changed' })).toBe(1001);
    expect(await rollcall.database.read.countBy(RunEntity, { connectionId: connection })).toBe(1);
  });
});
