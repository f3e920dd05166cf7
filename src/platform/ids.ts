import { randomFillSync } from 'node:crypto';

const pool = Buffer.alloc(8 * 1024);
let used = pool.length;
let lastMillis = 0;
let sequence = 0;
/** The text of `lastMillis`: many ids are made in one. */
let prefix = '';

/**
 * A new UUIDv7 (RFC 9562, section 5.7): sorted by time of creation, and by order of creation within one process
 * (its 12 bits after the milliseconds count up, method 1 of section 6.2), so that inserts go to the end of an index.
 */
export function newId(): string {
  const now = Date.now();
  if (now > lastMillis) startMillis(now);
  else if (++sequence > 0xfff) startMillis(lastMillis + 1);
  if (used + 8 > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const counter = sequence.toString(16).padStart(3, '0');
  pool[used] = ((pool[used] ?? 0) & 0x3f) | 0x80;
  const random = pool.toString('hex', used, used + 8);
  used += 8;
  return `${prefix}-7${counter}-${random.slice(0, 4)}-${random.slice(4)}`;
}

function startMillis(millis: number): void {
  lastMillis = millis;
  sequence = 0;
  const time = millis.toString(16).padStart(12, '0');
  prefix = `${time.slice(0, 8)}-${time.slice(8)}`;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function isId(text: string): boolean {
  return UUID.test(text);
}
