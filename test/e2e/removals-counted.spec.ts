import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { EventEntity } from '../../src/ledger/event.entity.js';
import { Leases } from '../../src/platform/leases.js';
import { RemovalHourEntity } from '../../src/provisioning/removal-hour.entity.js';
import { RemovalCounts } from '../../src/provisioning/removal-counts.js';
import { CATCH } from '../support/removals-world.js';
import { makeGroupWorld } from '../support/scim-groups-world.js';
import { createUser, patchOf, type ScimWorld } from '../support/scim-world.js';
import { startApp, type TestApp } from '../support/start-app.js';

let rollcall: TestApp;
let world: ScimWorld;
beforeAll(async () => {
  rollcall = await startApp();
});
afterAll(() => rollcall.stop());
beforeEach(async () => {
  world = await makeGroupWorld(rollcall, { safetyCatch: CATCH });
});

async function createUsers(count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < count; n++) ids.push((await createUser(world.scim, `p-${n}`)).id);
  return ids;
}

const switchOff = (id: string) =>
  world.scim.patch(`/scim/v2/Users/${id}`, patchOf({ op: 'replace', path: 'active', value: false }));

async function told(): Promise<(string | null)[]> {
  await rollcall.app.get(RemovalCounts).writeDown();
  const where = { subjectId: world.connectionId, type: 'connection.removals_high' };
  return (await rollcall.database.read.findBy(EventEntity, where)).map(({ reason }) => reason);
}

describe('what SCIM takes away by single writes', () => {
  it('is never refused nor held, and told once an hour when it is more than a run may take away by itself', async () => {
    const ids = await createUsers(12);
    for (const id of ids.slice(0, 2)) expect((await switchOff(id)).status).toBe(200);
    expect(await told()).toEqual([]);
    expect((await world.scim.delete(`/scim/v2/Users/${ids[2]}`)).status).toBe(204);
    expect(await told()).toEqual([expect.stringMatching(/^3 switched off or deleted, 0 lost .* of 12 people/)]);
    for (const id of ids.slice(3, 6)) expect((await switchOff(id)).status).toBe(200);
    expect(await told()).toHaveLength(1);
  });

  it('is not told where it is a small share of the people', async () => {
    const ids = await createUsers(40);
    for (const id of ids.slice(0, 4)) expect((await switchOff(id)).status).toBe(200);
    expect(await told()).toEqual([]);
    // Who is off already is not switched off again.
    for (const id of ids.slice(0, 4)) await switchOff(id);
    expect(await told()).toEqual([]);
  });

  it('is not forgotten where the count of another connection cannot be written, nor is that one', async () => {
    const other = await makeGroupWorld(rollcall, { safetyCatch: CATCH });
    const counts = rollcall.app.get(RemovalCounts);
    await counts.writeDown();
    const worlds = [world, other];
    for (const { tenantId, connectionId } of worlds) counts.note(tenantId, connectionId, { deactivates: true });
    const leases = rollcall.app.get(Leases);
    const lock = leases.lock.bind(leases);
    const spy = jest.spyOn(leases, 'lock').mockImplementation((tx, name) => {
      return name.endsWith(world.connectionId) ? Promise.reject(new Error('Not now.')) : lock(tx, name);
    });
    await expect(counts.writeDown()).rejects.toThrow('Not now.');
    spy.mockRestore();
    await counts.writeDown();
    for (const { connectionId } of worlds) {
      const hours = await rollcall.database.read.findBy(RemovalHourEntity, { connectionId });
      expect(hours.map(({ deactivated }) => deactivated)).toEqual([1]);
    }
  });
});
