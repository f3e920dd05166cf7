import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RECORD_BYTES_MAX } from './source-reader.js';
import { writeRecord } from './write-record.js';

describe('a record as it is handed on', () => {
  it('is its JSON, or nothing where that is longer than may be kept', () => {
    const property = fc.property(
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 4 }),
      fc.integer({ min: -40, max: 40 }),
      (some, text, beyond) => {
        const times = Math.floor((RECORD_BYTES_MAX - JSON.stringify(some).length + beyond) / Buffer.byteLength(text));
        const record = { ...some, long: text.repeat(Math.max(0, times)) };
        const json = Buffer.from(JSON.stringify(record));
        const written = writeRecord(record);
        expect(written === null ? 'too long' : written.equals(json)).toBe(
          json.length > RECORD_BYTES_MAX ? 'too long' : true,
        );
      },
    );
    fc.assert(property, { numRuns: 200 });
  });

  it('is not written where it would be a thousand times too long', () => {
    const long = 'x'.repeat(1_000_000);
    // As JSON longer than any text can be.
    expect(writeRecord({ groups: Array.from({ length: 1000 }, () => long) })).toBeNull();
    expect(writeRecord(Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`a${n}`, { long }])))).toBeNull();
  });
});
