import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { newId } from '../../src/platform/ids.js';
import { ProvisioningService } from '../../src/provisioning/provisioning.service.js';
import { RemovalsService } from '../../src/provisioning/removals.service.js';
import { RunEntity, RunEntryEntity } from '../../src/records/sync-runs/run.entity.js';
import { addEntries } from '../../src/records/sync-runs/run-entries.js';
import { newRun } from '../../src/records/sync-runs/run-rows.js';
import { IdentityEntity } from '../../src/records/users/identity.entity.js';
import { openConnection, openTenant } from '../support/open-and-close.js';
import { people, RemovalsWorld } from '../support/removals-world.js';
import { startApp, type TestApp } from '../support/start-app.js';

let rollcall: TestApp;
beforeAll(async () => {
  rollcall = await startApp();
});
afterAll(() => rollcall.stop());

/** As many runs that were agreed to, each with one entry of the same person. */
async function orderRemovals({ tenantId, connectionId }: RemovalsWorld, count: number): Promise<void> {
  const { read } = rollcall.database;
  const identity = await read.findOneByOrFail(IdentityEntity, { connectionId, externalId: 'p-0' });
  const what = { mode: 'upsert', kind: 'push', cause: 'request', mappingVersion: 1 } as const;
  const by = { tenantId, connectionId, actorType: 'api-key', actorId: 'k' };
  const whose = { userId: identity.userId, identityId: identity.id, externalId: 'p-0' };
  const entry = { ...whose, change: 'statement', record: 1, at: 1, revision: 1, statement: null } as const;
  await rollcall.database.transaction(async (tx) => {
    for (let n = 0; n < count; n++) {
      const run = newRun({ ...what, ...by, id: newId() }, 1, { phase: 'removing' });
      await tx.insert(RunEntity, run);
      await addEntries(tx, run, [{ ...entry, deactivates: true, loses: [] }]);
    }
    await tx.update(RunEntryEntity, { connectionId }, { state: 'due' });
  });
}

describe('removals that were agreed to', () => {
  it.each([
    ['closed connections', openConnection, 150],
    ['suspended tenants', openTenant, 3],
  ])(
    'of %s wait untried until these are open, and keep nobody else waiting',
    async (_, set, count) => {
      const closed = await RemovalsWorld.build(rollcall);
      await closed.push(people(2));
      await set(rollcall, closed, false);
      await orderRemovals(closed, count);
      const submit = jest.spyOn(rollcall.app.get(ProvisioningService), 'submitWhole');
      const tried = () => submit.mock.calls.some(([some]) => some.some(({ tenantId }) => tenantId === closed.tenantId));

      const open = await RemovalsWorld.build(rollcall);
      await open.push(people(20));
      const { run } = (await open.push(people(5, { active: false }))).body;
      await open.decide(run, 'approve');
      expect(await open.ended(run)).toMatchObject({ status: 'finished', counts: { deactivated: 5 } });
      await rollcall.app.get(RemovalsService).workThrough();
      const waiting = { connectionId: closed.connectionId, state: 'due' } as const;
      expect([await rollcall.database.read.countBy(RunEntryEntity, waiting), tried()]).toEqual([count, false]);

      await set(rollcall, closed, true);
      while ((await rollcall.database.read.countBy(RunEntryEntity, waiting)) > 0)
        await rollcall.app.get(RemovalsService).workThrough();
      expect(tried()).toBe(true);
      submit.mockRestore();
      // Hundreds of runs, on a machine that may be slow.
    },
    120_000,
  );
});
