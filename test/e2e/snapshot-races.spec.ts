import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { formatTime, HOUR } from '../../src/platform/clock.js';
import { newId } from '../../src/platform/ids.js';
import { insertRows } from '../../src/platform/sql.js';
import { MissingPeople } from '../../src/provisioning/missing-people.js';
import { ProvisioningService } from '../../src/provisioning/provisioning.service.js';
import { RunJournal } from '../../src/records/sync-runs/run-journal.js';
import { RunEntity, RunEntryEntity } from '../../src/records/sync-runs/run.entity.js';
import { SEEN_COLUMNS, seenRows } from '../../src/records/sync-runs/seen-names.js';
import { IdentityEntity } from '../../src/records/users/identity.entity.js';
import { sendStream, toLines } from '../support/send-stream.js';
import { people, person, SnapshotWorld } from '../support/snapshot-world.js';
import { startApp, type TestApp } from '../support/start-app.js';

let rollcall: TestApp;
let world: SnapshotWorld;
let provisioning: ProvisioningService;
beforeAll(async () => {
  rollcall = await startApp();
  provisioning = rollcall.app.get(ProvisioningService);
});
afterAll(() => rollcall.stop());
beforeEach(async () => {
  world = await SnapshotWorld.build(rollcall);
  await world.send(people(40));
});
afterEach(() => void jest.restoreAllMocks());

/** Whoever comes waits: `reached` settles when somebody does, and `open` lets them go. */
function gate() {
  const { promise: reached, resolve: reach } = Promise.withResolvers<void>();
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  const wait = (): Promise<void> => {
    reach();
    return opened;
  };
  return { reached, open, wait };
}

/** Holds the next push when it has looked at what is stored, and has written nothing. */
function holdPush(isAtomic: boolean) {
  const held = gate();
  const chunk = provisioning.submitChunk.bind(provisioning);
  const whole = provisioning.submitWhole.bind(provisioning);
  if (isAtomic) {
    jest
      .spyOn(provisioning, 'submitWhole')
      .mockImplementationOnce((...given) => held.wait().then(() => whole(...given)));
  } else {
    jest
      .spyOn(provisioning, 'submitChunk')
      .mockImplementationOnce((...given) => held.wait().then(() => chunk(...given)));
  }
  return held;
}

/** Something happens when a snapshot has found who is missing, has looked who was named since, and has written nothing. */
function beforeRemoval(happens: () => Promise<unknown>): void {
  const whole = provisioning.submitWhole.bind(provisioning);
  jest
    .spyOn(provisioning, 'submitWhole')
    .mockImplementationOnce(whole)
    .mockImplementationOnce((...given) => happens().then(() => whole(...given)));
}

describe('somebody whom a push names while a snapshot without them comes to its end', () => {
  const pushes: [string, (users: object[]) => Promise<{ body: object }>][] = [
    ['a JSON body', (users) => world.key.post('/users/sync', users)],
    ['an atomic one', (users) => world.key.post('/users/sync', { users, atomic: true })],
    ['a stream', (users) => sendStream(world.key, toLines(users))],
  ];
  it.each(pushes)(
    'is active, though %s had looked before, and notes it after they were switched off',
    async (form, send) => {
      const held = holdPush(form === 'an atomic one');
      const push = send([person(0, { displayName: 'New' }), person(39)]);
      await held.reached;
      expect((await world.send(people(39))).body.counts).toMatchObject({ deactivated: 1 });
      expect(await world.inactive()).toEqual(['s-39']);
      held.open();
      expect((await push).body).toMatchObject({ counts: { updated: 1, unchanged: 1 } });
      expect(await world.inactive()).toEqual([]);
    },
  );

  it('is active, though a stream that says nothing new notes it at its very end', async () => {
    const held = gate();
    const { close } = RunJournal.prototype;
    jest.spyOn(RunJournal.prototype, 'close').mockImplementationOnce(async function (this: RunJournal) {
      await held.wait();
      return close.call(this);
    });
    const at = formatTime(Date.now() * 1000);
    const push = sendStream(world.key, toLines([person(39)]));
    await held.reached;
    await world.send(people(39), `&statedAt=${at}`);
    held.open();
    expect((await push).body.counts).toMatchObject({ unchanged: 1 });
    expect(await world.inactive()).toEqual([]);
  });

  it('is never switched off, though the push began before the snapshot and commits its note when that has looked', async () => {
    const statedAt = Date.now() * 1000;
    const { tenantId, connectionId } = world;
    const naming = { part: 1, at: statedAt + 1, externalIds: ['s-39'], unreadable: null };
    const rows = seenRows({ id: newId(), tenantId, connectionId }, naming);
    const missing = rollcall.app.get(MissingPeople);
    const keep = missing.keep.bind(missing);
    jest.spyOn(missing, 'keep').mockImplementationOnce(async (run, entries) => {
      await rollcall.database.transaction((tx) => insertRows(tx, 'run_seen', SEEN_COLUMNS, rows));
      return keep(run, entries);
    });
    await world.send(people(39), `&statedAt=${formatTime(statedAt)}`);
    expect(await world.inactive()).toEqual([]);
  });

  it('is not switched off at the end of their grace, though the refused record comes when it was looked who was named', async () => {
    world = await SnapshotWorld.build(rollcall, 48);
    await world.send(people(40));
    const { run } = (await world.send(people(39))).body;
    expect(await world.leaving()).toEqual(['s-39']);
    const whole = provisioning.submitWhole.bind(provisioning);
    const refused = { users: [{ externalId: 's-39', roles: ['nothing-like-it'] }] };
    jest
      .spyOn(provisioning, 'submitWhole')
      .mockImplementationOnce((...given) => world.key.post('/users/sync', refused).then(() => whole(...given)));
    const now = Date.now() * 1000;
    await rollcall.database.transaction(async (tx) => {
      await tx.update(RunEntity, { id: run }, { aliveAt: now - HOUR / 2 });
      await tx.update(IdentityEntity, { connectionId: world.connectionId, externalId: 's-39' }, { leavingAt: now });
      await tx.update(RunEntryEntity, { runId: run }, { dueAt: now });
    });
    const states = async () =>
      (await rollcall.database.read.findBy(RunEntryEntity, { runId: run })).map((e) => e.state);
    while (!/applied|skipped/.test((await states()).join())) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await world.inactive()).toEqual([]);
  });

  it.each([
    ['older than what is known', { users: [person(39, { statedAt: formatTime(Date.now() * 1000 - HOUR) })] }],
    ['without a word but the name', { users: [{ externalId: 's-39' }] }],
    ['refused', { users: [{ externalId: 's-39', roles: ['nothing-like-it'] }] }],
  ])('is never switched off, though the record is %s and comes at the last moment', async (_, body) => {
    beforeRemoval(() => world.key.post('/users/sync', body));
    const { run } = (await world.send(people(39))).body;
    expect([await world.inactive(), await world.eventsOf(run)]).toEqual([[], []]);
  });
});
