import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DAY, SECOND } from '../../src/platform/clock.js';
import { Problem } from '../../src/platform/problem.js';
import { selectRows } from '../../src/platform/sql.js';
import { Sweeper } from '../../src/platform/sweeper.js';
import { DirectoryWrites } from '../support/directory-writes.js';
import type { HttpClient } from '../support/http-client.js';
import { type Customer, LoginWorld } from '../support/login-world.js';
import { MatchedCustomer } from '../support/matched-customer.js';
import { seedGrants } from '../support/seed.js';
import { endReasonOf, eventsOf, seedSession } from '../support/stored.js';

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

describe('the deletion of an identity by its source', () => {
  it('takes the user too, ends their session at once, and lets no token from before in again', async () => {
    const person = await directory.pushNext();
    const token = acme.token({ sub: `s-${person.externalId}`, oid: person.externalId });
    const session = await matched.enter(person);
    expect((await matched.meOf(session.body)).status).toBe(200);
    await admin.put(`/users/${person.userId}/roles/viewer`, { reason: 'cover' });
    world.clock.pass(2 * SECOND);
    expect(await directory.remove(person.identityId)).toEqual({ userId: person.userId, userDeleted: true });
    expect((await matched.meOf(session.body)).status).toBe(401);
    expect((await admin.get(`/users/${person.userId}`)).status).toBe(404);
    expect((await world.login(token)).status).toBe(401);
    expect(await acme.refusals()).toEqual(['identity_deleted']);
    const last = (await eventsOf(world.rollcall, person.userId)).at(-1);
    expect(last).toMatchObject({ type: 'user.deleted', via: 'scim', personal: { identity: person.identityId } });
    await expect(directory.remove(person.identityId)).rejects.toMatchObject({ code: 'not_found' });
  });

  it('lets no token from before in either that was never used', async () => {
    const person = await directory.pushNext({ userName: 'leaver@acme.com' });
    const before = acme.token({ sub: 's-leaver', preferred_username: 'Leaver@acme.com' });
    world.clock.pass(2 * SECOND);
    await directory.remove(person.identityId);
    const refusals = (await acme.refusals()).length;
    expect((await world.login(before)).status).toBe(401);
    expect((await acme.refusals()).slice(refusals)).toEqual(['identity_deleted']);
  });

  it('leaves the user to the other source, whose session goes on', async () => {
    const bolt = await world.connect(acme.tenantId, world.idp.addRealm(LoginWorld.key), {
      authoritativeDomains: ['bolt.com'],
      allowedRoles: ['viewer'],
    });
    const mail = { email: 'ada@bolt.com', emailVerified: true };
    const person = await directory.pushNext({ ...mail, groups: ['engineering'], 'attributes.unit': 'R&D' });
    const joined = await new DirectoryWrites(bolt).push('b-1', { ...mail, userName: 'ada', roles: ['viewer'] });
    expect(joined.userId).toBe(person.userId);
    const [here, there] = [
      await seedSession(world.rollcall, acme.tenantId, person.userId, person.identityId),
      await seedSession(world.rollcall, acme.tenantId, person.userId, joined.identityId),
    ];
    expect((await directory.remove(person.identityId)).userDeleted).toBe(false);
    expect([await endReasonOf(world.rollcall, here), await endReasonOf(world.rollcall, there)]).toEqual([
      'deleted',
      null,
    ]);
    const user = await matched.see(person.userId);
    expect(user).toMatchObject({ userName: 'ada', email: 'ada@bolt.com', attributes: {} });
    expect(user.identities.map(({ id }) => id)).toEqual([joined.identityId]);
    expect(user.roles.map(({ key }) => key)).toEqual(['viewer']);
  });

  it('leaves an admin the right to erase what the ledger tells of them', async () => {
    const person = await directory.pushNext();
    await directory.remove(person.identityId);
    const path = `/users/${person.userId}`;
    expect((await admin.delete(path)).status).toBe(404);
    const stranger = await world.addCustomer();
    expect((await (await stranger.client('users:write')).delete(`${path}?erase=true`)).status).toBe(404);
    expect((await admin.delete(`/users/${acme.connectionId}?erase=true`)).status).toBe(404);
    expect((await eventsOf(world.rollcall, person.userId)).some(({ personal }) => personal !== null)).toBe(true);
    expect((await admin.delete(`${path}?erase=true`)).status).toBe(204);
    expect((await eventsOf(world.rollcall, person.userId)).every(({ personal }) => personal === null)).toBe(true);
    expect((await directory.push(person.externalId, {})).userId).not.toBe(person.userId);
  });

  it('writes what goes alongside with it, and nothing where the check refuses', async () => {
    const person = await directory.pushNext();
    const refusing = { check: () => Promise.reject(new Problem('version_conflict')) };
    await expect(directory.remove(person.identityId, refusing)).rejects.toMatchObject({ code: 'version_conflict' });
    const missing = { check: () => Promise.reject(new Problem('not_found')) };
    await expect(directory.remove(person.identityId, missing)).rejects.toMatchObject({ code: 'not_found' });
    const failing = { alongside: () => Promise.reject(new Error('no')) };
    await expect(directory.remove(person.identityId, failing)).rejects.toThrow('no');
    expect((await matched.see(person.userId)).identities).toHaveLength(1);
  });

  it('of another connection or tenant is not found', async () => {
    const person = await directory.pushNext();
    const other = await world.addCustomer();
    await expect(new DirectoryWrites(other).remove(person.identityId)).rejects.toMatchObject({ code: 'not_found' });
    await expect(directory.remove('nobody')).rejects.toMatchObject({ code: 'not_found' });
    expect((await matched.see(person.userId)).identities).toHaveLength(1);
  });

  it('of one person many times at once is one deletion', async () => {
    const person = await directory.pushNext();
    const all = await Promise.allSettled(Array.from({ length: 5 }, () => directory.remove(person.identityId)));
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const each of all) if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'not_found' });
  });

  it('reaches no protected user, and never the last owner', async () => {
    const person = await directory.pushNext();
    await seedGrants(world.rollcall, [{ tenantId: acme.tenantId, userId: person.userId, role: 'owner' }]);
    await expect(directory.remove(person.identityId)).rejects.toMatchObject({ code: 'protected_user' });
    const denied = await directory.state({ displayName: 'Eve' }, { identityId: person.identityId });
    expect(denied).toMatchObject({ outcome: { result: 'failed', problem: { code: 'protected_user' } } });
    await acme.save({ allowPrivileged: true, allowedRoles: ['viewer', 'editor', 'owner'] });
    await expect(directory.remove(person.identityId)).rejects.toMatchObject({ code: 'last_owner' });
    const off = directory.state({ active: false }, { identityId: person.identityId });
    // An admin's grant goes on though the identity is off; it is the change of hands that would park it.
    expect(await off).toMatchObject({ outcome: { result: 'deactivated' } });
    const renamed = directory.state({}, { identityId: person.identityId, externalId: 'u-other' });
    await expect(renamed).rejects.toMatchObject({ code: 'last_owner' });
    const second = await directory.pushNext();
    await seedGrants(world.rollcall, [{ tenantId: acme.tenantId, userId: second.userId, role: 'owner' }]);
    expect((await directory.remove(person.identityId)).userDeleted).toBe(true);
    await acme.save({ allowPrivileged: false, allowedRoles: ['viewer', 'editor'] });
  });
});

describe('who is created again', () => {
  it('within thirty days keeps the user id, not what admins gave, and logs in with a new token', async () => {
    const person = await directory.pushNext({ groups: ['engineering'] });
    await matched.enter(person);
    await admin.put(`/users/${person.userId}/roles/viewer`, { reason: 'cover' });
    const gone = await matched.see(person.userId);
    world.clock.pass(2 * SECOND);
    await directory.remove(person.identityId);
    world.clock.pass(20 * DAY);
    const back = await directory.push(person.externalId, { userName: 'back@acme.com', groups: ['engineering'] });
    expect(back.userId).toBe(person.userId);
    expect(back.identityId).not.toBe(person.identityId);
    const user = await matched.see(person.userId);
    expect(user.roles.map(({ key }) => key)).toEqual(['editor']);
    expect(user.version).toBeGreaterThan(gone.version);
    world.clock.pass(2 * SECOND);
    expect((await matched.enter(person)).body.user).toMatchObject({ id: person.userId, roles: ['editor'] });
    const types = (await eventsOf(world.rollcall, person.userId)).map(({ type }) => type);
    expect(types.filter((type) => type === 'user.created' || type === 'user.deleted')).toEqual([
      'user.created',
      'user.deleted',
      'user.created',
    ]);
    expect(await notesOf(person.userId)).toBe(0);
  });

  it('stays suspended: a source lifts no word of an admin', async () => {
    const person = await directory.pushNext();
    await admin.post(`/users/${person.userId}/suspend`);
    await admin.put(`/users/${person.userId}/blocks/roles/editor`, { reason: 'audit' });
    await directory.remove(person.identityId);
    await directory.push(person.externalId, { groups: ['engineering'] });
    expect(await matched.see(person.userId)).toMatchObject({
      suspended: true,
      blocks: [{ role: 'editor', reason: 'audit' }],
    });
  });

  it('after thirty days is somebody new, and the note is swept', async () => {
    const person = await directory.pushNext();
    await directory.remove(person.identityId);
    world.clock.pass(31 * DAY);
    const back = await directory.push(person.externalId, {});
    expect(back.userId).not.toBe(person.userId);
    expect(await notesOf(person.userId)).toBe(1);
    await world.rollcall.app.get(Sweeper).sweep();
    expect(await notesOf(person.userId)).toBe(0);
  });

  it('is somebody new by the same user name, and by the word of an admin who deleted the user', async () => {
    const person = await directory.pushNext({ userName: 'namesake@acme.com' });
    await directory.remove(person.identityId);
    const other = await directory.pushNext({ userName: 'namesake@acme.com' });
    expect(other.userId).not.toBe(person.userId);
    const again = await directory.push(person.externalId, {});
    expect(again.userId).toBe(person.userId);
    expect((await admin.delete(`/users/${person.userId}`)).status).toBe(204);
    expect((await directory.push(person.externalId, {})).userId).not.toBe(person.userId);
  });

  it('by five writers at once is one user', async () => {
    const person = await directory.pushNext();
    await directory.remove(person.identityId);
    const all = await Promise.all(
      Array.from({ length: 5 }, () => directory.push(person.externalId, { displayName: 'Back' })),
    );
    expect(new Set(all.map(({ userId }) => userId))).toEqual(new Set([person.userId]));
    expect((await matched.see(person.userId)).identities).toHaveLength(1);
  });

  const notesOf = async (userId: string): Promise<number> =>
    (await selectRows(world.rollcall.database.read, 'SELECT userId FROM former_users WHERE userId = ?', [userId]))
      .length;
});
