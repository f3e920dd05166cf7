import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SECOND } from '../../src/platform/clock.js';
import type { UserView } from '../../src/records/users/user-view.dto.js';
import type { DirectoryWrites } from '../support/directory-writes.js';
import type { HttpClient } from '../support/http-client.js';
import type { Customer, LoginWorld } from '../support/login-world.js';
import { MatchedCustomer } from '../support/matched-customer.js';
import { seedGrants } from '../support/seed.js';
import { eventsOf } from '../support/stored.js';

let world: LoginWorld;
let acme: Customer;
let admin: HttpClient;
let directory: DirectoryWrites;
let matched: MatchedCustomer;

beforeAll(async () => {
  matched = await MatchedCustomer.start();
  ({ world, acme, admin, directory } = matched);
});
afterAll(() => matched.stop());

describe('a changed externalId', () => {
  it('ends the session, and what admins gave is parked until one of them confirms it', async () => {
    const person = await directory.pushNext({ groups: ['engineering'] });
    const session = await matched.enter(person);
    await admin.put(`/users/${person.userId}/roles/viewer`, { reason: 'cover' });
    await admin.put(`/users/${person.userId}/entitlements/report:42`, {});
    expect((await matched.meOf(session.body)).body).toMatchObject({ roles: [{ key: 'editor' }, { key: 'viewer' }] });
    world.clock.pass(2 * SECOND);
    const stale = acme.token({ sub: `s-${person.externalId}`, oid: 'x-1' });
    world.clock.pass(2 * SECOND);
    await directory.state({}, { identityId: person.identityId, externalId: 'x-1' });
    expect((await matched.meOf(session.body)).status).toBe(401);

    const parked = await matched.see(person.userId);
    expect(parked.identities).toMatchObject([{ externalId: 'x-1', subject: null, notBefore: expect.any(String) }]);
    expect(parked.roles).toMatchObject([
      { key: 'editor', effective: true, grants: [{ counts: true }] },
      { key: 'viewer', effective: false, grants: [{ counts: false, parked: true, source: { reason: 'cover' } }] },
    ]);
    expect(parked.entitlements).toMatchObject([{ key: 'report:42', effective: false, grants: [{ parked: true }] }]);
    const holders = await admin.get<{ items: UserView[] }>('/users?role=viewer');
    expect(holders.body.items.map(({ id }) => id)).not.toContain(person.userId);

    // The old account's token, bound to nobody any more, and the new one's.
    expect((await world.login(stale)).status).toBe(401);
    world.clock.pass(2 * SECOND);
    const other = await acme.login({ sub: 's-other', oid: 'x-1' });
    expect(other.body.user).toMatchObject({ id: person.userId, roles: ['editor'] });
    expect((await matched.meOf(other.body)).body).toMatchObject({
      roles: [{ key: 'editor' }],
      withheld: [
        { kind: 'entitlement', key: 'report:42', reason: 'parked' },
        { kind: 'role', key: 'viewer', reason: 'parked' },
      ],
    });

    const one = await admin.post<UserView>(`/users/${person.userId}/grants/confirm`, {
      roles: ['viewer'],
      reason: 'the same person',
    });
    expect(one).toMatchObject({ status: 200, body: { roles: [{}, { key: 'viewer', effective: true }] } });
    expect(one.headers.get('etag')).toBe(`"${one.body.version}"`);
    expect((await matched.meOf(other.body)).body).toMatchObject({ roles: [{ key: 'editor' }, { key: 'viewer' }] });
    const gone = await admin.delete<UserView>(`/users/${person.userId}/entitlements/report:42`);
    expect(gone.body.entitlements).toEqual([]);
    const events = (await eventsOf(world.rollcall, person.userId)).slice(-4);
    expect(events.map(({ type, via, reason }) => [type, via, reason])).toEqual([
      ['user.grants_parked', 'scim', null],
      ['user.updated', 'login', null],
      ['user.grants_confirmed', 'rest', 'the same person'],
      ['user.roles_changed', 'rest', null],
    ]);
  });

  it('confirms all at once, or nothing where one is named that does not wait', async () => {
    const person = await directory.pushNext();
    await admin.put(`/users/${person.userId}/roles/viewer`, {});
    await admin.put(`/users/${person.userId}/roles/editor`, {});
    await directory.state({}, { identityId: person.identityId, externalId: 'x-2' });
    const path = `/users/${person.userId}/grants/confirm`;
    expect((await admin.post(path, { roles: ['viewer', 'auditor'] })).status).toBe(404);
    expect((await admin.post(path, { roles: 'viewer' })).status).toBe(400);
    const { version } = await matched.see(person.userId);
    expect((await admin.post(path, {}, { 'if-match': `"${version - 1}"` })).status).toBe(412);
    const all = await admin.post<UserView>(path);
    expect(all.body.roles.map(({ effective }) => effective)).toEqual([true, true]);
    expect(await matched.see(person.userId)).toEqual(all.body);
    expect((await admin.post<UserView>(path)).body.version).toBe(all.body.version);
  });

  it('is confirmed by nobody who could not grant it, and granting it anew confirms it', async () => {
    const person = await directory.pushNext();
    await seedGrants(world.rollcall, [{ tenantId: acme.tenantId, userId: person.userId, role: 'auditor' }]);
    await admin.put(`/users/${person.userId}/roles/viewer`, { reason: 'cover' });
    await directory.state({}, { identityId: person.identityId, externalId: 'x-3', guarded: false });
    const path = `/users/${person.userId}/grants/confirm`;
    const manager = await acme.client('users:read', 'roles:grant');
    expect(await manager.post(path)).toMatchObject({ status: 403, body: { code: 'may_not_grant' } });
    const reader = await acme.client('users:read');
    expect((await reader.post(path)).status).toBe(403);
    const stranger = await world.addCustomer();
    expect((await (await stranger.client('roles:grant')).post(path)).status).toBe(404);
    const anew = await manager.put<UserView>(`/users/${person.userId}/roles/viewer`, { reason: 'cover' });
    expect(anew.body.roles).toMatchObject([
      { key: 'auditor', effective: false },
      { key: 'viewer', effective: true },
    ]);
  });
});
