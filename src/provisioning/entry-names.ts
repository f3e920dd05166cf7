import type { Micros } from '../platform/clock.js';
import { NAME_BYTES, packNames } from '../records/sync-runs/name-set.js';

const PLACES_FIRST = 1024;
/** Chains are short up to some millions of entries. */
const HEADS = 2 ** 20;

/** Entries by what `run_seen` calls their people; about 30 bytes of memory each. */
export class EntryNames {
  size = 0;
  /** Of each chain the first place, counted from 1; 0: it has none. */
  private readonly heads = new Int32Array(HEADS);
  private after = new Int32Array(PLACES_FIRST);
  private names = new Uint32Array(PLACES_FIRST * 2);
  private entries = new Float64Array(PLACES_FIRST);
  private times = new Float64Array(PLACES_FIRST);

  add(externalId: string, entry: number, at: Micros): void {
    if (this.size === this.entries.length) this.grow();
    const packed = packNames([externalId]);
    const place = this.size++;
    const high = packed.readUInt32LE(0);
    const head = high % HEADS;
    this.names[place * 2] = high;
    this.names[place * 2 + 1] = packed.readUInt32LE(4);
    this.entries[place] = entry;
    this.times[place] = at;
    this.after[place] = this.heads[head] ?? 0;
    this.heads[head] = place + 1;
  }

  /** Puts the entries whose people are among the names, and that are older than `at`, into `found`. */
  find(packed: Buffer, at: Micros, found: Set<number>): void {
    for (let from = 0; from + NAME_BYTES <= packed.length; from += NAME_BYTES) {
      const high = packed.readUInt32LE(from);
      const low = packed.readUInt32LE(from + 4);
      for (let next = this.heads[high % HEADS] ?? 0; next !== 0; next = this.after[next - 1] ?? 0) {
        const place = next - 1;
        if (this.names[place * 2] !== high || this.names[place * 2 + 1] !== low) continue;
        if (at > (this.times[place] ?? 0)) found.add(this.entries[place] ?? 0);
      }
    }
  }

  private grow(): void {
    this.after = doubled(this.after);
    this.names = doubled(this.names);
    this.entries = doubled(this.entries);
    this.times = doubled(this.times);
  }
}

function doubled<T extends Int32Array | Uint32Array | Float64Array>(array: T): T {
  const more = new (array.constructor as new (length: number) => T)(array.length * 2);
  more.set(array);
  return more;
}
