import { describe, expect, it } from '@jest/globals';
import { SECOND } from '../../../platform/clock.js';
import { Problem } from '../../../platform/problem.js';
import { CURSOR_TIMEOUT_SECONDS, cursorScope, readCursor, writeCursor } from './cursor.js';

const scope = cursorScope(['connection-1', '/Users', 'userName sw "a"', null]);
const now = 1_700_000_000 * SECOND;

describe('SCIM 59 cursors', () => {
  it('come back as they were given out, until they expire', () => {
    const cursor = writeCursor(scope, 'josé\u0001"id"', now);
    expect(readCursor(scope, cursor, now)).toBe('josé\u0001"id"');
    expect(readCursor(scope, cursor, now + CURSOR_TIMEOUT_SECONDS * SECOND)).toBe('josé\u0001"id"');
    expect(refusalOf(scope, cursor, now + CURSOR_TIMEOUT_SECONDS * SECOND + 1)).toBe('expiredCursor');
  });

  it('are made of characters that a URL takes as they are (RFC 3986, section 2.3)', () => {
    for (const position of ['', 'a', '??>>~~', '\u{1f600}'.repeat(9)]) {
      expect(writeCursor(scope, position, now)).toMatch(/^[A-Za-z0-9._~-]+$/);
    }
  });

  it.each([
    ['another directory', ['connection-2', '/Users', 'userName sw "a"', null]],
    ['another filter', ['connection-1', '/Users', 'userName sw "b"', null]],
    ['another order', ['connection-1', '/Users', 'userName sw "a"', 'userName']],
    ['another address', ['connection-1', '/Groups', 'userName sw "a"', null]],
    ['the same texts, cut elsewhere', ['connection-1/', 'Users', 'userName sw "a"', null]],
  ])('are no cursors of %s', (_, parts) => {
    expect(refusalOf(cursorScope(parts), writeCursor(scope, 'x', now), now)).toBe('invalidCursor');
  });

  it('are refused when they were changed, cut off or made up', () => {
    const cursor = writeCursor(scope, 'position', now);
    const junk = [
      'x',
      'null',
      '%00',
      'é',
      '../..',
      'A'.repeat(10_000),
      `${cursor}A`,
      `${cursor}=`,
      cursor.slice(0, -1),
    ];
    for (const each of junk) expect(refusalOf(scope, each, now)).toBe('invalidCursor');
    for (let i = 0; i < cursor.length; i++) {
      const changed = `${cursor.slice(0, i)}${cursor[i] === 'A' ? 'B' : 'A'}${cursor.slice(i + 1)}`;
      expect(refusalOf(scope, changed, now)).toBe('invalidCursor');
    }
  });
});

function refusalOf(of: string, cursor: string, at: number): string | null {
  try {
    readCursor(of, cursor, at);
    return null;
  } catch (error) {
    if (error instanceof Problem) return error.scimType;
    throw error;
  }
}
