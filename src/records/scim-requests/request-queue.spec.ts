import { describe, expect, it } from '@jest/globals';
import { RequestQueue } from './request-queue.js';

const entry = (connectionId: string, isRefused: boolean, bytes = 1) => ({ connectionId, isRefused, bytes });

describe('what waits to be logged', () => {
  it('is bounded for each connection, and keeps room for refusals and for the others', () => {
    const queue = new RequestQueue<ReturnType<typeof entry>>(2, 100);
    const added = [false, false, false, true].map((isRefused) => queue.add(entry('a', isRefused)));
    expect(added).toEqual([true, true, false, true]);
    expect(queue.add(entry('b', false))).toBe(true);
    expect(queue.takeAll()).toHaveLength(4);
    expect(queue.add(entry('a', false))).toBe(true);
  });

  it('is bounded by its bytes', () => {
    const queue = new RequestQueue<ReturnType<typeof entry>>(10, 100);
    expect([60, 60, 40].map((bytes) => queue.add(entry('a', false, bytes)))).toEqual([true, false, true]);
    queue.takeAll();
    expect(queue.add(entry('a', false, 100))).toBe(true);
  });
});
