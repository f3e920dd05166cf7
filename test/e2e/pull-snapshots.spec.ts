import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { SourceFailure } from '../../src/flows/sync/sources/source-reader.js';
import { PullRuns } from '../../src/flows/sync/pull-runs.js';
import { IdentityEntity } from '../../src/records/users/identity.entity.js';
import { PullWorld, toPeople } from '../support/pull-world.js';

describe('a pull of everything', () => {
  let world: PullWorld;
  beforeAll(async () => {
    world = await PullWorld.build();
  }, 60_000);
  afterAll(() => world.stop());
  beforeEach(async () => {
    await world.renew();
    await world.seed();
    expect((await pull(false)).counts).toMatchObject({ created: 250 });
  });
  afterEach(() => world.settle());

  const pull = async (full: boolean) => world.ended(await world.start({ full }));
  const inactive = async () => {
    const { connectionId } = world;
    const rows = await world.rollcall.database.read.findBy(IdentityEntity, { connectionId, active: false });
    return rows.map(({ externalId }) => externalId).sort();
  };

  it('switches those off who are gone from the source, which a pull of changes does not', async () => {
    world.source.people = toPeople(248);
    expect(await pull(false)).toMatchObject({ status: 'finished', counts: { unchanged: 248 } });
    expect(await inactive()).toEqual([]);
    expect(await pull(true)).toMatchObject({ status: 'finished', counts: { unchanged: 248, deactivated: 2 } });
    expect(await inactive()).toEqual(['p-248', 'p-249']);
  });

  it('leaves those alone whom a push of another scope has stated', async () => {
    await world.http.post('/users/sync', { users: [{ externalId: 'own' }], connection: world.connectionId });
    await world.http.post('/users/sync', { users: [{ externalId: 'p-3' }], connection: world.connectionId });
    world.source.people = toPeople(250).filter(({ externalId }) => externalId !== 'p-3');
    expect(await pull(true)).toMatchObject({ status: 'finished', counts: { unchanged: 249 } });
    expect(await inactive()).toEqual([]);
  });

  it('is held where a quarter of the people are gone; the next, in which they are back, puts itself in its place', async () => {
    world.source.people = toPeople(180);
    const held = await pull(true);
    expect(held).toMatchObject({ status: 'held', counts: { unchanged: 180 } });
    await world.until(async () => (await world.stored()).state === 'reading 2');
    world.source.people = toPeople(250);
    expect(await pull(true)).toMatchObject({ status: 'finished', counts: { unchanged: 250 } });
    expect(await inactive()).toEqual([]);
    expect(await world.http.get(`/sync-runs/${held.id}`)).toMatchObject({ body: { status: 'superseded' } });
  });

  it('that is a dry run tells of each what would become of them, who is missing, and that it would be held; and writes nothing', async () => {
    world.source.people = [...toPeople(180), { externalId: 'new' }];
    const dryRun = async (more: object) => {
      const path = `/connections/${world.connectionId}/sync`;
      const { status, headers, body } = await world.http.post<string>(path, { dryRun: true, ...more });
      expect([status, headers.get('content-type')]).toEqual([200, 'application/x-ndjson']);
      return body
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    };
    const lines = await dryRun({ full: true });
    expect(lines).toHaveLength(181 + 70 + 1);
    expect(lines[180]).toMatchObject({ record: 181, externalId: 'new', result: 'created' });
    expect(lines[181]).toMatchObject({ missing: true, externalId: expect.any(String) });
    expect(lines.at(-1)).toMatchObject({
      counts: { created: 1, unchanged: 180 },
      removals: { missing: 70, held: true },
    });
    expect((await dryRun({})).at(-1)).toMatchObject({ counts: { created: 1, unchanged: 180 } });
    world.source.last = { incomplete: 'It changed.' };
    expect((await dryRun({ full: true })).at(-1)).toMatchObject({
      removals: { missing: 0, error: expect.any(String) },
    });
    world.source.before = () => {
      throw new SourceFailure('unreachable', 'It answered with status 500.');
    };
    expect(await dryRun({})).toEqual([{ problem: { code: 'source_failed', detail: 'It answered with status 500.' } }]);
    expect([await world.identities(), (await world.runs()).length]).toEqual([250, 1]);
    expect(await world.stored()).toMatchObject({ failures: 0, state: 'reading 1' });
  });

  it('that names nobody at all is held', async () => {
    world.source.people = [];
    expect(await pull(true)).toMatchObject({ status: 'held' });
    expect(await inactive()).toEqual([]);
  });

  it('takes nobody for missing where the source did not name everybody, or named one that cannot be read', async () => {
    world.source.people = toPeople(249);
    world.source.last = { incomplete: 'Its list changed while it was read.' };
    expect(await pull(true)).toMatchObject({
      status: 'finished',
      error: expect.stringContaining('Its list changed while it was read.'),
    });
    world.source.last = {};
    world.source.people = [...toPeople(249), { userName: 'nobody knows who' }];
    expect(await pull(true)).toMatchObject({ status: 'finished', error: expect.any(String), counts: { failed: 1 } });
    expect(await inactive()).toEqual([]);
  });

  it('that broke off takes nobody for missing, and is tried again as a whole', async () => {
    world.source.people = toPeople(249);
    world.source.before = (from) => {
      if (from === 200) throw new SourceFailure('invalid', 'It answered with a web page.');
    };
    expect(await pull(true)).toMatchObject({ status: 'broken', error: 'It answered with a web page.' });
    expect(await inactive()).toEqual([]);
    world.source.before = () => undefined;
    const { nextFullAt } = await world.stored();
    expect((nextFullAt ?? 0) - world.now()).toBeGreaterThan(0);
    await world.set({ nextFullAt: world.now() - 1 });
    await world.lookRound();
    await world.until(async () => (await world.runs())[0]?.status === 'finished');
    expect(await world.runs()).toMatchObject([{ mode: 'snapshot', cause: 'schedule' }, {}, {}]);
    expect(await inactive()).toEqual(['p-249']);
  });

  it('that another instance carries on knows whom the first one has read', async () => {
    const gate = Promise.withResolvers<void>();
    world.source.people = [...toPeople(250).slice(2), ...toPeople(1500).slice(250)];
    world.source.before = (from) => (from === 1000 ? gate.promise : undefined);
    const run = await world.start({ full: true });
    await world.lookRound();
    await world.until(async () => (await world.identities()) === 1002);
    const carried = world.rollcall.app.get(PullRuns).carryOut(run, new AbortController().signal);
    await world.until(async () => world.source.readings.length === 3);
    gate.resolve();
    await carried;
    expect(await world.ended(run)).toMatchObject({
      error: null,
      status: 'finished',
      counts: { created: 1250, deactivated: 2 },
    });
    expect(await inactive()).toEqual(['p-0', 'p-1']);
    expect(world.source.readings.map(({ place }) => place.page)).toEqual([null, null, 1000]);
  });
});
