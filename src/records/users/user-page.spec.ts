import { describe, expect, it } from '@jest/globals';
import { newId } from '../../platform/ids.js';
import { cursorAfter } from '../../platform/paging.js';
import { readUserCursor, toCursorKey } from './user-page.js';

const id = newId();

describe('a cursor of the list of users', () => {
  it.each([
    ['userName', 'asc', 'ada'],
    ['displayName', 'desc', null],
    ['updatedAt', 'desc', 1_700_000_000_000_000],
  ] as const)('is read as it was given out: %s %s %s', (sort, order, value) => {
    const cursor = cursorAfter(toCursorKey(sort, order, { value, id }));
    expect(readUserCursor(cursor, sort, order)).toEqual({ value, id });
  });

  const of = (list: unknown): string => cursorAfter(JSON.stringify(list));
  it.each([
    ['another field', of(['email', 'asc', 'a', id]), /belongs to a list sorted by email asc/],
    ['another order', of(['userName', 'desc', 'a', id]), /belongs to a list sorted by userName desc/],
    ['a value of the wrong type', of(['userName', 'asc', 5, id]), /answered with/],
    ['an object for a value', of(['userName', 'asc', {}, id]), /answered with/],
    ['an id that is none', of(['userName', 'asc', 'a', "' OR 1=1"]), /answered with/],
    ['no list', of({}), /answered with/],
    ['no JSON', cursorAfter('x'), /answered with/],
    ['no base64url', '!!!', /answered with/],
  ])('is refused: %s', (_, cursor, detail) => {
    expect(() => readUserCursor(cursor, 'userName', 'asc')).toThrow(
      expect.objectContaining({
        code: 'invalid_request',
        options: { faults: [{ pointer: '?cursor', detail: expect.stringMatching(detail) }] },
      }),
    );
  });
});
