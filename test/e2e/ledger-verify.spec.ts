import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Checkpoints } from '../../src/ledger/checkpoints.js';
import { LedgerService } from '../../src/ledger/ledger.service.js';
import { GENESIS, sealEvent } from '../../src/ledger/seal-event.js';
import { EVENT_COLUMNS, readSkeleton } from '../../src/ledger/event-rows.js';
import { Sequencer } from '../../src/ledger/sequencer.js';
import { type LedgerFault, verifyLedger } from '../../src/ledger/verify-ledger.js';
import type { SqlValue } from '../../src/platform/database.js';
import { newId } from '../../src/platform/ids.js';
import { userEvent } from '../support/ledger-writers.js';
import { startApp, type TestApp } from '../support/start-app.js';

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const checkSignature = async (_kid: string, text: string, signature: string): Promise<boolean> =>
  verify('sha256', Buffer.from(text), publicKey, Buffer.from(signature, 'base64url'));

describe('the check of a ledger', () => {
  let rollcall: TestApp;
  let tenantId: string;
  /** Event ids by number − 1. */
  let ids: string[];
  let users: string[];
  beforeAll(async () => {
    rollcall = await startApp();
    rollcall.app.get(Checkpoints).signWith(async (text) => ({
      kid: 'k1',
      signature: sign('sha256', Buffer.from(text), privateKey).toString('base64url'),
    }));
  });
  afterAll(() => rollcall.stop());

  const run = (sql: string, ...values: SqlValue[]): Promise<unknown> =>
    rollcall.database.transaction((tx) => tx.query(sql, values));
  const faults = async (): Promise<LedgerFault[]> =>
    (await verifyLedger(rollcall.database, { tenantId, checkSignature })).faults;

  beforeEach(async () => {
    tenantId = newId();
    users = Array.from({ length: 10 }, () => newId());
    const ledger = rollcall.app.get(LedgerService);
    await rollcall.database.transaction((tx) =>
      ledger.record(
        tx,
        users.map((user) => userEvent(tenantId, user, 1, { personal: { name: 'Zoë' }, reason: 'cover for “Bob”' })),
      ),
    );
    await rollcall.app.get(Sequencer).catchUp();
    const rows: { eventId: string }[] = await rollcall.database.read.query(
      'SELECT eventId FROM event_order WHERE tenantId = ? ORDER BY number',
      [tenantId],
    );
    ids = rows.map((row) => row.eventId);
  });

  it('finds nothing in a ledger that nobody touched, and says what it looked at', async () => {
    await rollcall.app.get(Checkpoints).signDue();
    expect(await verifyLedger(rollcall.database, { tenantId, checkSignature })).toEqual({
      tenants: 1,
      events: 10,
      erased: 0,
      checkpoints: 1,
      signaturesChecked: true,
      faults: [],
    });
  });

  it('takes an erased person for no fault, and knows that there was something', async () => {
    const ledger = rollcall.app.get(LedgerService);
    await rollcall.database.transaction((tx) => ledger.erasePerson(tx, tenantId, users[3] as string));
    const left: unknown[] = await rollcall.database.read.query(
      'SELECT 1 FROM events WHERE tenantId = ? AND personal IS NOT NULL',
      [tenantId],
    );
    expect(left).toHaveLength(9);
    expect(await verifyLedger(rollcall.database, { tenantId })).toMatchObject({ erased: 1, faults: [] });
  });

  it('erases with a person what events on other subjects tell of them, and nobody else’s', async () => {
    const ledger = rollcall.app.get(LedgerService);
    const [other, sessionId] = [newId(), newId()];
    const subject = { type: 'session', id: sessionId, version: 2 };
    const personal = { address: '192.0.2.1' };
    const ended = (whose: string) => ({ ...userEvent(other, newId(), 1), subject, personal, personalSubjectId: whose });
    await rollcall.database.transaction((tx) => ledger.record(tx, [ended(users[3] as string), ended(newId())]));
    await rollcall.app.get(Sequencer).catchUp();
    await rollcall.database.transaction((tx) => ledger.erasePerson(tx, other, sessionId));
    expect(await verifyLedger(rollcall.database, { tenantId: other })).toMatchObject({ erased: 0, faults: [] });
    await rollcall.database.transaction((tx) => ledger.erasePerson(tx, other, users[3] as string));
    expect(await verifyLedger(rollcall.database, { tenantId: other })).toMatchObject({ erased: 1, faults: [] });
  });

  it('erases nobody in another tenant', async () => {
    const ledger = rollcall.app.get(LedgerService);
    await rollcall.database.transaction((tx) => ledger.erasePerson(tx, newId(), users[3] as string));
    expect(await verifyLedger(rollcall.database, { tenantId })).toMatchObject({ erased: 0 });
  });

  it.each<[string, string, string]>([
    ['a reason', 'UPDATE events SET reason = ? WHERE id = ?', 'no reason at all'],
    ['a type', 'UPDATE events SET type = ? WHERE id = ?', 'user.suspended'],
    ['an actor', 'UPDATE events SET actorId = ? WHERE id = ?', 'somebody-else'],
    ['the digest of the personal part', 'UPDATE events SET personalDigest = ? WHERE id = ?', 'x'],
    ['a personal part', 'UPDATE events SET personal = ? WHERE id = ?', '{"name":"Zoe"}'],
    ['a seal', 'UPDATE event_order SET hash = ? WHERE eventId = ?', 'x'],
  ])('finds %s that was altered, by its number', async (_, sql, value) => {
    await run(sql, value, ids[4] as string);
    expect((await faults())[0]).toMatchObject({ number: 5, eventId: ids[4] });
  });

  it.each([
    ['an event', 'DELETE FROM events WHERE id = ?'],
    ['a number', 'DELETE FROM event_order WHERE eventId = ?'],
  ])('finds %s that was removed, by its number', async (_, sql) => {
    await run(sql, ids[4] as string);
    expect((await faults())[0]).toMatchObject({ number: 5, detail: expect.stringContaining('gone') });
  });

  it('finds a removed event though its number was closed up behind it', async () => {
    await run('DELETE FROM event_order WHERE eventId = ?', ids[4] as string);
    await run('DELETE FROM events WHERE id = ?', ids[4] as string);
    for (let number = 6; number <= 10; number++) {
      await run('UPDATE event_order SET number = ? WHERE tenantId = ? AND number = ?', number - 1, tenantId, number);
    }
    await run('UPDATE ledger_heads SET number = 9 WHERE tenantId = ?', tenantId);
    expect((await faults())[0]).toMatchObject({ number: 5, eventId: ids[5] });
  });

  it('finds events cut off at the end', async () => {
    await run('DELETE FROM event_order WHERE tenantId = ? AND number > 8', tenantId);
    expect((await faults())[0]).toMatchObject({ number: 9 });
  });

  it('finds two events that changed places', async () => {
    const [third, fourth] = [ids[2] as string, ids[3] as string];
    await run('UPDATE event_order SET eventId = ? WHERE eventId = ?', 'aside', third);
    await run('UPDATE event_order SET eventId = ? WHERE eventId = ?', third, fourth);
    await run('UPDATE event_order SET eventId = ? WHERE eventId = ?', fourth, 'aside');
    expect((await faults()).map((fault) => fault.number)).toEqual([3, 4]);
  });

  it('finds an event that was inserted past the ledger', async () => {
    const id = newId();
    await run(
      `INSERT INTO events SELECT ?, tenantId, type, at, subjectType, subjectId, subjectVersion, actorType, actorId, via, runId, reason,
         fields, personalDigest, personalOf, salt, personal FROM events WHERE id = ?`,
      id,
      ids[0] as string,
    );
    expect(await faults()).toMatchObject([{ number: null, eventId: id }]);
  });

  it('finds a number that was inserted at the end, and a head that was moved', async () => {
    await run('INSERT INTO event_order (tenantId, number, eventId, hash) VALUES (?, 11, ?, ?)', tenantId, newId(), 'x');
    expect((await faults())[0]).toMatchObject({ number: 11 });
    await run('UPDATE ledger_heads SET number = 11 WHERE tenantId = ?', tenantId);
    expect((await faults())[0]).toMatchObject({ number: 11 });
  });

  it.each([
    ['was altered', 'UPDATE ledger_heads SET hash = number WHERE tenantId = ?'],
    ['is gone', 'DELETE FROM ledger_heads WHERE tenantId = ?'],
  ])('finds that the head %s', async (_, sql) => {
    await run(sql, tenantId);
    expect((await faults())[0]).toMatchObject({ number: 10, detail: expect.stringContaining('head') });
  });

  it('finds a ledger that was rewritten with all its seals, by its checkpoint', async () => {
    await rollcall.app.get(Checkpoints).signDue();
    await run('UPDATE events SET reason = ? WHERE id = ?', 'rewritten', ids[1] as string);
    await reseal(10);
    expect((await faults())[0]).toMatchObject({ number: 10, detail: expect.stringContaining('checkpoint') });
  });

  it('finds a ledger that was shortened with its head, by its checkpoint', async () => {
    await rollcall.app.get(Checkpoints).signDue();
    await run('DELETE FROM event_order WHERE tenantId = ? AND number > 7', tenantId);
    for (const id of ids.slice(7)) await run('DELETE FROM events WHERE id = ?', id);
    await reseal(7);
    expect((await faults())[0]).toMatchObject({ number: 8, detail: expect.stringContaining('checkpoint') });
  });

  it('finds a checkpoint that was rewritten too, by its signature', async () => {
    await rollcall.app.get(Checkpoints).signDue();
    await run('UPDATE events SET reason = ? WHERE id = ?', 'rewritten', ids[1] as string);
    const hash = await reseal(10);
    await run('UPDATE ledger_checkpoints SET hash = ? WHERE tenantId = ?', hash, tenantId);
    expect(await faults()).toMatchObject([{ number: 10, detail: expect.stringContaining('signature') }]);
  });

  it('signs a head once an hour at most, and only when it moved', async () => {
    const checkpoints = rollcall.app.get(Checkpoints);
    const count = async (): Promise<number> => (await verifyLedger(rollcall.database, { tenantId })).checkpoints;
    await checkpoints.signDue();
    const ledger = rollcall.app.get(LedgerService);
    await rollcall.database.transaction((tx) => ledger.record(tx, [userEvent(tenantId, newId(), 1)]));
    await rollcall.app.get(Sequencer).catchUp();
    await checkpoints.signDue();
    expect(await count()).toBe(1);
    await run('UPDATE ledger_checkpoints SET at = at - 3600000000 WHERE tenantId = ?', tenantId);
    await checkpoints.signDue();
    await checkpoints.signDue();
    expect(await count()).toBe(2);
  });

  it('goes on numbering other tenants when the ledger of one was tampered with', async () => {
    const ledger = rollcall.app.get(LedgerService);
    await run('UPDATE ledger_heads SET number = 3 WHERE tenantId = ?', tenantId);
    const other = newId();
    await rollcall.database.transaction((tx) =>
      ledger.record(tx, [userEvent(tenantId, newId(), 1), userEvent(other, newId(), 1)]),
    );
    await rollcall.app.get(Sequencer).catchUp();
    expect(await verifyLedger(rollcall.database, { tenantId: other })).toMatchObject({ events: 1, faults: [] });
    expect((await faults())[0]).toMatchObject({ number: 3 });
    await run('DELETE FROM event_queue WHERE tenantId = ?', tenantId);
  });

  /** What somebody with the whole database in hand would do: seals and head anew, up to `last`. */
  async function reseal(last: number): Promise<string> {
    let hash = GENESIS;
    for (let number = 1; number <= last; number++) {
      const rows: Parameters<typeof readSkeleton>[0][] = await rollcall.database.read.query(
        `SELECT ${EVENT_COLUMNS} FROM events e WHERE e.id = ?`,
        [ids[number - 1]],
      );
      hash = sealEvent(hash, number, readSkeleton(rows[0] as Parameters<typeof readSkeleton>[0]));
      await run('UPDATE event_order SET hash = ? WHERE tenantId = ? AND number = ?', hash, tenantId, number);
    }
    await run('UPDATE ledger_heads SET number = ?, hash = ? WHERE tenantId = ?', last, hash, tenantId);
    return hash;
  }
});
