import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createScratchDatabase } from '../support/databases.js';
import { startProcess } from '../support/start-process.js';

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
  it('names ROLLCALL_SECRET when it opens none of the signing keys, and makes no key of its own', async () => {
    const scratch = await createScratchDatabase();
    const started = await startProcess({ ...scratch.env, ROLLCALL_SECRET: 'old secret of thirty-two bytes or more' });
    await started.stop();
    const env = envWith({ ...scratch.env, ROLLCALL_SECRET: 'new secret of thirty-two bytes or more' });
    const { status, stderr } = spawnSync(process.execPath, [SERVICE], { env, encoding: 'utf8' });
    expect([status, stderr.split('\n')]).toEqual([
      1,
      [
        'Rollcall cannot start with this configuration:',
        expect.stringMatching(/^ {2}- ROLLCALL_SECRET opens none of the signing keys /),
        '',
      ],
    ]);
    const doctor = spawnSync(process.execPath, ['dist/src/cli.js', 'doctor'], { env, encoding: 'utf8' });
    expect([doctor.status, doctor.stdout]).toEqual([
      1,
      expect.stringMatching(/^FAIL {2}sealed: 0 of 1 signing keys and 0 of 0 credentials open; /m),
    ]);
    await scratch.drop();
  }, 30_000);
});
