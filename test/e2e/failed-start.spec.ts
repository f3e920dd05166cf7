import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from '@jest/globals';

const SERVICE = 'dist/src/main.js';
const envWith = (settings: Record<string, string>) => ({
  PATH: process.env.PATH ?? '',
  NODE_ENV: 'test',
  PORT: '0',
  ...settings,
});

describe('a service that cannot start', () => {
  let child: ChildProcess | null = null;
  afterEach(() => {
    child?.kill('SIGKILL');
    child = null;
  });

  it('says at once that the database server does not answer, where it is and how long it tries; no password', async () => {
    const env = envWith({ DATABASE_URL: 'mysql://u:s3cret@127.0.0.1:1/rollcall' });
    child = spawn(process.execPath, [SERVICE], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(child.stdout ?? process.stdin, 'data')) as [Buffer];
    expect(JSON.parse(String(line))).toMatchObject({
      level: 'warn',
      msg: expect.stringMatching(
        /^the database at 127\.0\.0\.1:1 does not answer \(connect ECONNREFUSED 127\.0\.0\.1:1\); trying until 2\S+Z$/,
      ),
    });
    expect(String(line)).not.toContain('s3cret');
  });

  it('names DATA_DIR when there can be no such folder, without a stack', () => {
    const env = envWith({ DATA_DIR: `${import.meta.filename}/x` });
    const { status, stderr } = spawnSync(process.execPath, [SERVICE], { env, encoding: 'utf8' });
    expect([status, stderr.split('\n')]).toEqual([
      1,
      [
        'Rollcall cannot start with this configuration:',
        expect.stringMatching(/^ {2}- DATA_DIR names a folder that cannot be made: ENOTDIR/),
        '',
      ],
    ]);
  });
});
