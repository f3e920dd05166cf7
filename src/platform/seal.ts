import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Config } from './config.js';

const FORM = 's1';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const SECRET_FILE = 'secret';

/** What was sealed cannot be opened: by another secret, for another purpose, or it was changed. */
export class SealError extends Error {}

/** What became of sealed texts when they were to be sealed anew. */
export interface Resealed {
  resealed: number;
  /** They stay as they are, and of no use here. */
  unopened: { id: string; why: string }[];
}

/**
 * Keeps what the database must not show. AES-256-GCM (NIST SP 800-38D) under a key derived by HKDF (RFC 5869) from
 * ROLLCALL_SECRET. The text is `s1.<key id>.<nonce, ciphertext and tag in base64url>`; the purpose is authenticated
 * with it, so that what was sealed for one use cannot be moved to another.
 */
export class Sealer {
  /** Says under which secret a text was sealed, and nothing of the secret. */
  readonly keyId: string;
  private readonly keys: ReadonlyMap<string, Buffer>;

  /** @param former opens what was sealed before the secret was changed; nothing is sealed under it */
  constructor(
    private readonly secret: Buffer,
    former: Buffer | null = null,
  ) {
    this.keyId = keyIdOf(secret);
    const secrets = former === null ? [secret] : [former, secret];
    this.keys = new Map(secrets.map((each) => [keyIdOf(each), deriveFrom(each, 'seal')]));
  }

  seal(purpose: string, plain: Buffer): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.getKey(this.keyId), nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(headerOf(this.keyId, purpose));
    const body = Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    return `${FORM}.${this.keyId}.${body.toString('base64url')}`;
  }

  /** Throws SealError. */
  unseal(purpose: string, sealed: string): Buffer {
    const [form, keyId, text = ''] = sealed.split('.');
    if (form !== FORM || keyId === undefined) throw new SealError('This is not a sealed text.');
    const key = this.getKey(keyId);
    const body = Buffer.from(text, 'base64url');
    if (body.length < NONCE_BYTES + TAG_BYTES) throw new SealError('The sealed text was cut off.');
    const decipher = createDecipheriv('aes-256-gcm', key, body.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(headerOf(keyId, purpose));
    decipher.setAuthTag(body.subarray(-TAG_BYTES));
    try {
      return Buffer.concat([decipher.update(body.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
    } catch {
      throw new SealError('The sealed text was changed, or sealed for another purpose.');
    }
  }

  /** Whether `unseal` can know this text: it was sealed under the secret of this instance, or the one before. */
  knows(sealed: string): boolean {
    const [form, keyId = ''] = sealed.split('.', 2);
    return form === FORM && this.keys.has(keyId);
  }

  /** The same under the secret of now; null where it is sealed so already. Throws SealError. */
  reseal(purpose: string, sealed: string): string | null {
    if (sealed.startsWith(`${FORM}.${this.keyId}.`)) return null;
    return this.seal(purpose, this.unseal(purpose, sealed));
  }

  /** A key of its own for one purpose, the same on every instance that has the same secret. */
  deriveKey(purpose: string, bytes = 32): Buffer {
    return deriveFrom(this.secret, purpose, bytes);
  }

  private getKey(keyId: string): Buffer {
    const key = this.keys.get(keyId);
    if (!key) throw new SealError(`It was sealed under another secret (${keyId}, not ${this.keyId}).`);
    return key;
  }
}

function keyIdOf(secret: Buffer): string {
  return deriveFrom(secret, 'key id', 6).toString('base64url');
}

function deriveFrom(secret: Buffer, purpose: string, bytes = 32): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, 'rollcall', purpose, bytes));
}

function headerOf(keyId: string, purpose: string): Buffer {
  return Buffer.from(`${FORM}.${keyId}.${purpose}`, 'utf8');
}

/** The sealer of this configuration; without ROLLCALL_SECRET its secret is made once, in DATA_DIR. */
export function openSealer(config: Pick<Config, 'ROLLCALL_SECRET' | 'ROLLCALL_FORMER_SECRET' | 'DATA_DIR'>): Sealer {
  const { ROLLCALL_SECRET: secret, ROLLCALL_FORMER_SECRET: former, DATA_DIR: folder } = config;
  return new Sealer(
    secret === '' ? readOrMakeSecret(folder) : Buffer.from(secret, 'utf8'),
    former === '' ? null : Buffer.from(former, 'utf8'),
  );
}

function readOrMakeSecret(folder: string): Buffer {
  const path = join(folder, SECRET_FILE);
  const found = readSecret(path);
  if (found) return found;
  mkdirSync(folder, { recursive: true });
  // Written whole under another name and then linked: of two starts at once one wins, and none reads half a secret.
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  const file = openSync(draft, 'wx', 0o600);
  try {
    writeSync(file, randomBytes(32).toString('base64url'));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    unlinkSync(draft);
  }
  const made = readSecret(path);
  if (!made) throw new Error(`The secret in ${path} cannot be read.`);
  return made;
}

function readSecret(path: string): Buffer | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  if (Buffer.byteLength(text) < 32) throw new Error(`The secret in ${path} has fewer than 32 bytes.`);
  return Buffer.from(text, 'utf8');
}
