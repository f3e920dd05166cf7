import { describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, readConfig } from './config.js';

const SECRET = 'kY3o7GmUe1Zt9RrQ5xWvB2nH8sLdC4fA';

function faultsOf(env: Record<string, string>): readonly string[] {
  try {
    readConfig(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
}

describe('the configuration', () => {
  it('is whole with nothing set at all, and frozen', () => {
    const config = readConfig({});
    expect(config).toMatchObject({ NODE_ENV: 'development', PORT: 3000, DATABASE_URL: '', production: false });
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('names all faults at once', () => {
    const faults = faultsOf({
      PORT: '80a',
      LOG_LEVEL: 'loud',
      PUBLIC_URL: 'ftp://rollcall.example',
      DATABASE_URL: 'postgres://host/db',
      TRUSTED_PROXIES: '10.0.0.0/8, proxy.internal',
      ALLOW_LOOPBACK_HTTP: 'yes',
    });
    expect(faults.map((fault) => fault.split(' ')[0])).toEqual([
      'PORT',
      'PUBLIC_URL',
      'DATABASE_URL',
      'LOG_LEVEL',
      'TRUSTED_PROXIES',
      'ALLOW_LOOPBACK_HTTP',
    ]);
  });

  it.each([
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', '1e3'],
    ['PORT', ' 80'],
    ['ACCESS_TOKEN_SECONDS', '901'],
    ['DATABASE_POOL', '1'],
    ['PUBLIC_URL', 'https://user@rollcall.example'],
    ['PUBLIC_URL', 'https://rollcall.example/?a=1'],
    ['TRUSTED_PROXIES', '10.0.0.0/33'],
  ])('refuses %s=%s', (name, value) => {
    expect(faultsOf({ [name]: value })).toEqual([expect.stringMatching(new RegExp(`^${name} must `))]);
  });

  it('G3 never quotes a secret in a fault', () => {
    const faults = faultsOf({ ROLLCALL_SECRET: 'hunter2', DATABASE_URL: 'mysql://root:hunter2@host' });
    expect(faults).toHaveLength(2);
    expect(faults.join()).not.toContain('hunter2');
  });

  describe('in production', () => {
    const whole = { NODE_ENV: 'production', ROLLCALL_SECRET: SECRET, PUBLIC_URL: 'https://rollcall.example' };

    it('starts with a secret and an https address', () => {
      expect(faultsOf(whole)).toEqual([]);
    });

    it.each([
      [{ ROLLCALL_SECRET: '' }, 'ROLLCALL_SECRET'],
      [{ PUBLIC_URL: '' }, 'PUBLIC_URL'],
      [{ PUBLIC_URL: 'http://rollcall.example' }, 'PUBLIC_URL'],
      [{ ALLOW_LOOPBACK_HTTP: 'true' }, 'ALLOW_LOOPBACK_HTTP'],
      [{ INSTANCES: '2' }, 'INSTANCES'],
    ])('refuses to start with %j', (unsafe, name) => {
      expect(faultsOf({ ...whole, ...unsafe })).toEqual([expect.stringMatching(new RegExp(`^${name} `))]);
    });
  });

  it('takes a secret from the file that NAME_FILE names, without the line end', () => {
    const folder = mkdtempSync(join(tmpdir(), 'rollcall-config-'));
    try {
      const file = join(folder, 'secret');
      writeFileSync(file, `${SECRET}\n`);
      expect(readConfig({ ROLLCALL_SECRET_FILE: file }).ROLLCALL_SECRET).toBe(SECRET);
      expect(faultsOf({ ROLLCALL_SECRET_FILE: file, ROLLCALL_SECRET: SECRET })).toEqual([
        'ROLLCALL_SECRET and ROLLCALL_SECRET_FILE are both set',
      ]);
      expect(faultsOf({ ROLLCALL_SECRET_FILE: join(folder, 'none') })).toHaveLength(1);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
