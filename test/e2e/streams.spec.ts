import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { EventEntity } from '../../src/ledger/event.entity.js';
import { IdentityEntity } from '../../src/records/users/identity.entity.js';
import { UserEntity } from '../../src/records/users/user.entity.js';
import { RunEntity } from '../../src/records/sync-runs/run.entity.js';
import { directoryOf } from '../support/directory-of.js';
import type { HttpClient } from '../support/http-client.js';
import { seedCustomer, seedFullConnection } from '../support/seed-customer.js';
import { SentStream, sendStream, toLines } from '../support/send-stream.js';
import { startApp, type TestApp } from '../support/start-app.js';

describe('a stream of NDJSON on POST /users/sync', () => {
  let rollcall: TestApp;
  let tenantId: string;
  let connectionId: string;
  let key: HttpClient;

  beforeAll(async () => {
    rollcall = await startApp();
  });
  afterAll(() => rollcall.stop());
  beforeEach(async () => {
    tenantId = await seedCustomer(rollcall);
    connectionId = await seedFullConnection(rollcall, tenantId);
    key = await rollcall.clientWith(tenantId, ['users:sync', 'sync-runs:read'], connectionId);
  });

  const person = (n: number | string, more: object = {}) => ({
    externalId: `s-${n}`,
    userName: `s-${n}@x.example`,
    roles: ['viewer'],
    ...more,
  });
  const people = (count: number, more: object = {}) => Array.from({ length: count }, (_, n) => person(n, more));
  const directory = () => directoryOf(rollcall.database.read, connectionId);
  const identities = () => rollcall.database.read.countBy(IdentityEntity, { connectionId });
  const expected = (count: number) =>
    people(count).map((each) => `${each.externalId} ${each.userName} 1 viewer direct`);
  async function until(holds: () => Promise<boolean>): Promise<void> {
    while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  it('creates, leaves unchanged, updates and deactivates, and tells it as the summary of a run', async () => {
    const first = await sendStream(key, toLines(people(1203)));
    expect([first.status, first.body]).toEqual([
      200,
      {
        run: expect.any(String),
        status: 'finished',
        counts: { created: 1203, updated: 0, unchanged: 0, deactivated: 0, stale: 0, held: 0, failed: 0 },
        upTo: 1203,
        failures: [],
      },
    ]);
    expect(await directory()).toEqual(expected(1203).sort());
    const run = await key.get(`/sync-runs/${first.body.run}`);
    expect(run.body).toMatchObject({
      kind: 'push',
      cause: 'request',
      mode: 'upsert',
      status: 'finished',
      phase: 'ended',
      upTo: 1203,
      counts: { created: 1203 },
      recordsPerSecond: expect.any(Number),
      error: null,
    });
    const second = [...people(1201), person(1201, { roles: [] }), person(1202, { active: false })];
    const again = await sendStream(key, toLines(second));
    expect(again.body.counts).toMatchObject({ unchanged: 1201, updated: 1, deactivated: 1, created: 0 });
    expect(await rollcall.database.read.countBy(EventEntity, { tenantId, runId: first.body.run })).toBe(1203);
  });

  it('takes a record that was pushed as JSON for unchanged, and the other way round', async () => {
    expect((await key.post<{ counts: object }>('/users/sync', people(3))).body.counts).toMatchObject({ created: 3 });
    expect((await sendStream(key, toLines(people(4)))).body.counts).toMatchObject({ unchanged: 3, created: 1 });
    expect((await key.post<{ counts: object }>('/users/sync', people(4))).body.counts).toMatchObject({ unchanged: 4 });
  });

  it.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ])('reads it with Content-Encoding: %s', async (encoding, compress) => {
    const sent = compress(Buffer.from(toLines(people(620))));
    const { status, body } = await sendStream(key, sent, '', { 'content-encoding': encoding });
    expect([status, body.counts]).toEqual([200, expect.objectContaining({ created: 620, failed: 0 })]);
    expect(await directory()).toEqual(expected(620).sort());
  });

  it('commits a chunk while the next is still to come, and keeps it when the stream breaks', async () => {
    const lines = people(1300).map((each) => `${JSON.stringify(each)}\n`);
    const stream = new SentStream(key);
    await stream.write(lines.slice(0, 1100).join(''));
    await until(async () => (await identities()) === 1000);
    const seen = await key.get<{ items: { id: string; status: string; phase: string }[] }>('/sync-runs');
    const [run] = seen.body.items;
    expect(run).toMatchObject({ status: 'running', phase: 'receiving' });
    stream.cut();
    const told = () => key.get<{ status: string }>(`/sync-runs/${run?.id}`);
    await until(async () => (await told()).body.status === 'broken');
    expect((await told()).body).toMatchObject({
      status: 'broken',
      phase: 'ended',
      upTo: 1000,
      counts: { created: 1000 },
      error: 'It was cut off.',
    });
    expect(await identities()).toBe(1000);
  });

  it('goes on after a break under the same Idempotency-Key, as the same run, and after the end gives the first answer', async () => {
    const lines = people(1700).map((each) => `${JSON.stringify(each)}\n`);
    const headers = { 'idempotency-key': 'nightly' };
    const broken = new SentStream(key, '', headers);
    await broken.write(lines.slice(0, 1250).join(''));
    await until(async () => (await identities()) === 1000);
    broken.cut();
    const runs = () => rollcall.database.read.findBy(RunEntity, { tenantId });
    await until(async () => (await runs())[0]?.status === 'broken');
    // Changed by somebody else meanwhile: what was committed before is passed over, and does not come again.
    expect((await key.post('/users/sync', [person(7, { roles: ['editor'] })])).status).toBe(200);
    const whole = await sendStream(key, lines.join(''), '', headers);
    expect([whole.status, whole.body.counts, whole.body.upTo]).toEqual([
      200,
      expect.objectContaining({ created: 1700, updated: 0, unchanged: 0, failed: 0 }),
      1700,
    ]);
    expect((await runs()).filter(({ id }) => id === whole.body.run)).toHaveLength(1);
    const people7 = expected(1700).map((line) =>
      line.startsWith('s-7 ') ? 's-7 s-7@x.example 1 editor direct' : line,
    );
    expect(await directory()).toEqual(people7.sort());
    expect(await rollcall.database.read.countBy(UserEntity, { tenantId })).toBe(1700);
    const after = await sendStream(key, lines.join(''), '', headers);
    expect([after.status, after.body]).toEqual([200, whole.body]);
  });

  it('refuses another stream under a key that stood for one, whatever differs, and writes nothing of it', async () => {
    const lines = people(1200).map((each) => `${JSON.stringify(each)}\n`);
    const headers = { 'idempotency-key': 'one' };
    const broken = new SentStream(key, '', headers);
    await broken.write(lines.slice(0, 1100).join(''));
    await until(async () => (await identities()) === 1000);
    broken.cut();
    await until(async () => (await rollcall.database.read.countBy(RunEntity, { tenantId, status: 'broken' })) === 1);
    const other = [...lines];
    other[3] = `${JSON.stringify(person('other'))}\n`;
    for (const [body, query] of [
      [other.join(''), ''],
      [lines.slice(0, 600).join(''), ''],
      [lines.join(''), '?statedAt=2026-01-01T00:00:00Z'],
      [lines.join(''), '?kind=import'],
    ] as const) {
      const { status, body: problem } = await sendStream(key, body, query, headers);
      expect([status, problem.code]).toEqual([422, 'idempotency_mismatch']);
    }
    expect(await identities()).toBe(1000);
    expect((await sendStream(key, lines.join(''), '', headers)).body.counts).toMatchObject({ created: 1200 });
  });

  it('folds several records of one person in the order of their lines, near and far', async () => {
    const filler = people(900).slice(1);
    const lines = [person(0), person(0, { roles: ['editor'] }), ...filler, person(0, { roles: [] }), person('late')];
    const { body } = await sendStream(key, toLines([...lines, person(0, { roles: ['viewer', 'editor'] })]));
    expect(body.counts).toMatchObject({ created: 901, updated: 3, failed: 0 });
    expect((await directory()).filter((line) => line.startsWith('s-0 '))).toEqual([
      's-0 s-0@x.example 1 editor direct, viewer direct',
    ]);
  });

  it('has the outcome of one line after the other: a name that a line gives up is free for a later one', async () => {
    expect((await sendStream(key, toLines(people(1600)))).status).toBe(200);
    // Everyone takes the name of the one five hundred lines before, who has just taken another.
    const moved = people(1600).map((each, n) => ({
      ...each,
      userName: n < 500 ? `new-${n}` : `s-${n - 500}@x.example`,
    }));
    const { body } = await sendStream(key, toLines(moved));
    expect(body.counts).toMatchObject({ updated: 1600, failed: 0 });
  });

  it('names the first hundred refused records in the answer, and all of them at the run', async () => {
    const lines = people(730).map((each, n) => (n % 3 === 0 ? { ...each, roles: ['unheard-of'] } : each));
    const { body } = await sendStream(key, toLines(lines));
    expect(body.counts).toMatchObject({ created: 486, failed: 244 });
    expect(body.failures.map(({ record }) => record)).toEqual(Array.from({ length: 100 }, (_, n) => 1 + n * 3));
    const all: { record: number; externalId: string; problem: object }[] = [];
    let cursor: string | null = null;
    do {
      const more: string = cursor === null ? '' : `&cursor=${cursor}`;
      const page = await key.get<{ items: typeof all; cursor: string | null }>(
        `/sync-runs/${body.run}/failures?limit=100${more}`,
      );
      all.push(...page.body.items);
      ({ cursor } = page.body);
    } while (cursor !== null);
    expect(all).toHaveLength(244);
    expect(all[243]).toEqual({
      record: 730,
      externalId: 's-729',
      problem: expect.objectContaining({ code: expect.any(String), detail: expect.stringContaining('unheard-of') }),
    });
  });

  it('answers 202 under `Prefer: respond-async`, with the address of the run', async () => {
    const { status, headers, body } = await sendStream(key, toLines(people(1100)), '', {
      prefer: 'respond-async, wait=1',
    });
    expect([status, headers.location, headers['preference-applied'], body]).toEqual([
      202,
      `/sync-runs/${body.run}`,
      'respond-async',
      { run: expect.any(String), status: 'running' },
    ]);
    const run = () => key.get<{ status: string; counts: object }>(String(headers.location));
    await until(async () => (await run()).body.status === 'finished');
    expect((await run()).body.counts).toMatchObject({ created: 1100 });
  });

  it('with dryRun answers a line for each record, and writes nothing', async () => {
    expect((await sendStream(key, toLines(people(2)))).status).toBe(200);
    const before = await rollcall.database.read.countBy(RunEntity, { tenantId });
    const lines = [person(0), person(1, { roles: [] }), person(2), 'nobody', person(2, { active: false })];
    const { status, headers, text } = await sendStream(key, toLines(lines), '?dryRun=true');
    expect([status, headers['content-type']]).toEqual([200, 'application/x-ndjson']);
    const answers = text.trim().split('\n');
    expect(answers.map((line) => JSON.parse(line) as object)).toEqual([
      expect.objectContaining({ record: 1, externalId: 's-0', result: 'unchanged' }),
      expect.objectContaining({ record: 2, externalId: 's-1', result: 'updated' }),
      expect.objectContaining({ record: 3, externalId: 's-2', result: 'created' }),
      expect.objectContaining({ record: 4, externalId: null, result: 'failed' }),
      expect.objectContaining({ record: 5, externalId: 's-2', result: 'deactivated', duplicateOf: 3 }),
      {
        counts: { created: 1, updated: 1, unchanged: 1, deactivated: 1, stale: 0, held: 0, failed: 1 },
        removals: { deactivated: 0, reduced: 1, people: 2, records: 1, held: false },
      },
    ]);
    expect(await directory()).toEqual(expected(2));
    expect(await rollcall.database.read.countBy(RunEntity, { tenantId })).toBe(before);
  });

  it('takes from its query what JSON has in its envelope, and names every fault of it', async () => {
    const free = await rollcall.clientWith(tenantId, ['users:sync']);
    const given = await sendStream(free, toLines([person(1)]), `?connection=${connectionId}&mode=upsert&kind=import`);
    expect(given.body.counts).toMatchObject({ created: 1 });
    const at = '?statedAt=2026-01-01T00:00:00Z';
    expect((await sendStream(key, toLines([person(1, { roles: [] })]), at)).body.counts).toMatchObject({ stale: 1 });
    const wrong = '?mode=all&scope=%20x&dryRun=maybe&statedAt=today&atomic=true&color=red&kind=pull';
    const { status, body } = await sendStream(key, toLines([person(1)]), wrong);
    const { faults } = body as unknown as { faults: { pointer: string }[] };
    expect([status, faults.map(({ pointer }) => pointer).sort()]).toEqual([
      400,
      ['?atomic', '?color', '?dryRun', '?kind', '?mode', '?scope', '?statedAt'],
    ]);
    expect((await sendStream(free, toLines([person(1)]))).status).toBe(400);
  });

  it('refuses a query beside a body of JSON, where it would not count', async () => {
    expect((await key.post('/users/sync?dryRun=true', [person(1)])).status).toBe(400);
    expect(await identities()).toBe(0);
  });

  it('ends with what was asked for when the connection is closed meanwhile', async () => {
    const stream = new SentStream(key);
    await stream.write(toLines(people(600)));
    await until(async () => (await identities()) === 500);
    await rollcall.database.transaction((tx) =>
      tx.query(`UPDATE connections SET status = 'disabled', version = version + 1 WHERE id = ?`, [connectionId]),
    );
    const { status, body } = await stream.end(toLines(people(1200).slice(600)));
    expect([status, body.code, body.upTo]).toEqual([409, 'conflict', 500]);
    expect(await identities()).toBe(500);
  });

  it('does not go on for a key that was revoked meanwhile', async () => {
    const stream = new SentStream(key);
    await stream.write(toLines(people(600)));
    await until(async () => (await identities()) === 500);
    await rollcall.database.transaction((tx) =>
      tx.query('UPDATE api_keys SET revokedAt = 1 WHERE connectionId = ?', [connectionId]),
    );
    let isOver = false;
    void stream.answer.then(() => (isOver = true));
    // It is looked at each second, before a chunk is begun.
    while (!isOver) {
      await stream.write(toLines(people(500)));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const { status, body } = await stream.answer;
    stream.cut();
    expect([status, body.code, body.counts.updated]).toEqual([401, 'unauthenticated', 0]);
  });

  it('takes an empty stream for one without a record', async () => {
    const { status, body } = await sendStream(key, '');
    expect([status, body.upTo, body.counts.created]).toEqual([200, 0, 0]);
  });
});
