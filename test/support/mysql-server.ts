import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import mysql from 'mysql2/promise';

/** A server that speaks MySQL's protocol, for tests and measurements; commits on it are durable. */
export interface MysqlServer {
  /** `mysql://user:password@127.0.0.1:port`, without a database; the user may create databases. */
  url: string;
  /** Such as `MariaDB 10.11.6`. */
  name: string;
  /** Ends a server that was started here and removes its files; leaves a server that was there before alone. */
  stop(): Promise<void>;
}

/** A server that a test may end, hang and start again, with what it held. */
export interface OwnMysqlServer extends MysqlServer {
  signal(signal: NodeJS.Signals): void;
  halt(): Promise<void>;
  restart(): Promise<void>;
}

const FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/usr/libexec', '/usr/local/mysql/bin', '/opt/homebrew/bin'];
const START_MS_MAX = 60_000;
const STOP_MS_MAX = 20_000;
const HOW_TO =
  'The tests also run on a real MySQL-protocol server. Install one (Debian/Ubuntu: apt-get install mariadb-server; ' +
  'macOS: brew install mariadb), or name one in TEST_MYSQL_URL=mysql://user:password@host:port, ' +
  'or leave that half out with SQLITE_ONLY=1.';

/**
 * The server at TEST_MYSQL_URL; else one of this machine's binaries, started on a scratch folder in `parent` and a free
 * port; else, as root where there is apt-get, MariaDB is installed first. Throws, saying what to install, when there is
 * none.
 */
export async function startMysqlServer(
  say: (text: string) => void = () => undefined,
  parent = tmpdir(),
): Promise<MysqlServer> {
  const given = process.env.TEST_MYSQL_URL;
  if (given) return { url: given, name: await nameOf(given), stop: async () => undefined };
  let binary = findBinary(['mariadbd', 'mysqld']);
  if (!binary && isRoot() && findBinary(['apt-get'])) {
    say('installing mariadb-server with apt-get');
    installMariadb();
    binary = findBinary(['mariadbd', 'mysqld']);
  }
  if (!binary) throw new Error(HOW_TO);
  return startBinary(binary, parent);
}

/** One that nobody else uses, from a binary of this machine. */
export async function startOwnMysqlServer(): Promise<OwnMysqlServer> {
  const binary = findBinary(['mariadbd', 'mysqld']);
  if (!binary) throw new Error(HOW_TO);
  return startBinary(binary, tmpdir());
}

async function startBinary(binary: string, parent: string): Promise<OwnMysqlServer> {
  const folder = mkdtempSync(join(parent, 'rollcall-mysql-'));
  // A server that starts removes all temporary tables of its temporary folder, another server's too.
  const env = { ...process.env, TMPDIR: folder };
  let child: ChildProcess | null = null;
  const stop = async () => {
    if (child) await endProcess(child);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const data = join(folder, 'data');
    createDataFolder(binary, data, env);
    const port = await findFreePort();
    const first = join(folder, 'first.sql');
    writeFileSync(first, grantsSql());
    const url = `mysql://rollcall:rollcall@127.0.0.1:${port}`;
    const restart = async () => {
      // In a group of its own: Ctrl-C in the terminal is for us, who then end it in order.
      const started = spawn(binary, serverArguments(folder, data, port, first), {
        stdio: 'ignore',
        detached: true,
        env,
      });
      child = started;
      await waitFor(url, started, join(folder, 'errors.log'));
    };
    await restart();
    const halt = async () => void (child && (await endProcess(child)));
    const signal = (name: NodeJS.Signals) => void child?.kill(name);
    return { url, name: await nameOf(url), stop, signal, halt, restart };
  } catch (error) {
    await stop();
    throw error;
  }
}

function serverArguments(folder: string, data: string, port: number, first: string): string[] {
  return [
    '--no-defaults',
    ...asUser(),
    `--datadir=${data}`,
    `--socket=${join(folder, 's.sock')}`,
    `--pid-file=${join(folder, 'server.pid')}`,
    `--log-error=${join(folder, 'errors.log')}`,
    `--init-file=${first}`,
    '--bind-address=127.0.0.1',
    `--port=${port}`,
    '--skip-name-resolve',
    '--skip-log-bin',
    '--max-connections=400',
    '--innodb-buffer-pool-size=512M',
    // What is acknowledged is on the disk: the figures of a server that only pretends would say nothing.
    '--innodb-flush-log-at-trx-commit=1',
  ];
}

function grantsSql(): string {
  return [
    `CREATE USER IF NOT EXISTS 'rollcall'@'127.0.0.1' IDENTIFIED BY 'rollcall';`,
    `GRANT ALL PRIVILEGES ON *.* TO 'rollcall'@'127.0.0.1' WITH GRANT OPTION;`,
    '',
  ].join('\n');
}

function createDataFolder(binary: string, data: string, env: NodeJS.ProcessEnv): void {
  const version = spawnSync(binary, ['--no-defaults', '--version'], { encoding: 'utf8' }).stdout;
  if (!/mariadb/i.test(version)) {
    return runOrThrow(binary, ['--no-defaults', ...asUser(), '--initialize-insecure', `--datadir=${data}`], env);
  }
  const installer = findBinary(['mariadb-install-db', 'mysql_install_db']);
  if (!installer) throw new Error(`${binary} is there, but neither mariadb-install-db nor mysql_install_db.`);
  const options = ['--auth-root-authentication-method=normal', '--skip-test-db'];
  runOrThrow(installer, ['--no-defaults', ...asUser(), `--datadir=${data}`, ...options], env);
}

/** The server refuses to run as root unless it is told so by name; on a scratch folder there is nothing to protect. */
function asUser(): string[] {
  return isRoot() ? ['--user=root'] : [];
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function installMariadb(): void {
  // RUNLEVEL=1 keeps the package from starting a server of its own on the default port.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  runOrThrow('apt-get', ['update', '-q'], env);
  runOrThrow('apt-get', ['install', '-y', '-q', '--no-install-recommends', 'mariadb-server'], env);
}

function runOrThrow(command: string, args: string[], env: NodeJS.ProcessEnv = process.env): void {
  const ended = spawnSync(command, args, { encoding: 'utf8', env, maxBuffer: 64 * 1024 * 1024 });
  if (ended.status === 0) return;
  const output = `${ended.stdout}${ended.stderr}`.trim().split('\n').slice(-15).join('\n');
  throw new Error(`${command} failed (${ended.error?.message ?? ended.status}):\n${output}`);
}

function findBinary(names: string[]): string | null {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...FOLDERS];
  for (const name of names) {
    for (const folder of folders) {
      try {
        accessSync(join(folder, name), constants.X_OK);
        return join(folder, name);
      } catch {
        // Not here.
      }
    }
  }
  return null;
}

async function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

async function waitFor(url: string, child: ChildProcess, log: string): Promise<void> {
  const deadline = Date.now() + START_MS_MAX;
  for (;;) {
    try {
      await nameOf(url);
      return;
    } catch (error) {
      if (child.exitCode !== null || Date.now() > deadline) {
        throw new Error(`The database server did not start:\n${tailOf(log)}`, { cause: error });
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

function tailOf(log: string): string {
  try {
    return readFileSync(log, 'utf8').trim().split('\n').slice(-15).join('\n');
  } catch {
    return '(it wrote no log)';
  }
}

async function nameOf(url: string): Promise<string> {
  const connection = await mysql.createConnection({ uri: url, connectTimeout: 5000 });
  try {
    const [rows] = await connection.query<mysql.RowDataPacket[]>('SELECT VERSION() AS version');
    const version = String(rows[0]?.version);
    return `${/mariadb/i.test(version) ? 'MariaDB' : 'MySQL'} ${/^[\d.]+/.exec(version)?.[0] ?? version}`;
  } finally {
    await connection.end();
  }
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
  await ended;
  clearTimeout(timer);
}
