import { describe, expect, it } from '@jest/globals';
import { progressBar } from './progress-bar.js';

/** What a bar has written after `rows` rows, one a tenth of a millisecond. */
function draw(rows: number, isTTY: boolean): string[] {
  const written: string[] = [];
  let nowMs = 0;
  const bar = progressBar({ isTTY, write: (text) => written.push(text) }, () => nowMs);
  for (let sent = 1; sent <= rows; sent++) {
    nowMs += 0.1;
    bar.show(sent, rows);
  }
  bar.end();
  return written;
}

describe('the progress bar of an import', () => {
  it('draws itself over itself some ten times a second, is full at the end, and leaves its line', () => {
    const written = draw(5000, true);
    expect(written.length).toBeLessThan(10);
    expect(written.slice(0, -1).every((text) => text.startsWith('\r'))).toBe(true);
    expect(written.at(-3)).toMatch(/^\r█+░+ \d+\/5000 {2}\d+\/s $/);
    expect(written.slice(-2)).toEqual([`\r${'█'.repeat(30)} 5000/5000  10000/s `, '\n']);
  });

  it('writes nothing into a file, nor where there is nothing to show', () => {
    expect([draw(5000, false), draw(0, true)]).toEqual([[], []]);
  });
});
