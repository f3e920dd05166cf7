import { hash } from 'node:crypto';
import type { Micros } from '../../platform/clock.js';

const BYTES = 16;

/**
 * A digest of who is there and as of when, in whatever order they are added: the exclusive or of the first 16 bytes of
 * SHA-256 over `<user id> <micros of the last change>`. Two copies with the same count and digest hold the same
 * versions of the same people.
 */
export class PeopleDigest {
  count = 0;
  private readonly sum = Buffer.alloc(BYTES);

  add(id: string, updatedAt: Micros): void {
    const one = hash('sha256', `${id} ${updatedAt}`, 'buffer');
    for (let at = 0; at < BYTES; at++) this.sum[at] = (this.sum[at] as number) ^ (one[at] as number);
    this.count += 1;
  }

  /** 32 hexadecimal digits. */
  get text(): string {
    return this.sum.toString('hex');
  }
}
