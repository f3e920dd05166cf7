import { describe, expect, it } from '@jest/globals';
import { checkVersion, requireVersion } from './versions.js';

const codeOf = (work: () => void): string => {
  try {
    work();
    return 'passed';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe('If-Match', () => {
  it.each([
    [undefined, 'version_required'],
    ['"3"', 'passed'],
    ['"1", "3"', 'passed'],
    ['*', 'passed'],
    ['"4"', 'version_conflict'],
    ['3', 'version_conflict'],
    ['W/"3"', 'version_conflict'],
    ['', 'version_conflict'],
  ])('%s on version 3: %s', (ifMatch, expected) => {
    expect(codeOf(() => requireVersion(ifMatch, 3))).toBe(expected);
  });

  it('may be left out where a change does not need it', () => {
    expect(codeOf(() => checkVersion(undefined, 3))).toBe('passed');
  });
});
