import { hash } from 'node:crypto';

/** Of the SHA-256 of an external id. Two people of a million share them once in forty million such directories. */
export const NAME_BYTES = 8;
const SHARDS = 256;
const SLOTS_FIRST = 64;
/** A shard has at least twice as many slots as names. */
const LOAD_MAX = 0.5;

/** External ids as bytes to be stored: eight of each. */
export function packNames(externalIds: readonly string[]): Buffer {
  const packed = Buffer.allocUnsafe(externalIds.length * NAME_BYTES);
  for (const [place, externalId] of externalIds.entries()) {
    packed.write(hash('sha256', externalId, 'binary'), place * NAME_BYTES, NAME_BYTES, 'latin1');
  }
  return packed;
}

/** One of `of` shares of all names: sets that are too large for memory are gone through share by share. */
export interface Share {
  share: number;
  of: number;
}

/**
 * External ids by eight bytes each, about 16 to 32 bytes of memory a name. It grows in 256 shards, each by itself: no
 * growing keeps anybody waiting.
 */
export class NameSet {
  size = 0;
  private readonly shards: Uint32Array[] = [];
  private readonly counts = new Uint32Array(SHARDS);

  constructor(private readonly share: Share = { share: 0, of: 1 }) {
    for (let shard = 0; shard < SHARDS; shard++) this.shards.push(new Uint32Array(SLOTS_FIRST * 2));
  }

  /** Takes names as `packNames` made them, of those that are in the share. */
  addPacked(packed: Buffer): void {
    for (let at = 0; at + NAME_BYTES <= packed.length; at += NAME_BYTES) {
      const high = packed.readUInt32LE(at);
      if (this.isMine(high)) this.add(high, packed.readUInt32LE(at + 4));
    }
  }

  /** The id is in the share, and was not named. */
  lacks(externalId: string): boolean {
    const packed = packNames([externalId]);
    const high = packed.readUInt32LE(0);
    if (!this.isMine(high)) return false;
    const low = packed.readUInt32LE(4) || 1;
    const slots = this.shards[low % SHARDS] as Uint32Array;
    return slots[findSlot(slots, high, low) + 1] === 0;
  }

  /** By other bits than those that choose the slot. */
  private isMine(high: number): boolean {
    return (high >>> 16) % this.share.of === this.share.share;
  }

  /** What it takes of memory. */
  get bytes(): number {
    return this.shards.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  private add(high: number, given: number): void {
    // Nothing is stored as zero.
    const low = given || 1;
    const shard = low % SHARDS;
    const slots = this.shards[shard] as Uint32Array;
    const slot = findSlot(slots, high, low);
    if (slots[slot + 1] !== 0) return;
    slots[slot] = high;
    slots[slot + 1] = low;
    this.size += 1;
    const count = ((this.counts[shard] as number) += 1);
    if (count > (slots.length / 2) * LOAD_MAX) this.shards[shard] = grow(slots);
  }
}

/** Where the name stands, or would. */
function findSlot(slots: Uint32Array, high: number, low: number): number {
  const mask = slots.length / 2 - 1;
  let slot = (high & mask) * 2;
  while (slots[slot + 1] !== 0 && (slots[slot] !== high || slots[slot + 1] !== low)) slot = (slot + 2) & (mask * 2);
  return slot;
}

function grow(slots: Uint32Array): Uint32Array {
  const larger = new Uint32Array(slots.length * 2);
  for (let slot = 0; slot < slots.length; slot += 2) {
    const low = slots[slot + 1] as number;
    if (low === 0) continue;
    const high = slots[slot] as number;
    const place = findSlot(larger, high, low);
    larger[place] = high;
    larger[place + 1] = low;
  }
  return larger;
}
