import { createHash, randomBytes, randomInt, timingSafeEqual } from 'node:crypto';
import { crc32 } from 'node:zlib';

/**
 * `rc_<keyId>_<secret><crc>`: a prefix that secret scanners know, 8 characters that find the row, 43 characters of
 * 256 random bits, and 6 characters of CRC-32, so that a mistyped or cut key is refused without a database read.
 */
const FORMAT = /^rc_([0-9A-Za-z]{8})_([0-9A-Za-z]{43})([0-9A-Za-z]{6})$/;
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

export interface NewKey {
  keyId: string;
  /** The whole key: shown once, never stored. */
  key: string;
  secretHash: string;
}

export function createKey(): NewKey {
  const keyId = randomText(8);
  const secret = randomText(43);
  const body = `rc_${keyId}_${secret}`;
  return { keyId, key: body + checksum(body), secretHash: hashSecret(secret) };
}

/** What lists show of a key. */
export function prefixOf(keyId: string): string {
  return `rc_${keyId}…`;
}

/** The parts of a well-formed key with a right checksum, else null. */
export function parseKey(key: string): { keyId: string; secret: string } | null {
  const found = FORMAT.exec(key);
  if (!found) return null;
  const [, keyId = '', secret = '', sum = ''] = found;
  return checksum(`rc_${keyId}_${secret}`) === sum ? { keyId, secret } : null;
}

export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}

/** Compares in constant time. */
export function secretMatches(secret: string, secretHash: string): boolean {
  const given = Buffer.from(hashSecret(secret));
  const stored = Buffer.from(secretHash);
  return given.length === stored.length && timingSafeEqual(given, stored);
}

function checksum(body: string): string {
  let rest = crc32(body);
  let text = '';
  for (let place = 0; place < 6; place++) {
    text = (ALPHABET[rest % 62] ?? '') + text;
    rest = Math.floor(rest / 62);
  }
  return text;
}

function randomText(length: number): string {
  // 43 letters of 62 hold 256 bits; unbiased, because randomInt is.
  if (length <= 8) return Array.from({ length }, () => ALPHABET[randomInt(62)]).join('');
  let text = '';
  while (text.length < length) {
    for (const byte of randomBytes(64)) if (byte < 248 && text.length < length) text += ALPHABET[byte % 62];
  }
  return text;
}
