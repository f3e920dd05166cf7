import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';

interface Report {
  success: boolean;
  numFailedTests: number;
  numPassedTests: number;
  numRuntimeErrorTestSuites: number;
  testResults: { name: string; status: string; message: string; assertionResults: { status: string }[] }[];
}

const IMPORTS =
  "import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'; import os from 'node:os';" +
  "import { createServer } from 'node:http'; const pause = (ms) => new Promise((done) => setTimeout(done, ms));";

/** Leaves behind what a file can, and holds only where no other file did so before it. */
const UNTIDY = `
  it('finds nothing of another file', () => {
    const seen = [process.env.LEFT, process.exitCode, 'clock' in setTimeout, jest.isMockFunction(os.hostname)];
    expect(seen).toEqual([undefined, undefined, false, false]);
    process.env.LEFT = '1';
    process.exitCode = 3;
    jest.spyOn(os, 'hostname').mockReturnValue('spied');
    jest.useFakeTimers();
    jest.setTimeout(1);
  });`;

/** What a test file does, and how many of its tests fail; null: the file itself does. */
const failures: [string, string, number | null][] = [
  ['wrong', `it('is wrong', () => expect(1).toBe(2)); it('is right', () => expect(1).toBe(1));`, 1],
  ['errors-differ', `it('is wrong', () => expect(new Error('x')).toEqual(new Error('y')));`, 1],
  ['unawaited', `it('is wrong', () => void expect(pause(1)).resolves.toBe(2)); it('waits', () => pause(30));`, 1],
  ['unasserted', `it('asserts nothing', () => expect.assertions(1));`, 1],
  ['before-all', `beforeAll(() => { throw new Error(); }); it('a', () => {}); it('b', () => {});`, 2],
  ['after-all', `afterAll(() => { throw new Error(); }); it('a', () => {});`, null],
  ['late', `it('never ends', () => new Promise(() => {}), 50);`, 1],
  ['stray', `it('a', async () => { void Promise.reject(new Error('stray')); await pause(10); });`, 1],
  ['thrown-later', `it('a', async () => { setTimeout(() => { throw new Error(); }, 1); await pause(20); });`, 1],
  ['empty', '', null],
  ['no-syntax', `it('a', () => {`, null],
  ['no-module', `import './none.js'; it('a', () => {});`, null],
  ['top', `throw new Error('at the top');`, null],
  ['in-describe', `describe('d', () => { it('a', () => {}); throw new Error(); });`, null],
  ['left-server', `it('a', (done) => { createServer().listen(0, '127.0.0.1', done); });`, null],
];

describe('the runner of the tests', () => {
  let folder: string;
  let report: Report;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'rollcall-runner-'));
    const files: [string, string][] = [
      ['untidy', UNTIDY],
      ['untidy-too', UNTIDY],
      ...failures.map(([a, b]) => [a, b] as [string, string]),
    ];
    mkdirSync(join(folder, 'cache'));
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    for (const [name, body] of files) writeFileSync(join(folder, `${name}.spec.js`), `${IMPORTS}\n${body}\n`);
    const { jest: ours } = JSON.parse(readFileSync('package.json', 'utf8')) as { jest: Record<string, string> };
    const at = (path = '') => resolve(path.replace('<rootDir>', 'dist'));
    const config = {
      ...ours,
      rootDir: folder,
      runtime: at(ours.runtime),
      testEnvironment: at(ours.testEnvironment),
      testEnvironmentOptions: { endMsMax: 0 },
      cacheDirectory: join(folder, 'cache'),
    };
    const bin = join(dirname(createRequire(import.meta.url).resolve('jest/package.json')), 'bin', 'jest.js');
    const args = [bin, '--config', JSON.stringify(config), '--runInBand', '--forceExit', '--json'];
    const ended = spawnSync(process.execPath, args, { encoding: 'utf8', cwd: folder });
    report = JSON.parse(ended.stdout) as Report;
  }, 60_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const resultOf = (name: string) => report.testResults.find((each) => basename(each.name) === `${name}.spec.js`);

  it.each(failures)('fails a file that is %s: %s', (name, _, failing) => {
    const found = resultOf(name);
    expect(found?.status).toBe('failed');
    const failed = found?.assertionResults.filter((each) => each.status === 'failed') ?? [];
    expect(failed).toHaveLength(failing ?? 0);
  });

  it('undoes after each file what that left behind', () => {
    expect(['untidy', 'untidy-too'].map((name) => resultOf(name)?.message)).toEqual(['', '']);
  });

  it('counts them all', () => {
    const byTest = failures.reduce((sum, [, , failing]) => sum + (failing ?? 0), 0);
    expect(report.success).toBe(false);
    expect(report.numFailedTests).toBe(byTest);
    expect(report.numRuntimeErrorTestSuites).toBe(failures.filter(([, , failing]) => failing === null).length);
  });
});
