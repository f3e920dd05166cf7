import { RECORD_BYTES_MAX } from './source-reader.js';

/**
 * The JSON of a record that was made of what a source says; null where it would be too long to be kept. That is found
 * before it is written: a mapping may name the same thing hundreds of times, and groups have long names.
 */
export function writeRecord(record: Readonly<Record<string, unknown>>): Buffer | null {
  if (measure(record, RECORD_BYTES_MAX) > RECORD_BYTES_MAX) return null;
  const text = Buffer.from(JSON.stringify(record), 'utf8');
  return text.length > RECORD_BYTES_MAX ? null : text;
}

/** No more than the length of its JSON; where that is more than `lengthMax`, about how far it was read. */
function measure(value: unknown, lengthMax: number): number {
  if (typeof value === 'string') return value.length + 2;
  if (typeof value !== 'object' || value === null) return 1;
  let length = 2;
  if (Array.isArray(value)) {
    for (const item of value as unknown[]) {
      if (length > lengthMax) return length;
      length += measure(item, lengthMax - length);
    }
    return length;
  }
  for (const name in value) {
    if (length > lengthMax) return length;
    length += name.length + 3 + measure((value as Record<string, unknown>)[name], lengthMax - length);
  }
  return length;
}
