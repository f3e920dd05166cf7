import { describe, expect, it } from '@jest/globals';
import { processorMsOf } from '../../../test/support/processor-time.js';
import { Problem } from '../../platform/problem.js';
import { checkEtag, etagOf, markOf } from './etag.js';

function codeOf(ifMatch: string | undefined, version: number): string {
  try {
    checkEtag(ifMatch, { version });
    return 'none';
  } catch (error) {
    if (error instanceof Problem) return error.code;
    throw error;
  }
}

const marked = etagOf({ version: 3 }, markOf(['g-1', 'Finance']));

describe('SCIM 60 If-Match', () => {
  it.each([
    undefined,
    '*',
    marked,
    marked.replace('W/', ''),
    ` ${marked} `,
    `"x", ${marked}`,
    `${marked}, W/"9-abc"`,
    'W/"3-__--ab"',
    'W/"3"',
    '"3"',
    '"1" , "3"',
  ])('%j is of version 3, whatever else the resource shows', (ifMatch) => {
    expect(codeOf(ifMatch, 3)).toBe('none');
  });

  it.each(['', '""', '3', 'W/"3', 'W/"33-abc"', 'W/"1-3"', '"x-3"', 'W/"2-abc", "4"', 'W/"3-"', 'W/"3-a b"'])(
    '%j is of another version',
    (ifMatch) => {
      expect(codeOf(ifMatch, 3)).toBe('version_conflict');
    },
  );

  it.each(['-', '"3-', ',', '"3-",', ' '])(
    'a mebibyte of %j, as a bulk request can bring it, is refused at once',
    (text) => {
      const took = processorMsOf(() => {
        expect(codeOf(text.repeat(2 ** 20 / text.length), 3)).toBe('version_conflict');
      });
      expect(took).toBeLessThan(15_000);
    },
  );
});
