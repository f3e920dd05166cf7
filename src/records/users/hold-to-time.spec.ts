import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Readable } from 'node:stream';
import { holdToTime } from './hold-to-time.js';

describe('the reader of a long answer', () => {
  let stream: Readable;
  let ended: string | null;
  let took: () => void;
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    ended = null;
    stream = new Readable({ read: () => undefined });
    stream.on('error', ({ message }) => (ended = message));
    took = holdToTime(stream, { stalledMs: 60_000, totalMs: 7_200_000 });
  });
  afterEach(() => void jest.useRealTimers());

  const pass = async (ms: number): Promise<void> => {
    jest.advanceTimersByTime(ms);
    await new Promise((resolve) => setImmediate(resolve));
  };

  it('is cut off when it takes nothing for a minute', async () => {
    await pass(59_000);
    took();
    await pass(59_000);
    expect(ended).toBeNull();
    await pass(1000);
    expect(ended).toBe('The reader stalled.');
  });

  it('may be slow, but not for ever: who takes a little each minute is cut off after the whole time', async () => {
    for (let minute = 1; minute < 130; minute++) {
      await pass(55_000);
      took();
    }
    expect(ended).toBeNull();
    await pass(55_000);
    took();
    await pass(55_000);
    expect(ended).toBe('The reader took too long.');
    expect(jest.getTimerCount()).toBe(0);
  });
});
