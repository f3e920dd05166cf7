import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { Problem } from './problem.js';

/** argon2id as OWASP's Password Storage Cheat Sheet asks at least: 19 MiB, two passes, one lane. */
const MEMORY_KIB = 19_456;
const PASSES = 2;
const LANES = 1;
const SALT_BYTES = 16;
const TAG_BYTES = 32;

/** Two hashes at once hold 38 MiB; whoever comes when this many wait is told to come back. */
const RUNNING_MAX = 2;
const WAITING_MAX = 50;

const PHC = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d)\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/;

const deriveKey = promisify(argon2);
let running = 0;
const waiting: (() => void)[] = [];

/** A PHC string (`$argon2id$v=19$m=…,t=…,p=…$salt$hash`). Throws `overloaded` when too many hashes wait. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const tag = await derive(password, salt, { memory: MEMORY_KIB, passes: PASSES, lanes: LANES, tagBytes: TAG_BYTES });
  return `$argon2id$v=19$m=${MEMORY_KIB},t=${PASSES},p=${LANES}$${unpadded(salt)}$${unpadded(tag)}`;
}

/**
 * Whether the password is that of the PHC string. Without one (an unknown name, no password set yet) it does the same
 * work and says no, so that the time of the answer tells nothing. Throws `overloaded`.
 */
export async function passwordMatches(password: string, phc: string | null): Promise<boolean> {
  const found = phc === null ? null : PHC.exec(phc);
  const [, memory = MEMORY_KIB, passes = PASSES, lanes = LANES, salt = '', stored = ''] = found ?? [];
  const expected = Buffer.from(stored, 'base64');
  const tag = await derive(password, found ? Buffer.from(salt, 'base64') : Buffer.alloc(SALT_BYTES), {
    memory: Number(memory),
    passes: Number(passes),
    lanes: Number(lanes),
    tagBytes: found ? expected.length : TAG_BYTES,
  });
  return found !== null && tag.length === expected.length && timingSafeEqual(tag, expected);
}

interface Cost {
  memory: number;
  passes: number;
  lanes: number;
  tagBytes: number;
}

async function derive(password: string, salt: Buffer, cost: Cost): Promise<Buffer> {
  await takeTurn();
  try {
    return await deriveKey('argon2id', {
      // What looks alike on two keyboards is alike (NIST SP 800-63B, section 5.1.1.2).
      message: Buffer.from(password.normalize('NFKC'), 'utf8'),
      nonce: salt,
      parallelism: cost.lanes,
      tagLength: cost.tagBytes,
      memory: cost.memory,
      passes: cost.passes,
    });
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  }
}

/** Whoever ends hands their turn to the next in line. */
async function takeTurn(): Promise<void> {
  if (running < RUNNING_MAX) {
    running += 1;
    return;
  }
  if (waiting.length >= WAITING_MAX) throw new Problem('overloaded', undefined, { retryAfterSeconds: 2 });
  await new Promise<void>((resolve) => waiting.push(resolve));
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
