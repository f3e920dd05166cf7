import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSealer, Sealer, SealError } from './seal.js';

const sealer = new Sealer(Buffer.from('a secret of more than thirty-two bytes'));
const plain = Buffer.from('what the database must not show');

describe('sealing', () => {
  it('opens what it sealed, for the same purpose', () => {
    const sealed = sealer.seal('signing key', plain);
    expect(sealer.unseal('signing key', sealed)).toEqual(plain);
    expect(sealer.knows(sealed)).toBe(true);
    expect(sealed).not.toContain(plain.toString('base64url').slice(0, 12));
  });

  it('never seals alike twice', () => {
    expect(sealer.seal('p', plain)).not.toBe(sealer.seal('p', plain));
  });

  const other = new Sealer(Buffer.from('another secret of at least thirty-two bytes'));
  const sealed = sealer.seal('signing key', plain);
  const body = Buffer.from(sealed.split('.')[2] ?? '', 'base64url');
  const changed = Buffer.from(body);
  changed[20] = (changed[20] ?? 0) ^ 1;
  const renamed = `s1.${other.keyId}.${body.toString('base64url')}`;
  it.each([
    ['for another purpose', sealer, 'another purpose', sealed],
    ['under another secret', other, 'signing key', sealed],
    ['under another secret whose name it bears', other, 'signing key', renamed],
    ['after a bit was changed', sealer, 'signing key', `s1.${sealer.keyId}.${changed.toString('base64url')}`],
    ['after it was cut', sealer, 'signing key', sealed.slice(0, 30)],
    ['that never was sealed', sealer, 'signing key', 'plain'],
  ])('does not open a text %s', (_, opener, purpose, text) => {
    expect(() => opener.unseal(purpose, text)).toThrow(SealError);
  });

  it('opens what was sealed under the secret before, and seals it anew under the one of now', () => {
    const both = new Sealer(
      Buffer.from('another secret of at least thirty-two bytes'),
      Buffer.from('a secret of more than thirty-two bytes'),
    );
    expect(both.knows(sealed)).toBe(true);
    expect(both.unseal('signing key', sealed)).toEqual(plain);
    expect(both.keyId).toBe(other.keyId);
    const anew = both.reseal('signing key', sealed) ?? '';
    expect(other.unseal('signing key', anew)).toEqual(plain);
    expect(both.reseal('signing key', anew)).toBeNull();
    expect(() => both.reseal('another purpose', sealed)).toThrow(SealError);
    expect(() => other.reseal('signing key', sealed)).toThrow(SealError);
    expect(sealer.knows(anew)).toBe(false);
  });

  it('derives a different key for each purpose, and the same one again', () => {
    expect(sealer.deriveKey('a')).toEqual(sealer.deriveKey('a'));
    expect(sealer.deriveKey('a')).not.toEqual(sealer.deriveKey('b'));
    expect(sealer.deriveKey('a')).not.toEqual(other.deriveKey('a'));
  });
});

describe('the secret of an instance without ROLLCALL_SECRET', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rollcall-seal-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is made once, readable by its owner alone, and used again by the next start', () => {
    const config = { ROLLCALL_SECRET: '', ROLLCALL_FORMER_SECRET: '', DATA_DIR: join(folder, 'data') };
    const sealed = openSealer(config).seal('p', plain);
    expect(openSealer(config).unseal('p', sealed)).toEqual(plain);
    expect(readdirSync(config.DATA_DIR)).toEqual(['secret']);
    expect(statSync(join(config.DATA_DIR, 'secret')).mode & 0o777).toBe(0o600);
  });

  it('is not used when it is too short to be one', () => {
    writeFileSync(join(folder, 'secret'), 'short');
    expect(() => openSealer({ ROLLCALL_SECRET: '', ROLLCALL_FORMER_SECRET: '', DATA_DIR: folder })).toThrow(
      /fewer than 32 bytes/,
    );
  });

  it('is not made where ROLLCALL_SECRET is set', () => {
    openSealer({ ROLLCALL_SECRET: 'x'.repeat(32), ROLLCALL_FORMER_SECRET: '', DATA_DIR: folder });
    expect(readdirSync(folder)).toEqual([]);
  });
});
