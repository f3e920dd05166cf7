import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Repetition } from './repetition.js';

describe('A repetition', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  const begin = (work: () => Promise<void>) => {
    const logger = new Logger('spec');
    const warn = jest.spyOn(logger, 'warn').mockImplementation(() => undefined);
    const repetition = new Repetition(work, { everyMs: 100, logger, trouble: 'Work waits' });
    return { repetition, warn };
  };

  it('begins each time so long after the one before has ended', async () => {
    const ends: (() => void)[] = [];
    const { repetition } = begin(() => new Promise<void>((resolve) => ends.push(resolve)));
    repetition.start();
    await jest.advanceTimersByTimeAsync(99);
    expect(ends).toHaveLength(0);
    await jest.advanceTimersByTimeAsync(500);
    expect(ends).toHaveLength(1);
    ends[0]?.();
    await jest.advanceTimersByTimeAsync(99);
    expect(ends).toHaveLength(1);
    await jest.advanceTimersByTimeAsync(1);
    expect(ends).toHaveLength(2);
  });

  it('tells of a time that fails, and goes on', async () => {
    let times = 0;
    const { repetition, warn } = begin(() => Promise.reject(new Error(`no ${++times}`)));
    repetition.start(0);
    await jest.advanceTimersByTimeAsync(100);
    expect(times).toBe(2);
    expect(warn.mock.calls).toEqual([['Work waits: Error: no 1'], ['Work waits: Error: no 2']]);
  });

  it('tells of a piece that fails by its name, and goes on with the next', async () => {
    const done: string[] = [];
    const { repetition, warn } = begin(async () => {
      await repetition.attempt('a', () => Promise.reject(new Error('no')));
      await repetition.attempt('b', () => Promise.resolve(done.push('b')));
    });
    repetition.start(0);
    await jest.advanceTimersByTimeAsync(0);
    expect([done, warn.mock.calls]).toEqual([['b'], [['Work waits (a): Error: no']]]);
  });

  it('stops when what is under way has ended, and begins no more', async () => {
    let end: () => void = () => undefined;
    let times = 0;
    const { repetition } = begin(() => {
      times += 1;
      return new Promise<void>((resolve) => (end = resolve));
    });
    repetition.start(0);
    await jest.advanceTimersByTimeAsync(0);
    let stopped = false;
    const stop = repetition.stop().then(() => (stopped = true));
    await jest.advanceTimersByTimeAsync(1000);
    expect([repetition.stopping, stopped]).toEqual([true, false]);
    end();
    await stop;
    await jest.advanceTimersByTimeAsync(1000);
    expect(times).toBe(1);
  });
});
