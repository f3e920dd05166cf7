import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, existsSync, mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type MysqlServer, startMysqlServer } from './mysql-server.js';

/**
 * `npm test [-- pattern …]`: every test on the embedded database, then the end-to-end tests again on a server. Ends
 * with the engines that ran and one line of counts; the exit code is 0 only if nothing failed and something ran.
 */

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

interface JestReport {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numRuntimeErrorTestSuites: number;
}

const WORKERS = '2';
const MEMORY = '/dev/shm';
const MEMORY_BYTES_MIN = 4 * 1024 ** 3;
const jest = join(dirname(createRequire(import.meta.url).resolve('jest/package.json')), 'bin', 'jest.js');
const patterns = process.argv.slice(2);
const scratch = mkdtempSync(join(findParent(), 'rollcall-run-'));
const total: Counts = { passed: 0, failed: 0, skipped: 0 };
const engines: string[] = [];
let running: ChildProcess | null = null;
let server: MysqlServer | null = null;
let interrupted = false;

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Tests end processes, never the machine: where there is memory to spare, their databases lie in it and no disk is waited for. */
function findParent(): string {
  try {
    accessSync(MEMORY, constants.W_OK);
    const { bavail, bsize } = statfsSync(MEMORY);
    if (Math.min(bavail * bsize, process.availableMemory()) >= MEMORY_BYTES_MIN) return MEMORY;
  } catch {
    // This system has none.
  }
  return tmpdir();
}

async function runJest(args: string[], env: Record<string, string>): Promise<void> {
  if (interrupted) return;
  const report = join(scratch, 'report.json');
  rmSync(report, { force: true });
  running = spawn(
    process.execPath,
    [jest, '--passWithNoTests', '--forceExit', `--maxWorkers=${WORKERS}`, '--json', `--outputFile=${report}`, ...args],
    {
      // Jest prints its report to stderr, and with --json the same JSON to stdout again.
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        ...process.env,
        TEST_FOLDER: scratch,
        ROLLCALL_ANSWERS: join(scratch, 'answers'),
        ...env,
      },
    },
  );
  const child = running;
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  running = null;
  const found = existsSync(report) ? (JSON.parse(readFileSync(report, 'utf8')) as JestReport) : null;
  const failed = found ? found.numFailedTests + found.numRuntimeErrorTestSuites : 0;
  total.passed += found?.numPassedTests ?? 0;
  total.skipped += found?.numPendingTests ?? 0;
  // A run that ended badly without a failed test to show for it failed all the same.
  total.failed += failed === 0 && code !== 0 ? 1 : failed;
}

async function runServerLeg(): Promise<void> {
  if (process.env.SQLITE_ONLY === '1') {
    say('\nSQLITE_ONLY=1: the tests on a MySQL-protocol server are left out.');
    return;
  }
  server = await startMysqlServer(say, scratch);
  say(`\nEnd-to-end tests on ${server.name}`);
  await runJest(['--roots', join(process.cwd(), 'dist/test/e2e'), '--', ...patterns], {
    TEST_ENGINE: 'mysql',
    TEST_MYSQL_URL: server.url,
  });
  engines.push(server.name);
}

async function main(): Promise<void> {
  say('All tests on SQLite');
  await runJest(['--', ...patterns], { TEST_ENGINE: 'sqlite' });
  engines.push('SQLite');
  await runServerLeg();
  // Which documented operations no test called can only be said when all of them ran.
  if (patterns.length === 0) await runJest(['--testMatch', '**/test/contract/*.after.js'], {});
  if (total.passed + total.failed === 0) {
    say(`No test matches ${patterns.join(' ')}.`);
    total.failed = 1;
  }
}

async function cleanUp(): Promise<void> {
  await server?.stop();
  server = null;
  rmSync(scratch, { recursive: true, force: true });
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    interrupted = true;
    running?.kill('SIGTERM');
    void cleanUp().finally(() => process.exit(130));
  });
}

try {
  await main();
} catch (error) {
  say(`\n${error instanceof Error ? error.message : String(error)}`);
  total.failed += 1;
} finally {
  await cleanUp();
}
if (!interrupted) {
  say(`\nEngines: ${engines.join(', ')}${process.env.SQLITE_ONLY === '1' ? ' (MySQL left out by SQLITE_ONLY=1)' : ''}`);
  say(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`);
  process.exitCode = total.failed > 0 ? 1 : 0;
}
