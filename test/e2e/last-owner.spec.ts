import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Clock, formatTime, HOUR, type Micros } from '../../src/platform/clock.js';
import { newId } from '../../src/platform/ids.js';
import { permissions } from '../../src/platform/permissions.js';
import { BlockEntity, GrantEntity } from '../../src/records/users/grant.entity.js';
import { assertOwnerRemains } from '../../src/records/users/last-owner.js';
import { UserEntity } from '../../src/records/users/user.entity.js';
import { seedGrants, seedIdentity, seedTenant, seedUser } from '../support/seed.js';
import { startApp, type TestApp } from '../support/start-app.js';

describe('the last owner stays', () => {
  let rollcall: TestApp;
  let tenantId: string;
  let ada: string;
  let now: Micros;
  let number = 0;
  beforeAll(async () => {
    rollcall = await startApp();
    now = rollcall.app.get(Clock).now();
  });
  beforeEach(async () => {
    tenantId = (await seedTenant(rollcall, `acme-${++number}`)).id;
    ada = await seedUser(rollcall, tenantId, 'ada');
    await seedGrants(rollcall, [{ tenantId, userId: ada, role: 'owner' }]);
  });
  afterAll(() => rollcall.stop());

  const verdict = async (losing: string[]): Promise<string> => {
    const checked = rollcall.database.transaction((tx) => assertOwnerRemains(tx, tenantId, losing, now));
    return checked.then(
      () => 'passes',
      (error: unknown) => (error as { code: string }).code,
    );
  };
  const addOwner = async (more: { until?: Micros; identityId?: string } = {}): Promise<string> => {
    const id = await seedUser(rollcall, tenantId, 'bob');
    await seedGrants(rollcall, [{ tenantId, userId: id, role: 'owner', ...more }]);
    return id;
  };
  const block = (userId: string, until: Micros | null) =>
    rollcall.database.transaction((tx) =>
      tx.insert(BlockEntity, {
        userId,
        kind: 'role',
        heldKey: 'owner',
        tenantId,
        adminId: 'x',
        reason: null,
        since: 1,
        until,
      }),
    );

  it('whoever is the only one', async () => {
    expect(await verdict([ada])).toBe('last_owner');
  });

  it('nobody loses it: passes', async () => {
    expect(await verdict([])).toBe('passes');
  });

  it('another one remains: passes', async () => {
    const bob = await addOwner();
    expect(await verdict([ada])).toBe('passes');
    expect(await verdict([ada, bob])).toBe('last_owner');
  });

  it('a suspended owner counts for nothing', async () => {
    const bob = await addOwner();
    await rollcall.database.transaction((tx) => tx.update(UserEntity, { id: bob }, { suspended: true }));
    expect(await verdict([ada])).toBe('last_owner');
  });

  it('an owner whose grant waits to be confirmed counts for nothing until it is', async () => {
    const bob = await addOwner();
    const park = (parkedAt: Micros | null) =>
      rollcall.database.transaction((tx) => tx.update(GrantEntity, { userId: bob, heldKey: 'owner' }, { parkedAt }));
    await park(now);
    expect(await verdict([ada])).toBe('last_owner');
    await park(null);
    expect(await verdict([ada])).toBe('passes');
  });

  it('a blocked owner counts for nothing while the block lasts', async () => {
    const bob = await addOwner();
    await block(bob, now + HOUR);
    expect(await verdict([ada])).toBe('last_owner');
    now += HOUR;
    expect(await verdict([ada])).toBe('passes');
  });

  it('an expired grant counts for nothing', async () => {
    await addOwner({ until: now });
    expect(await verdict([ada])).toBe('last_owner');
  });

  it('an owner until a time is not the last: only who is one for good remains', async () => {
    const bob = await addOwner({ until: now + HOUR });
    expect(await verdict([ada])).toBe('last_owner');
    expect(await verdict([bob])).toBe('passes');
  });

  it.each([
    [true, 'passes'],
    [false, 'last_owner'],
  ])('an owner through an identity that is active (%s): %s', async (active, expected) => {
    const bob = await seedUser(rollcall, tenantId, 'bob');
    const identityId = await seedIdentity(rollcall, { tenantId, userId: bob, connectionId: newId(), active });
    await seedGrants(rollcall, [{ tenantId, userId: bob, role: 'owner', identityId }]);
    expect(await verdict([ada])).toBe(expected);
  });

  it('a grant through an identity that is gone counts for nothing', async () => {
    await addOwner({ identityId: newId() });
    expect(await verdict([ada])).toBe('last_owner');
  });

  it("another tenant's owner, or another role, counts for nothing", async () => {
    const other = await seedTenant(rollcall, `other-${number}`);
    const cyd = await seedUser(rollcall, other.id, 'cyd');
    await seedGrants(rollcall, [
      { tenantId: other.id, userId: cyd, role: 'owner' },
      { tenantId, userId: await seedUser(rollcall, tenantId, 'dan'), role: 'admin' },
    ]);
    expect(await verdict([ada])).toBe('last_owner');
  });

  it('the only owner is not made one until a time; of two, one is, and is none when it is over', async () => {
    const http = await rollcall.clientWith(tenantId, Object.keys(permissions));
    const until = formatTime(rollcall.app.get(Clock).now() + HOUR);
    const limit = (userId: string) => http.put(`/users/${userId}/roles/owner`, { until });
    expect(await limit(ada)).toMatchObject({ status: 409, body: { code: 'last_owner' } });
    const bob = await addOwner();
    expect((await limit(ada)).status).toBe(200);
    expect(await limit(bob)).toMatchObject({ status: 409, body: { code: 'last_owner' } });
    expect(await http.delete(`/users/${bob}/roles/owner`)).toMatchObject({ status: 409, body: { code: 'last_owner' } });
    expect((await http.delete(`/users/${ada}/roles/owner`)).status).toBe(200);
  });

  it('two who remove each other at once: one stays', async () => {
    const bob = await addOwner();
    const removing = (userId: string) =>
      rollcall.database
        .transaction(async (tx) => {
          await assertOwnerRemains(tx, tenantId, [userId], now);
          await tx.delete(GrantEntity, { userId, heldKey: 'owner' });
        })
        .then(
          () => 'removed',
          (error: unknown) => (error as { code: string }).code,
        );
    const both = await Promise.all([removing(ada), removing(bob)]);
    expect(both.sort()).toEqual(['last_owner', 'removed']);
    expect(await rollcall.database.read.countBy(GrantEntity, { tenantId, heldKey: 'owner' })).toBe(1);
  });
});
