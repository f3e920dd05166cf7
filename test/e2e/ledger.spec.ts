import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { LedgerService } from '../../src/ledger/ledger.service.js';
import { Sequencer } from '../../src/ledger/sequencer.js';
import { numberEvents } from '../../src/ledger/number-events.js';
import { verifyLedger } from '../../src/ledger/verify-ledger.js';
import { newId } from '../../src/platform/ids.js';
import type { NewEvent } from '../../src/ledger/ledger.service.js';
import { insertTenant } from '../support/ledger-tenants.js';
import { startApp, type TestApp } from '../support/start-app.js';
import { userEvent, writeTransactions } from '../support/ledger-writers.js';

interface Item {
  number: number;
  id: string;
  type: string;
  subject: { type: string; id: string; version: number };
  personal?: unknown;
}
interface Page {
  items: Item[];
  position: number;
  cursor: string | null;
}

describe('the ledger', () => {
  let rollcall: TestApp;
  let ledger: LedgerService;
  beforeAll(async () => {
    rollcall = await startApp();
    ledger = rollcall.app.get(LedgerService);
  });
  afterAll(() => rollcall.stop());

  const record = (...events: NewEvent[]): Promise<void> =>
    rollcall.database.transaction((tx) => ledger.record(tx, events));
  const catchUp = (): Promise<number> => rollcall.app.get(Sequencer).catchUp();
  const numbersOf = async (tenantId: string): Promise<number[]> => {
    const rows: { number: number }[] = await rollcall.database.read.query(
      'SELECT number FROM event_order WHERE tenantId = ? ORDER BY number',
      [tenantId],
    );
    return rows.map((row) => Number(row.number));
  };

  it('numbers what eight writers and two sequencers commit at once without gap or double, and nothing rolled back', async () => {
    const tenantIds = [newId(), newId(), newId()];
    let writing = true;
    const sequence = async (): Promise<void> => {
      while (writing) await numberEvents(rollcall.database, 50).catch(ignoreDuplicate);
    };
    const sequencers = [sequence(), sequence()];
    const written = await Promise.all(
      Array.from({ length: 8 }, () => writeTransactions(rollcall.database, ledger, tenantIds, 40)),
    );
    writing = false;
    await Promise.all(sequencers);
    await catchUp();
    const committed = written.reduce((sum, each) => sum + each.committed, 0);
    const numbers = await Promise.all(tenantIds.map(numbersOf));
    for (const some of numbers) expect(some).toEqual(some.map((_, index) => index + 1));
    expect(numbers.flat()).toHaveLength(committed);
    expect(written.every((each) => each.rolledBack > 0)).toBe(true);
    expect((await verifyLedger(rollcall.database)).faults).toEqual([]);
  });

  it("numbers a subject's events by its versions, though another instance's clock gave a later one a smaller id, and a batch ends between them", async () => {
    const tenantId = newId();
    const userId = newId();
    // Later versions get earlier ids: one transaction, so that no sequencer is in between.
    await rollcall.database.transaction(async (tx) => {
      for (let version = 30; version > 0; version--) await ledger.record(tx, [userEvent(tenantId, userId, version)]);
    });
    while ((await numberEvents(rollcall.database, 7).catch(ignoreDuplicate))?.events !== 0);
    await catchUp();
    const rows: { version: number }[] = await rollcall.database.read.query(
      'SELECT e.subjectVersion AS version FROM event_order o JOIN events e ON e.id = o.eventId WHERE o.tenantId = ? ORDER BY o.number',
      [tenantId],
    );
    expect(rows.map((row) => Number(row.version))).toEqual(Array.from({ length: 30 }, (_, index) => index + 1));
  });

  it('shows only numbered events, soon after their commit, without anybody asking for a number', async () => {
    const tenantId = await insertTenant(rollcall.database);
    const reader = await rollcall.clientWith(tenantId, ['events:read']);
    await record(userEvent(tenantId, newId(), 1));
    const answer = await reader.get<Page>('/events?wait=10');
    expect(answer.body).toMatchObject({
      items: [{ number: 1, type: 'user.updated', run: null, fields: ['displayName'] }],
    });
    expect(answer.body.items[0]).not.toHaveProperty('personal');
  });

  it('gives a reader that keeps its position each change once, in order, without logins', async () => {
    const tenantId = await insertTenant(rollcall.database);
    const reader = await rollcall.clientWith(tenantId, ['events:read']);
    for (let version = 1; version <= 25; version++) {
      await record(
        userEvent(tenantId, newId(), version),
        userEvent(tenantId, newId(), 0, { type: 'login.succeeded', via: 'login' }),
      );
    }
    await catchUp();
    const seen: Item[] = [];
    for (let after = 0; ;) {
      const { body } = await reader.get<Page>(`/events?after=${after}&limit=4`);
      seen.push(...body.items);
      after = body.position;
      if (body.items.length === 0) break;
    }
    expect(seen.map((each) => each.subject.version)).toEqual(Array.from({ length: 25 }, (_, index) => index + 1));
    expect(seen.map((each) => each.number)).toEqual(seen.map((each) => each.number).sort((a, b) => a - b));
  });

  describe('a waiting reader', () => {
    it('hears of a change at once, and not of logins', async () => {
      const tenantId = await insertTenant(rollcall.database);
      const reader = await rollcall.clientWith(tenantId, ['events:read']);
      await record(userEvent(tenantId, newId(), 0, { type: 'login.succeeded' }));
      const waiting = reader.get<Page>('/events?wait=20');
      await record(userEvent(tenantId, newId(), 0, { type: 'login.succeeded' }));
      await catchUp();
      await record(userEvent(tenantId, newId(), 1));
      const started = performance.now();
      expect((await waiting).body.items.map((each) => each.type)).toEqual(['user.updated']);
      expect(performance.now() - started).toBeLessThan(5_000);
    });

    it('is answered with nothing when the time is over, and told how far it was read', async () => {
      const tenantId = await insertTenant(rollcall.database);
      const reader = await rollcall.clientWith(tenantId, ['events:read']);
      await record(userEvent(tenantId, newId(), 0, { type: 'login.succeeded' }));
      await catchUp();
      expect((await reader.get<Page>('/events?wait=1')).body).toEqual({ items: [], position: 1, head: 1 });
    });

    it('is not woken by another tenant, and sees nothing of it', async () => {
      const [mine, other] = [await insertTenant(rollcall.database), newId()];
      const reader = await rollcall.clientWith(mine, ['events:read', 'audit:read', 'audit:personal']);
      const waiting = reader.get<Page>('/events?wait=1');
      await record(userEvent(other, newId(), 1));
      await catchUp();
      expect((await waiting).body.items).toEqual([]);
      expect((await reader.get<Page>('/audit-events')).body.items).toEqual([]);
    });
  });

  describe('the audit list', () => {
    const tenantId = newId();
    const [ada, bob, key] = [newId(), newId(), newId()];
    const at = (hour: number): number => Date.UTC(2026, 0, 1, hour) * 1000;
    const list = async (query: string, more: string[] = []): Promise<Page> =>
      (await (await rollcall.clientWith(tenantId, ['audit:read', ...more])).get<Page>(`/audit-events${query}`)).body;
    beforeAll(async () => {
      await insertTenant(rollcall.database, tenantId);
      const actor = { type: 'api-key', id: key } as const;
      await record(userEvent(tenantId, ada, 1, { at: at(1), personal: { name: 'Ada' } }));
      await record(userEvent(tenantId, bob, 1, { at: at(2), type: 'user.role_granted', actor }));
      await record(userEvent(tenantId, ada, 0, { at: at(3), type: 'login.refused', reason: 'expired' }));
      await record(userEvent(tenantId, ada, 0, { at: at(4), type: 'login.succeeded' }));
      await record(userEvent(tenantId, bob, 2, { at: at(9), actor }));
      await catchUp();
    });

    it.each([
      ['', [5, 4, 3, 2, 1]],
      ['?type=login.refused', [3]],
      ['?type=login.*', [4, 3]],
      ['?subject=ADA', [4, 3, 1]],
      ['?subject=ADA&type=login.*', [4, 3]],
      ['?actor=KEY', [5, 2]],
      ['?after=2026-01-01T02:00:00Z', [5, 4, 3, 2]],
      ['?before=2026-01-01T02:00:00Z', [1]],
      ['?after=2026-01-01T02:00:00Z&before=2026-01-01T04:00:00.000001Z', [4, 3, 2]],
      ['?after=2027-01-01T00:00:00Z', []],
    ])('filters %s', async (query, numbers) => {
      const page = await list(query.replace('ADA', ada).replace('KEY', key));
      expect(page.items.map((each) => each.number)).toEqual(numbers);
      expect(page.cursor).toBeNull();
    });

    it.each(['?limit=2', '?limit=2&type=user.*', '?limit=2&subject=ADA'])('pages through %s', async (given) => {
      const query = given.replace('ADA', ada);
      const all = (await list(query.replace('limit=2', 'limit=200'))).items;
      const seen: Item[] = [];
      let cursor = '';
      do {
        const page = await list(query + cursor);
        seen.push(...page.items);
        cursor = page.cursor === null ? '' : `&cursor=${page.cursor}`;
      } while (cursor !== '');
      expect(seen).toEqual(all);
    });

    it('shows the personal part to those alone who have audit:personal', async () => {
      expect((await list(`?subject=${ada}`)).items.every((each) => !('personal' in each))).toBe(true);
      const shown = (await list(`?subject=${ada}`, ['audit:personal'])).items;
      expect(shown.map((each) => each.personal)).toEqual([null, null, { name: 'Ada' }]);
    });

    it('names every fault of its query', async () => {
      const reader = await rollcall.clientWith(tenantId, ['audit:read']);
      const answer = await reader.get<{ faults: { pointer: string }[] }>('/audit-events?after=soon&before=1&cursor=x');
      expect(answer.status).toBe(400);
      expect(answer.body.faults.map((each) => each.pointer)).toEqual(['?after', '?before', '?cursor']);
      expect((await reader.get('/audit-events?limit=201')).status).toBe(400);
    });

    it.each([
      ['/events', 'audit:read'],
      ['/audit-events', 'events:read'],
    ])('%s is closed to a key with only %s', async (path, permission) => {
      expect((await (await rollcall.clientWith(tenantId, [permission])).get(path)).status).toBe(403);
    });
  });
});

function ignoreDuplicate(error: unknown): null {
  if (/duplicate|unique/i.test(String(error))) return null;
  throw error;
}
