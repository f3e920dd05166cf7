import { describe, expect, it } from '@jest/globals';
import { MINUTE } from '../platform/clock.js';
import { FailureWindows, type LoginFailure } from './failure-windows.js';

const now = 1_000 * MINUTE;
const failure: LoginFailure = {
  tenantId: 't1',
  connectionId: 'c1',
  userId: null,
  reason: 'bad_signature',
  address: '192.0.2.7',
};

function noteMany(
  windows: FailureWindows,
  count: number,
  change: (index: number) => Partial<LoginFailure> = () => ({}),
) {
  for (let index = 0; index < count; index++) windows.note({ ...failure, ...change(index) }, now);
}

describe('refused logins', () => {
  it('are rows up to the 20th of a connection, reason, network and minute, and a count after it', () => {
    const windows = new FailureWindows();
    noteMany(windows, 1_234, (index) => ({ address: `192.0.2.${index % 256}` }));
    expect(windows.take(10_000)).toHaveLength(20);
    windows.close(now + MINUTE);
    expect(windows.take(10)).toMatchObject([
      {
        type: 'login.refused_many',
        subject: { type: 'connection', id: 'c1' },
        reason: 'bad_signature ×1214',
        personal: { network: '192.0.2.0/24', count: 1_214 },
        at: now,
      },
    ]);
  });

  it.each<[string, Partial<LoginFailure>]>([
    ['connection', { connectionId: 'c2' }],
    ['reason', { reason: 'expired' }],
    ['network', { address: '192.0.3.7' }],
    ['tenant', { tenantId: 't2' }],
  ])('of another %s have 20 rows of their own', (_, change) => {
    const windows = new FailureWindows();
    noteMany(windows, 30);
    noteMany(windows, 30, () => change);
    expect(windows.take(100)).toHaveLength(40);
  });

  it('have 20 rows of their own in the next minute', () => {
    const windows = new FailureWindows();
    noteMany(windows, 30);
    windows.note(failure, now + MINUTE);
    expect(windows.take(100)).toHaveLength(21);
  });

  it('are not counted before their minute is over', () => {
    const windows = new FailureWindows();
    noteMany(windows, 30);
    windows.take(100);
    windows.close(now + MINUTE - 1);
    expect(windows.take(100)).toEqual([]);
  });

  it('name the user where one is known, else the connection, else the tenant', () => {
    const windows = new FailureWindows();
    windows.note({ ...failure, userId: 'u1' }, now);
    windows.note(failure, now);
    windows.note({ ...failure, connectionId: null }, now);
    expect(windows.take(10).map((event) => event.subject)).toEqual([
      { type: 'user', id: 'u1', version: 0 },
      { type: 'connection', id: 'c1', version: 0 },
      { type: 'tenant', id: 't1', version: 0 },
    ]);
  });

  it('hold no more than 5,000 rows and lose no count when a flood comes from everywhere and nothing can be written', () => {
    const windows = new FailureWindows();
    noteMany(windows, 100_000, (index) => ({ address: `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}` }));
    noteMany(windows, 100_000, (index) => ({
      address: `${11 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}.1`,
    }));
    let rows = 0;
    let counted = 0;
    for (let round = 0; round < 100; round++) {
      windows.close(Infinity);
      for (const event of windows.take(1_000)) {
        if (event.type === 'login.refused') rows += 1;
        else counted += (event.personal as { count: number }).count;
      }
    }
    expect(rows).toBe(5_000);
    expect(rows + counted).toBe(200_000);
  });
});
