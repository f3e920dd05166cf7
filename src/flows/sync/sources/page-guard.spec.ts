import { describe, expect, it } from '@jest/globals';
import { PageGuard } from './page-guard.js';

describe('pages that name nobody', () => {
  const read = (counts: readonly number[]) => () => {
    const guard = new PageGuard({ pagesMax: 1000, recordsMax: 1000, emptyPagesMax: 3 });
    for (const [number, count] of counts.entries()) {
      guard.ask(`page ${number}`);
      guard.notePage(count, `text ${number}`);
    }
  };

  it('end a reading where too many follow one another, and not where others come between', () => {
    expect(read([0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0])).not.toThrow();
    expect(read([1, 0, 0, 0, 0])).toThrow('name nobody');
  });
});
