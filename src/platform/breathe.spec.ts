import { describe, expect, it } from '@jest/globals';
import { WorkStretch } from './breathe.js';

describe('a stretch of work', () => {
  it('is long after some milliseconds, and begins anew when others have had their turn', async () => {
    const work = new WorkStretch();
    const until = performance.now() + 5;
    while (performance.now() < until);
    expect(work.isLong()).toBe(true);
    let hadTurn = false;
    setImmediate(() => (hadTurn = true));
    await work.end();
    expect(hadTurn).toBe(true);
    expect(work.isLong()).toBe(false);
  });
});
