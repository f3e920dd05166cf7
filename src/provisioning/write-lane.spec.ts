import { describe, expect, it, jest } from '@jest/globals';
import { Problem } from '../platform/problem.js';
import { type LaneOptions, WriteLane } from './write-lane.js';

/** A database that writes when it is told to, and keeps what each transaction held. */
class Gate {
  readonly batches: (readonly string[])[] = [];
  private readonly waiting: (() => void)[] = [];

  write = async (items: readonly string[]): Promise<string[]> => {
    this.batches.push(items);
    await new Promise<void>((resolve) => this.waiting.push(resolve));
    const bad = items.find((item) => item.startsWith('bad'));
    if (bad !== undefined) throw new Error(`refused ${bad}`);
    if (items.includes('down')) throw new Problem('database_unavailable');
    return items.map((item) => `${item}!`);
  };

  /** Lets everything that is under way and whatever follows from it be written. */
  async open(): Promise<void> {
    for (let quiet = 0; quiet < 3;) {
      await settle();
      const next = this.waiting.splice(0);
      quiet = next.length === 0 ? quiet + 1 : 0;
      for (const resolve of next) resolve();
    }
  }
}

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
const laneOf = (gate: Gate, options: Partial<LaneOptions> = {}) =>
  new WriteLane(gate.write, { itemsMax: 4, batchesMax: 1, besideMin: () => 1, waitMsMax: 2000, ...options });

describe('A write lane', () => {
  it('writes what arrives together in one batch, and what arrives meanwhile in the next', async () => {
    const gate = new Gate();
    const lane = laneOf(gate);
    const early = [lane.submit('a', ['1']), lane.submit('a', ['2'])];
    await settle();
    await settle();
    const late = [lane.submit('a', ['3']), lane.submit('b', ['4'])];
    await gate.open();
    expect(await Promise.all([...early, ...late])).toEqual([['1!'], ['2!'], ['3!'], ['4!']]);
    expect(gate.batches).toEqual([
      ['1', '2'],
      ['3', '4'],
    ]);
  });

  it('never cuts a job, and serves tenants in turn', async () => {
    const gate = new Gate();
    const lane = laneOf(gate);
    const all = [
      lane.submit('a', ['a1', 'a2', 'a3']),
      lane.submit('a', ['a4', 'a5']),
      lane.submit('b', ['b1']),
      lane.submit('a', ['a6']),
    ];
    await gate.open();
    await Promise.all(all);
    expect(gate.batches).toEqual([
      ['a1', 'a2', 'a3', 'b1'],
      ['a4', 'a5', 'a6'],
    ]);
  });

  it('a job larger than a batch goes alone', async () => {
    const gate = new Gate();
    const lane = laneOf(gate);
    const all = [lane.submit('a', ['1', '2', '3', '4', '5']), lane.submit('a', ['6'])];
    await gate.open();
    await Promise.all(all);
    expect(gate.batches).toEqual([['1', '2', '3', '4', '5'], ['6']]);
  });

  it('begins a batch beside another only when enough wait', async () => {
    const gate = new Gate();
    const lane = laneOf(gate, { batchesMax: 2, besideMin: () => 2 });
    const all = [lane.submit('a', ['1'])];
    await settle();
    await settle();
    all.push(lane.submit('a', ['2']));
    await settle();
    await settle();
    expect(gate.batches).toEqual([['1']]);
    all.push(lane.submit('a', ['3']));
    await settle();
    await settle();
    expect(gate.batches).toEqual([['1'], ['2', '3']]);
    await gate.open();
    await Promise.all(all);
  });

  it('only the bad job of a refused batch fails: tried again by tenant, then one by one', async () => {
    const gate = new Gate();
    const lane = laneOf(gate);
    const all = Promise.allSettled([
      lane.submit('a', ['1']),
      lane.submit('b', ['bad']),
      lane.submit('b', ['2']),
      lane.submit('a', ['3']),
    ]);
    await gate.open();
    expect((await all).map((one) => (one.status === 'fulfilled' ? one.value : String(one.reason)))).toEqual([
      ['1!'],
      'Error: refused bad',
      ['2!'],
      ['3!'],
    ]);
    expect(gate.batches.slice(1)).toEqual([['1', '3'], ['bad', '2'], ['bad'], ['2']]);
  });

  it('does not try in parts what failed because the database is away', async () => {
    const gate = new Gate();
    const lane = laneOf(gate);
    const all = Promise.allSettled([lane.submit('a', ['down']), lane.submit('b', ['2'])]);
    await gate.open();
    expect((await all).map((one) => one.status)).toEqual(['rejected', 'rejected']);
    expect(gate.batches).toHaveLength(1);
  });

  it('sends away who would wait behind work that has waited too long', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick'] });
    try {
      const gate = new Gate();
      const lane = laneOf(gate);
      const first = lane.submit('a', ['1']);
      await settle();
      await settle();
      const second = lane.submit('a', ['2']);
      jest.setSystemTime(Date.now() + 2001);
      await expect(lane.submit('a', ['3'])).rejects.toMatchObject({ code: 'overloaded' });
      await gate.open();
      expect(await Promise.all([first, second])).toEqual([['1!'], ['2!']]);
    } finally {
      jest.useRealTimers();
    }
  });

  it('drains when nothing waits and nothing is being written', async () => {
    const gate = new Gate();
    const lane = laneOf(gate);
    await lane.drain();
    const job = lane.submit('a', ['1']);
    let drained = false;
    const drain = lane.drain().then(() => (drained = true));
    await settle();
    expect(drained).toBe(false);
    await gate.open();
    await Promise.all([job, drain]);
    expect(drained).toBe(true);
  });
});
