import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { compareText } from './compare-values.js';
import { parseDateTime } from './date-time.js';

describe('the order of texts', () => {
  it('is that of their bytes in UTF-8, as both databases have it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (left, right) => {
        expect(Math.sign(compareText(left, right))).toBe(
          Math.sign(Buffer.compare(Buffer.from(left), Buffer.from(right))),
        );
      }),
    );
    expect(compareText('\u{1f600}', '\uffee')).toBeGreaterThan(0);
  });
});

describe('SCIM 17 a dateTime is xsd:dateTime', () => {
  it.each([
    ['2026-01-23T04:56:22Z', Date.UTC(2026, 0, 23, 4, 56, 22) * 1000],
    ['2026-01-23T04:56:22.5Z', Date.UTC(2026, 0, 23, 4, 56, 22, 500) * 1000],
    ['2026-01-23T04:56:22.123456789012345Z', Date.UTC(2026, 0, 23, 4, 56, 22, 123) * 1000 + 456],
    ['2026-01-23T06:56:22+02:00', Date.UTC(2026, 0, 23, 4, 56, 22) * 1000],
    ['2026-01-23T04:56:22', Date.UTC(2026, 0, 23, 4, 56, 22) * 1000],
    ['2026-01-23', null],
    ['2026-02-30T00:00:00Z', null],
    ['2026-01-23 04:56:22Z', null],
    ['20260123045622.000Z', null],
    ['', null],
  ])('%j', (text, at) => {
    expect(parseDateTime(text)).toBe(at);
  });
});
