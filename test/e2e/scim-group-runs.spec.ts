import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { GroupRunsService } from '../../src/flows/scim/group-runs.service.js';
import { SYSTEM } from '../../src/ledger/ledger.service.js';
import { Clock } from '../../src/platform/clock.js';
import { ConnectionEntity } from '../../src/records/connections/connection.entity.js';
import { startGroupRun } from '../../src/records/groups/start-group-run.js';
import { RunEntity } from '../../src/records/sync-runs/run.entity.js';
import { openConnection, openTenant } from '../support/open-and-close.js';
import { makeGroupWorld, seedScimPeople } from '../support/scim-groups-world.js';
import type { ScimWorld } from '../support/scim-world.js';
import { startApp, type TestApp } from '../support/start-app.js';

let rollcall: TestApp;
beforeAll(async () => {
  rollcall = await startApp();
});
afterAll(() => rollcall.stop());

/** As many runs over the same person of a directory, as if a large group had been renamed so often. */
async function orderRuns({ tenantId, connectionId }: ScimWorld, count: number, identityIds: string[]): Promise<void> {
  const order = { tenantId, connectionId, mappingVersion: 1, actor: SYSTEM, now: rollcall.app.get(Clock).now() };
  await rollcall.database.transaction(async (tx) => {
    for (let n = 0; n < count; n++) await startGroupRun(tx, order, { identityIds });
  });
}

async function countRuns({ connectionId }: ScimWorld): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { status } of await rollcall.database.read.findBy(RunEntity, { connectionId, kind: 'groups' })) {
    counts[status] = (counts[status] ?? 0) + 1;
  }
  return counts;
}

const workThrough = () => rollcall.app.get(GroupRunsService).workThrough();

describe('runs over groups that cannot go on', () => {
  it.each([
    ['a connection that is switched off', openConnection, 101],
    ['a tenant that is suspended', openTenant, 1],
  ])('of %s wait until it is open again, and keep nobody else waiting', async (_, set, count) => {
    const closed = await makeGroupWorld(rollcall);
    const open = await makeGroupWorld(rollcall);
    const people = await seedScimPeople(rollcall, closed, 1);
    await set(rollcall, closed, false);
    await orderRuns(closed, count, people);
    await orderRuns(open, 1, await seedScimPeople(rollcall, open, 1));
    await workThrough();
    expect([await countRuns(closed), await countRuns(open)]).toEqual([{ running: count }, { finished: 1 }]);
    await set(rollcall, closed, true);
    while ((await countRuns(closed)).running) await workThrough();
    expect(await countRuns(closed)).toEqual({ finished: count });
  });

  it('of a connection that is gone end', async () => {
    const gone = await makeGroupWorld(rollcall);
    await orderRuns(gone, 1, []);
    await rollcall.database.transaction((tx) => tx.delete(ConnectionEntity, { id: gone.connectionId }));
    await workThrough();
    expect(await countRuns(gone)).toEqual({ finished: 1 });
  });
});
