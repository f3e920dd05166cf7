import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { GrantEntity } from '../../src/records/users/grant.entity.js';
import { IdentityEntity } from '../../src/records/users/identity.entity.js';
import { UserEntity } from '../../src/records/users/user.entity.js';
import { EventEntity } from '../../src/ledger/event.entity.js';
import { Problem } from '../../src/platform/problem.js';
import { IdempotencyKeyEntity } from '../../src/provisioning/once.entity.js';
import { ProvisioningService } from '../../src/provisioning/provisioning.service.js';
import type { HttpClient } from '../support/http-client.js';
import { seedCustomer, seedFullConnection } from '../support/seed-customer.js';
import { sendStream, toLines } from '../support/send-stream.js';
import { startApp, type TestApp } from '../support/start-app.js';

interface SyncAnswer extends Record<string, unknown> {
  run: string | null;
  counts: Record<string, number>;
  results: { externalId: string; result: string; userId?: string; duplicateOf?: number; problem?: { code: string } }[];
}

describe('POST /users/sync', () => {
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
    key = await rollcall.clientWith(tenantId, ['users:sync'], connectionId);
  });

  const push = (body: unknown, headers: Record<string, string> = {}) =>
    key.post<SyncAnswer>('/users/sync', body, headers);
  const record = (externalId: string, more: object = {}) => ({
    externalId,
    userName: `${externalId}@example.com`,
    displayName: `User ${externalId}`,
    roles: ['viewer'],
    ...more,
  });
  const rolesOf = async (userId: string) =>
    (await rollcall.database.read.findBy(GrantEntity, { userId })).map((each) => each.heldKey).sort();

  it('creates, leaves unchanged, updates and deactivates, and answers record by record', async () => {
    const first = await push([record('u-1'), record('u-2', { roles: ['viewer', 'editor'] })]);
    expect(first.status).toBe(200);
    expect(first.body.counts).toMatchObject({ created: 2, failed: 0 });
    const userId = first.body.results[1]?.userId ?? '';
    expect(await rolesOf(userId)).toEqual(['editor', 'viewer']);

    const again = await push([record('u-1'), record('u-2', { roles: ['viewer', 'editor'] })]);
    expect(again.body.counts).toMatchObject({ unchanged: 2, created: 0 });

    const changed = await push([record('u-2', { roles: ['viewer'] }), record('u-1', { active: false })]);
    expect(changed.body.results.map(({ result }) => result)).toEqual(['updated', 'deactivated']);
    expect(await rolesOf(userId)).toEqual(['viewer']);
    const identity = await rollcall.database.read.findOneByOrFail(IdentityEntity, { connectionId, externalId: 'u-1' });
    expect(identity.active).toBe(false);
  });

  it('takes a single record, an array and an envelope', async () => {
    expect((await push(record('one'))).body.counts.created).toBe(1);
    expect((await push([record('two')])).body.counts.created).toBe(1);
    expect((await push({ users: [record('three')], mode: 'upsert' })).body.counts.created).toBe(1);
  });

  it('names every fault of an envelope at once', async () => {
    const answer = await push({ users: 'none', mode: 'mirror', dryRun: 'yes', extra: 1 });
    expect(answer.status).toBe(400);
    expect(answer.body.faults).toEqual(
      expect.arrayContaining(
        ['/users', '/mode', '/dryRun', '/extra'].map((pointer) => expect.objectContaining({ pointer })),
      ),
    );
  });

  it('applies valid records though others fail, and names every fault of those', async () => {
    const answer = await push([
      record('good'),
      { userName: 'no-id' },
      record('bad', { active: 'false', nickname: 'x' }),
      record('ugly', { roles: ['owner', 'viewer', 'nope'], entitlements: ['no:1'] }),
      record('nul', { displayName: 'a\u0000b' }),
      record('long', { displayName: 'x'.repeat(10_000) }),
    ]);
    expect(answer.body.results.map(({ result }) => result)).toEqual([
      'created',
      'failed',
      'failed',
      'failed',
      'failed',
      'failed',
    ]);
    expect(answer.body.results[2]?.problem).toMatchObject({
      code: 'invalid_record',
      faults: [{ pointer: '/active' }, { pointer: '/nickname' }],
    });
    expect(answer.body.results[3]?.problem).toMatchObject({
      code: 'role_not_allowed',
      faults: [{ pointer: '/roles/0' }, { pointer: '/roles/2' }, { pointer: '/entitlements/0' }],
    });
    expect(await rollcall.database.read.countBy(UserEntity, { tenantId })).toBe(1);
  });

  it('atomic: writes nothing when one record fails', async () => {
    const answer = await push({ users: [record('good'), record('bad', { roles: ['nope'] })], atomic: true });
    expect(answer.status).toBe(422);
    expect(answer.body).toMatchObject({ code: 'batch_refused', results: [{ externalId: 'bad' }] });
    expect(await rollcall.database.read.countBy(UserEntity, { tenantId })).toBe(0);
    const whole = await push({ users: [record('good'), record('better')], atomic: true });
    expect(whole.body.counts.created).toBe(2);
  });

  it('dryRun: tells what would become of each record and writes nothing', async () => {
    const answer = await push({ users: [record('a'), record('b')], dryRun: true });
    expect(answer.body).toMatchObject({ run: null, counts: { created: 2 } });
    expect(await rollcall.database.read.countBy(UserEntity, { tenantId })).toBe(0);
    expect(await rollcall.database.read.countBy(EventEntity, { tenantId, subjectType: 'user' })).toBe(0);
  });

  it('dryRun: tells the ids of users who are there, and makes up none for those who are not', async () => {
    const [there] = (await push([record('there')])).body.results;
    const sent = [record('there', { displayName: 'New' }), record('new'), record('new', { displayName: 'Again' })];
    const json = (await push({ users: sent, dryRun: true })).body.results;
    const stream = await sendStream(key, toLines(sent), '?dryRun=true');
    const lines = stream.text.split('\n').slice(0, sent.length);
    for (const results of [json, lines.map((line) => JSON.parse(line) as SyncAnswer['results'][number])]) {
      expect(results.map(({ result, userId }) => [result, userId])).toEqual([
        ['updated', there?.userId],
        ['created', undefined],
        ['updated', undefined],
      ]);
    }
  });

  it('folds records of one person in order of arrival and names the duplicate', async () => {
    const answer = await push([record('twin', { displayName: 'First' }), record('twin', { displayName: 'Second' })]);
    expect(answer.body.results).toMatchObject([{ result: 'created' }, { result: 'updated', duplicateOf: 0 }]);
    const user = await rollcall.database.read.findOneByOrFail(UserEntity, { tenantId });
    expect(user.displayName).toBe('Second');
  });

  it('reports an older statement as stale and changes nothing', async () => {
    await push(record('s', { displayName: 'New', statedAt: '2026-11-21T12:00:00Z' }));
    const older = await push(record('s', { displayName: 'Old', statedAt: '2026-11-21T11:00:00Z' }));
    expect(older.body.results[0]?.result).toBe('stale');
    expect((await rollcall.database.read.findOneByOrFail(UserEntity, { tenantId })).displayName).toBe('New');
  });

  it('keeps jose, josé and JOSE apart or together as the words say', async () => {
    const answer = await push([
      record('jose', { userName: 'jose' }),
      record('josé', { userName: 'josé' }),
      record('JOSE', { userName: 'JOSE' }),
      record('admin', { userName: 'аdmin' }),
      record('admin2', { userName: 'admin' }),
    ]);
    // External ids compare byte for byte, user names without regard to case; a Cyrillic twin is another name.
    expect(answer.body.results.map(({ result }) => result)).toEqual([
      'created',
      'created',
      'failed',
      'created',
      'created',
    ]);
    expect(answer.body.results[2]?.problem?.code).toBe('user_name_taken');
  });

  it('Idempotency-Key: the same request has one effect and one answer, another body is 422', async () => {
    const headers = { 'idempotency-key': 'job-1' };
    const first = await push([record('i')], headers);
    const second = await push([record('i')], headers);
    expect(second.body).toEqual(first.body);
    expect((await push([record('j')], headers)).body).toMatchObject({ status: 422, code: 'idempotency_mismatch' });
  });

  it('Idempotency-Key: of two at once one does the work, and the other is told or answered alike', async () => {
    const body = Array.from({ length: 300 }, (_, n) => record(`p-${n}`));
    const headers = { 'idempotency-key': 'job-2' };
    const answers = await Promise.all([push(body, headers), push(body, headers), push(body, headers)]);
    for (const { status, body: answer } of answers) {
      if (status === 200) expect(answer.counts).toMatchObject({ created: 300 });
      else expect(answer).toMatchObject({ code: 'idempotency_in_progress' });
    }
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(1);
    expect(await rollcall.database.read.countBy(UserEntity, { tenantId })).toBe(300);
  });

  it('Idempotency-Key: what is committed keeps its answer, though the sender hears of a failure', async () => {
    const headers = { 'idempotency-key': 'job-4' };
    await push([record('k')]);
    const { database } = rollcall;
    const commit = database.transaction.bind(database);
    const lost = jest.spyOn(database, 'transaction').mockImplementation(async (work) => {
      const done = await commit(work);
      const key = await database.read.findOneBy(IdempotencyKeyEntity, { requestKey: 'job-4' });
      // The answer to the commit gets lost; whatever comes after is heard again.
      if (key?.status === 200 && lost.mock.calls.length > 0) {
        lost.mockRestore();
        throw new Problem('database_unavailable');
      }
      return done;
    });
    expect((await push([record('k', { displayName: 'Mine' })], headers)).status).toBe(503);
    await push([record('k', { displayName: 'Of others' })]);
    expect((await push([record('k', { displayName: 'Mine' })], headers)).body.counts).toMatchObject({ updated: 1 });
    const [user] = await database.read.findBy(UserEntity, { tenantId });
    expect(user?.displayName).toBe('Of others');
  });

  it('Idempotency-Key: what an expired request has left under it is no result of another one', async () => {
    const headers = { 'idempotency-key': 'job-3' };
    const body = (displayName: string) => Array.from({ length: 700 }, (_, n) => record(`o-${n}`, { displayName }));
    const provisioning = rollcall.app.get(ProvisioningService);
    const write = provisioning.submitChunk.bind(provisioning);
    let chunks = 0;
    const spy = jest.spyOn(provisioning, 'submitChunk').mockImplementation((of, chunk) => {
      return ++chunks > 1 ? Promise.reject(new Problem('internal')) : write(of, chunk);
    });
    expect((await push(body('Old'), headers)).status).toBe(500);
    spy.mockRestore();
    expect(await rollcall.database.read.countBy(IdentityEntity, { connectionId })).toBeGreaterThan(0);
    await rollcall.database.transaction((tx) =>
      tx.update(IdempotencyKeyEntity, { requestKey: 'job-3' }, { expiresAt: Date.now() * 1000 }),
    );
    expect((await push(body('New'), headers)).body.counts).toMatchObject({ unchanged: 0, failed: 0 });
    expect(await rollcall.database.read.countBy(UserEntity, { tenantId, displayName: 'New' })).toBe(700);
  });

  it('the same users sent by several at once end as one each, with no lost record', async () => {
    const body = Array.from({ length: 120 }, (_, n) => record(`c-${n}`));
    const answers = await Promise.all(Array.from({ length: 6 }, () => push(body)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200]);
    for (const { body: answer } of answers) expect(answer.counts.failed).toBe(0);
    expect(await rollcall.database.read.countBy(UserEntity, { tenantId })).toBe(120);
  });

  it('writes one event for each changed user, in the transaction of the change', async () => {
    await push([record('e-1'), record('e-2')]);
    await push([record('e-1'), record('e-2', { roles: [] })]);
    const events = await rollcall.database.read.findBy(EventEntity, { tenantId, subjectType: 'user' });
    expect(events.map(({ type }) => type).sort()).toEqual(['user.created', 'user.created', 'user.roles_changed']);
    expect(events.every(({ actorType, via }) => actorType === 'api-key' && via === 'sync')).toBe(true);
  });

  it('pushes ten thousand users in one request', async () => {
    const body = Array.from({ length: 10_000 }, (_, n) => record(`m-${n}`));
    expect((await push(body)).body.counts).toMatchObject({ created: 10_000 });
    expect((await push(body)).body.counts).toMatchObject({ unchanged: 10_000 });
    expect((await push([...body, record('one-too-many')])).status).toBe(413);
  });

  it('refuses a key of another connection, tenant or scope', async () => {
    const other = await seedFullConnection(rollcall, tenantId);
    expect((await push({ users: [record('x')], connection: other })).status).toBe(403);
    const foreign = await rollcall.clientWith(await seedCustomer(rollcall), ['users:sync']);
    expect((await foreign.post('/users/sync', { users: [], connection: connectionId })).status).toBe(404);
    const reader = await rollcall.clientWith(tenantId, ['users:read'], connectionId);
    expect((await reader.post('/users/sync', [])).status).toBe(403);
    expect((await rollcall.http.post('/users/sync', [])).status).toBe(401);
  });
});
