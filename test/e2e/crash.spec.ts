import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { numberEvents } from '../../src/ledger/number-events.js';
import { verifyLedger } from '../../src/ledger/verify-ledger.js';
import { etag } from '../support/connection-words.js';
import { countOrphans, directoryOf } from '../support/directory-of.js';
import type { HttpClient } from '../support/http-client.js';
import { ProcessWorld } from '../support/process-world.js';

const PEOPLE = 10_000;
const KILLS = 3;

describe('a service that is killed with -9', () => {
  let world: ProcessWorld;
  beforeAll(async () => {
    world = await ProcessWorld.build();
  }, 60_000);
  afterAll(() => world.stop(), 60_000);

  const users = Array.from({ length: PEOPLE }, (_, n) => ({
    externalId: `k-${n}`,
    userName: `k-${n}@x.example`,
    groups: [n % 2 === 0 ? 'engineering' : 'sales'],
    roles: ['viewer'],
  }));
  const expected = (rolesOf: (n: number) => string) =>
    users.map(({ externalId, userName }, n) => `${externalId} ${userName} 1 ${rolesOf(n)}`).sort();
  const push = (http: HttpClient) =>
    http.post<{ counts: Record<string, number>; results: { userId: string }[] }>(
      '/users/sync',
      { users, connection: world.connection },
      { 'idempotency-key': 'the-nightly-job' },
    );

  async function expectSoundLedger(): Promise<void> {
    for (;;) {
      const { events, skipped } = await numberEvents(world.database, 2000);
      if (events === 0 && !skipped) break;
    }
    expect((await verifyLedger(world.database)).faults).toEqual([]);
  }

  it('in the middle of a push: sent again under its key, everybody is there once, and the ledger tells of it', async () => {
    for (let kill = 1; kill <= KILLS; kill++) {
      const { service, http } = await world.start();
      const before = await world.count('identities');
      const lost = push(http).then(
        (answer) => answer.status,
        () => 'cut off',
      );
      await world.untilCount(before + 1 + Math.floor(Math.random() * 2000), 'identities');
      service.kill('SIGKILL');
      expect([await service.ended, await lost]).toEqual([null, 'cut off']);
      await world.expireHolds();
    }
    expect(await world.count('identities')).toBeLessThan(PEOPLE);
    const { service, http } = await world.start();
    const answer = await push(http);
    expect([answer.status, answer.body.counts]).toEqual([200, expect.objectContaining({ created: PEOPLE, failed: 0 })]);
    expect(await push(http)).toMatchObject({ status: 200, body: answer.body });
    service.kill('SIGTERM');
    expect(await service.ended).toBe(0);

    expect(await directoryOf(world.database.read, world.connection)).toEqual(
      expected((n) => (n % 2 === 0 ? 'editor eng, viewer direct' : 'viewer direct')),
    );
    expect(await world.count('users WHERE tenantId = ?', world.tenantId)).toBe(PEOPLE);
    expect(await world.count("events WHERE tenantId = ? AND type = 'user.created'", world.tenantId)).toBe(PEOPLE);
    expect(new Set(answer.body.results.map(({ userId }) => userId)).size).toBe(PEOPLE);
    expect(await countOrphans(world.database.read)).toBe(0);
    await expectSoundLedger();
  }, 90_000);

  it('in the middle of a re-plan: whoever starts next carries it to its end, and counts everybody once', async () => {
    const first = await world.start();
    expect((await push(first.http)).status).toBe(200);
    const mapping = { roles: [{ id: 'sal', when: "'sales' in claims.groups", grant: ['editor'] }] };
    const saved = await first.http.patch<{ replan: string }>(`/connections/${world.connection}`, { mapping }, etag(1));
    expect(saved.status).toBe(200);
    await world.untilCount(500, 'identities WHERE mappingVersion = 2');
    first.service.kill('SIGKILL');
    expect(await first.service.ended).toBe(null);
    expect(await world.count('identities WHERE mappingVersion = 1')).toBeGreaterThan(0);
    await world.expireHolds();
    const { service, http } = await world.start();
    await world.untilCount(1, "runs WHERE kind = 'replan' AND status = 'finished'");
    expect((await http.get(`/sync-runs/${saved.body.replan}`)).body).toMatchObject({
      status: 'finished',
      counts: { changed: PEOPLE, unchanged: 0, failed: 0 },
    });
    service.kill('SIGTERM');
    expect(await service.ended).toBe(0);
    expect(await directoryOf(world.database.read, world.connection)).toEqual(
      expected((n) => (n % 2 === 0 ? 'viewer direct' : 'editor sal, viewer direct')),
    );
    expect(await world.count('identities WHERE mappingVersion = 2')).toBe(PEOPLE);
    await expectSoundLedger();
  }, 90_000);
});

describe('a service that is told to end with a push under way', () => {
  let world: ProcessWorld;
  beforeAll(async () => {
    world = await ProcessWorld.build();
  }, 60_000);
  afterAll(() => world.stop(), 60_000);

  it('finishes the push, answers it, and ends with 0 though the caller keeps its connection open', async () => {
    const { service, http } = await world.start();
    expect((await http.get(`/connections/${world.connection}`)).status).toBe(200);
    const users = Array.from({ length: PEOPLE }, (_, n) => ({ externalId: `g-${n}`, roles: ['viewer'] }));
    const answering = http.post<{ counts: object }>('/users/sync', { users, connection: world.connection });
    await world.untilCount(1, 'identities');
    service.kill('SIGTERM');
    const answer = await answering;
    const answeredAt = Date.now();
    expect([answer.status, answer.headers.get('connection')]).toEqual([200, 'close']);
    expect(answer.body.counts).toMatchObject({ created: PEOPLE, failed: 0 });
    expect(await service.ended).toBe(0);
    expect(Date.now() - answeredAt).toBeLessThan(5000);
    expect(await world.count('identities')).toBe(PEOPLE);
  }, 60_000);
});
