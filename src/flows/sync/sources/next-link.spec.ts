import { describe, expect, it } from '@jest/globals';
import { processorMsOf } from '../../../../test/support/processor-time.js';
import { findNextLink } from './next-link.js';

describe('the next page in a Link header', () => {
  it.each([
    [undefined, null],
    ['', null],
    ['</users?page=2>; rel="next"', '/users?page=2'],
    ['</a>; rel=prev, <https://x.example/b,c?d;e>; rel=next', 'https://x.example/b,c?d;e'],
    ['<a>; title="rel=next"; rel=last', null],
    ['<a>; type="text/x"; REL="last Next"', 'a'],
    ['<a>; rel=nextish', null],
    ['<a>', null],
    ['a; rel=next', null],
  ])('of %j is %j', (header, expected) => {
    expect(findNextLink(header)).toBe(expected);
  });

  it('of one too long to be read is not taken for none', () => {
    const next = '</users?page=2>; rel=next';
    const padded = (length: number) => `<${'a'.repeat(length - next.length - 4)}>, ${next}`;
    expect(findNextLink(padded(8192))).toBe('/users?page=2');
    expect(() => findNextLink(padded(8193))).toThrow(expect.objectContaining({ kind: 'invalid' }));
  });

  it('a header made to keep a reader busy is read in no time', () => {
    const hostile = [
      `<a>${'; a='.repeat(2000)}`,
      `<a>${';'.repeat(8000)}`,
      '<'.repeat(8000),
      `<a>${' '.repeat(8000)};`,
    ];
    expect(processorMsOf(() => hostile.forEach((each) => findNextLink(each)))).toBeLessThan(1000);
  });
});
