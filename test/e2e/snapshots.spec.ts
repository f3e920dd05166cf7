import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Clock, formatTime, HOUR, MINUTE } from '../../src/platform/clock.js';
import { newId } from '../../src/platform/ids.js';
import { Problem } from '../../src/platform/problem.js';
import { ProvisioningService } from '../../src/provisioning/provisioning.service.js';
import { SentStream, sendStream, toLines } from '../support/send-stream.js';
import { people, person, SnapshotWorld } from '../support/snapshot-world.js';
import { startApp, type TestApp } from '../support/start-app.js';

const ago = (micros: number) => formatTime(Date.now() * 1000 - micros);

describe('a snapshot', () => {
  let rollcall: TestApp;
  let world: SnapshotWorld;
  beforeAll(async () => {
    rollcall = await startApp();
  });
  afterAll(() => rollcall.stop());
  beforeEach(async () => {
    world = await SnapshotWorld.build(rollcall);
  });

  it('switches off who is not in it, and tells that of its run', async () => {
    await world.send(people(40));
    const { body } = await world.send(people(38));
    expect(body.counts).toMatchObject({ unchanged: 38, deactivated: 2, held: 0 });
    expect(await world.inactive()).toEqual(['s-38', 's-39']);
    const run = await world.key.get(`/sync-runs/${body.run}`);
    expect(run.body).toMatchObject({ mode: 'snapshot', scope: '', status: 'finished', error: null });
    expect(await world.eventsOf(body.run)).toEqual(['user.deactivated sync', 'user.deactivated sync']);
  });

  it('of one JSON body does the same', async () => {
    await world.key.post('/users/sync', people(40));
    const sent = { users: people(39), mode: 'snapshot' };
    const { body } = await world.key.post<{ counts: object; run: string }>('/users/sync', sent);
    expect(body.counts).toMatchObject({ unchanged: 39, deactivated: 1 });
    expect(await world.inactive()).toEqual(['s-39']);
    expect((await world.key.get(`/sync-runs/${body.run}`)).body).toMatchObject({
      mode: 'snapshot',
      status: 'finished',
    });
  });

  it('means by an absent field what any push means: what it does not speak of stays', async () => {
    await world.send(people(3, { displayName: 'Ada', roles: ['viewer', 'editor'] }));
    const bare = people(3).map(({ externalId }) => ({ externalId }));
    expect((await world.send(bare)).body.counts).toMatchObject({ unchanged: 3, deactivated: 0, held: 0 });
    const { body } = await world.key.get<{ items: { displayName: string; roles: object[] }[] }>(
      '/users?q=s-1%40x.example',
    );
    expect(body.items.map(({ displayName, roles }) => [displayName, roles.length])).toEqual([['Ada', 2]]);
  });

  it('takes back who comes again, whatever their record says of `active`', async () => {
    await world.send(people(40));
    await world.send(people(39));
    expect((await world.send(people(40))).body.counts).toMatchObject({ unchanged: 39, updated: 1 });
    expect(await world.inactive()).toEqual([]);
  });

  it('takes back who comes again, though their records have an older time of their own', async () => {
    const dated = people(40, { statedAt: ago(HOUR) });
    await world.send(dated);
    await world.send(dated.slice(1));
    expect(await world.inactive()).toEqual(['s-0']);
    expect((await world.send(dated)).body.counts).toMatchObject({ updated: 1 });
    expect(await world.inactive()).toEqual([]);
  });

  it('names whoever stands on a line, though the line is refused', async () => {
    await world.send(people(40));
    const wrong = [
      { externalId: 's-38', roles: ['nothing-like-it'] },
      { usercode: 's-39', userName: 5 },
    ];
    expect((await world.send([...people(38), ...wrong])).body.counts).toMatchObject({ failed: 2, deactivated: 0 });
    expect(await world.inactive()).toEqual([]);
  });

  it.each([
    ['is no JSON', '{"externalId":"s-39"'],
    ['names nobody', '{"userName":"s-39@x.example"}'],
    ['names somebody who cannot be', '{"externalId":" s-39"}'],
    ['is too long', `{"externalId":"s-39","displayName":"${'x'.repeat(70_000)}"}`],
    ['is no UTF-8', Buffer.from('{"externalId":"s-39\xfc"}', 'latin1')],
  ])('of which a line %s takes nobody for missing, and says so', async (_, line) => {
    await world.send(people(40));
    const bytes = Buffer.concat([Buffer.from(toLines(people(38))), Buffer.from(line), Buffer.from('\n')]);
    const { body } = await sendStream(world.key, bytes, '?mode=snapshot');
    expect([body.counts.failed, body.counts.deactivated, await world.inactive()]).toEqual([1, 0, []]);
    const run = await world.key.get(`/sync-runs/${body.run}`);
    expect(run.body).toMatchObject({ status: 'finished', error: expect.stringContaining('record 39 ') });
  });

  it('that breaks off takes nobody for missing', async () => {
    await world.send(people(600));
    const stream = new SentStream(world.key, '?mode=snapshot');
    await stream.write(toLines(people(598)));
    await world.untilRun('running');
    stream.cut();
    await expect(stream.answer).rejects.toThrow();
    await world.untilRun('broken');
    expect(await world.inactive()).toEqual([]);
  });

  it.each(['a stream', 'a JSON body'])(
    'takes nobody for missing whose first try broke under a clock that was ahead (%s)',
    async (form) => {
      const lines = people(600);
      const headers = { 'idempotency-key': newId() };
      const send = () =>
        form === 'a stream'
          ? sendStream(world.key, toLines(lines), '?mode=snapshot', headers)
          : world.key.post<{ counts: object; error: string }>(
              '/users/sync',
              { users: lines, mode: 'snapshot' },
              headers,
            );
      const provisioning = rollcall.app.get(ProvisioningService);
      const write = provisioning.submitChunk.bind(provisioning);
      const clock = rollcall.app.get(Clock);
      const ahead = jest.spyOn(clock, 'now').mockImplementation(() => (Date.now() + 3_600_000) * 1000);
      const fails = jest
        .spyOn(provisioning, 'submitChunk')
        .mockImplementationOnce(write)
        .mockRejectedValue(new Problem('internal'));
      expect((await send()).status).toBe(500);
      ahead.mockRestore();
      fails.mockRestore();
      await world.key.post('/users/sync', [person('new')]);
      const { body } = await send();
      expect(body).toMatchObject({ counts: { deactivated: 0 }, error: expect.stringMatching(/the clock was set/) });
      expect(await world.inactive()).toEqual([]);
    },
  );

  describe('of a scope', () => {
    it('says nothing of the people of another, nor of those whom none has stated', async () => {
      await world.send(people(20), '&scope=hr');
      await world.send(
        people(20).map(({ externalId }) => ({ externalId: `it-${externalId}` })),
        '&scope=it',
      );
      await world.key.post('/users/sync', person('upserted'));
      await world.send(people(19), '&scope=hr');
      await world.send([], '&scope=other');
      expect(await world.inactive()).toEqual(['s-19']);
    });

    it('has whom it stated last, though it says nothing new', async () => {
      await world.send(people(20), '&scope=hr');
      await world.key.post('/users/sync', { users: [person(19)], scope: 'it' });
      await world.send(people(19), '&scope=hr');
      expect(await world.inactive()).toEqual([]);
      const { body } = await world.key.get<{ items: { identities: { scope: string }[] }[] }>('/users?limit=200');
      expect(new Set(body.items.map((user) => user.identities[0]?.scope))).toEqual(new Set(['hr', 'it']));
    });

    it('says nothing of who is known by login or SCIM alone', async () => {
      await world.send(people(20));
      const scim = await rollcall.clientWith(world.tenantId, ['scim:read', 'scim:write'], world.connectionId);
      const user = { schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName: 'own', externalId: 'own' };
      expect((await scim.post('/scim/v2/Users', user)).status).toBe(201);
      await world.send(people(20));
      expect(await world.inactive()).toEqual([]);
    });
  });

  describe('that says when it was true', () => {
    it.each(['a JSON body', 'a stream'])(
      'spares whom a push has named since, though that said nothing new (%s)',
      async (form) => {
        await world.send(people(40));
        await world.key.post('/users/sync', [person(39)]);
        const at = ago(0);
        if (form === 'a stream') await sendStream(world.key, toLines([person(38)]));
        else await world.key.post('/users/sync', [person(38)]);
        const { body } = await world.send(people(38), `&statedAt=${encodeURIComponent(at)}`);
        expect([body.counts.deactivated, await world.inactive()]).toEqual([1, ['s-39']]);
      },
    );

    it('spares whom a push has made since', async () => {
      await world.send(people(40));
      const at = ago(0);
      await world.key.post('/users/sync', [person('new')]);
      await world.send(people(39), `&statedAt=${encodeURIComponent(at)}`);
      expect(await world.inactive()).toEqual(['s-39']);
    });

    it('spares whom another job has named since in words that were refused', async () => {
      await world.send(people(40));
      const at = ago(0);
      await world.key.post('/users/sync', [{ externalId: 's-39', roles: ['nothing-like-it'] }]);
      await world.send(people(39), `&statedAt=${encodeURIComponent(at)}`);
      expect(await world.inactive()).toEqual([]);
    });

    it('takes no one for missing whose record came late, but was true before', async () => {
      await world.send(people(40), `&statedAt=${ago(HOUR)}`);
      await world.send(people(39), `&statedAt=${ago(MINUTE)}`);
      expect(await world.inactive()).toEqual(['s-39']);
      await world.key.post('/users/sync', { users: [person(39, { displayName: 'Late' })], statedAt: ago(2 * MINUTE) });
      expect(await world.inactive()).toEqual(['s-39']);
    });

    it('by a clock that is ahead, spares whom a push has made while it came', async () => {
      await world.send(people(40));
      const stream = new SentStream(world.key, `?mode=snapshot&statedAt=${ago(-50_000_000)}`);
      await stream.write(toLines(people(39)));
      await world.untilRun('running');
      await world.key.post('/users/sync', [person('new')]);
      expect((await stream.end()).status).toBe(200);
      expect(await world.inactive()).toEqual(['s-39']);
    });

    it.each([
      ['ahead', () => ago(-2 * MINUTE), /ahead/],
      ['longer ago than anybody remembers', () => ago(7 * 24 * HOUR + MINUTE), /seven days/],
    ])('is refused if that is %s', async (_, at, why) => {
      const { status, body } = await world.send(people(1), `&statedAt=${encodeURIComponent(at())}`);
      const { faults } = body as unknown as { faults: { pointer: string; detail: string }[] };
      expect([status, faults]).toEqual([400, [{ pointer: '?statedAt', detail: expect.stringMatching(why) }]]);
    });
  });

  it('of a scope of which another is under way is refused; of another scope not', async () => {
    await world.send(people(20));
    const first = new SentStream(world.key, '?mode=snapshot');
    await first.write(toLines(people(20)).repeat(40));
    await world.untilRun('running');
    expect((await world.send(people(20))).body).toMatchObject({ status: 409, code: 'conflict' });
    const json = await world.key.post('/users/sync', { users: people(20), mode: 'snapshot' });
    expect([json.status, (await world.send([], '&scope=other')).status]).toEqual([409, 200]);
    expect((await first.end()).status).toBe(200);
    expect((await world.send(people(20))).status).toBe(200);
  });
});
