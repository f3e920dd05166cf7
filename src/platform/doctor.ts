import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { type Config, ConfigError, readConfig } from './config.js';
import type { Database } from './database.js';

export interface Finding {
  name: string;
  isGood: boolean;
  detail: string;
}

/** What only a layer above can tell of a database that has had every migration. */
type Check = (config: Config, database: Database) => Promise<Finding[]>;

type Env = Readonly<Record<string, string | undefined>>;

const SKEW_MS_MAX = 2000;
const SECRET_CHARACTERS_MIN = 12;
/** What each engine offered when this was written, and is tested with. */
const MARIADB_MIN = [10, 11];
const MYSQL_MIN = [8, 0];

/** Everything that can be told before users notice; each check that can still be made is made. */
export async function examine(
  env: Env,
  open: (config: Config) => Promise<Database>,
  checkContent: Check,
): Promise<Finding[]> {
  let config: Config;
  try {
    config = readConfig(env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.faults.map((detail) => bad('configuration', detail));
  }
  const findings = [good('configuration', `read; NODE_ENV is ${config.NODE_ENV}`)];
  findings.push(checkSecret(config), checkPublicUrl(config), checkDataFolder(config));
  return [...findings, ...(await checkDatabase(config, open, checkContent))];
}

function checkSecret(config: Config): Finding {
  const secret = config.ROLLCALL_SECRET;
  if (secret === '') return good('secret', 'none set: one is made once in DATA_DIR (not in production)');
  if (new Set(secret).size < SECRET_CHARACTERS_MIN) {
    return bad(
      'secret',
      'ROLLCALL_SECRET has too few different characters; take the output of: openssl rand -base64 48',
    );
  }
  return good('secret', `${Buffer.byteLength(secret)} bytes`);
}

function checkPublicUrl(config: Config): Finding {
  if (config.PUBLIC_URL === '') return good('public URL', `not set: http://${config.HOST}:${config.PORT}`);
  const isWhole = new URL(config.PUBLIC_URL).pathname === '/';
  return isWhole
    ? good('public URL', config.PUBLIC_URL)
    : good('public URL', `${config.PUBLIC_URL} (the proxy before Rollcall must take its path off)`);
}

function checkDataFolder(config: Config): Finding {
  if (config.DATABASE_URL !== '') return good('data folder', 'not needed: DATABASE_URL is set');
  const folder = config.DATA_DIR;
  if (!existsSync(folder)) return good('data folder', `${folder} is made at the first start`);
  try {
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    return bad('data folder', `${folder} cannot be written by this user`);
  }
  const mode = statSync(folder).mode & 0o777;
  if ((mode & 0o007) !== 0) {
    return bad('data folder', `${folder} is open to every user of the machine (mode ${mode.toString(8)}): chmod 700`);
  }
  return good('data folder', `${folder} is ours alone`);
}

async function checkDatabase(
  config: Config,
  open: (config: Config) => Promise<Database>,
  checkContent: Check,
): Promise<Finding[]> {
  let database: Database;
  try {
    database = await open(config);
  } catch (error) {
    const faults = error instanceof ConfigError ? error.faults : [(error as Error).message];
    return faults.map((fault) => bad('database', fault));
  }
  try {
    const pending = await database.findPendingMigrations();
    const findings = [tellMigrations(pending)];
    if (pending.length === 0) findings.push(...(await checkContent(config, database)));
    if (database.engine === 'sqlite') return [good('database', 'embedded SQLite'), ...findings];
    return [await checkServer(database), await checkCollations(database), await checkClock(database), ...findings];
  } catch (error) {
    return [bad('database', (error as Error).message)];
  } finally {
    await database.close();
  }
}

function tellMigrations(pending: string[]): Finding {
  // A new database is migrated by the first start.
  return pending.length === 0
    ? good('migrations', 'all done')
    : good('migrations', `to come with the next start: ${pending.join(', ')}`);
}

async function checkServer(database: Database): Promise<Finding> {
  const rows: { version: string }[] = await database.read.query('SELECT VERSION() AS version');
  const version = rows[0]?.version ?? '';
  const isMariadb = /mariadb/i.test(version);
  const name = `${isMariadb ? 'MariaDB' : 'MySQL'} ${/^[\d.]+/.exec(version)?.[0] ?? version}`;
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  const [majorMin = 0, minorMin = 0] = isMariadb ? MARIADB_MIN : MYSQL_MIN;
  const isNew = major > majorMin || (major === majorMin && minor >= minorMin);
  return isNew ? good('database', name) : bad('database', `${name} is older than ${majorMin}.${minorMin}`);
}

/** A column that compares `josé` = `jose` or `admin ` = `admin` is a way into someone else's account. */
async function checkCollations(database: Database): Promise<Finding> {
  const rows: { place: string; collation: string }[] = await database.read.query(
    `SELECT CONCAT(TABLE_NAME, '.', COLUMN_NAME) AS place, COLLATION_NAME AS collation
     FROM information_schema.COLUMNS
     WHERE TABLE_SCHEMA = DATABASE() AND COLLATION_NAME IS NOT NULL AND TABLE_NAME <> 'migrations'`,
  );
  const loose = rows.filter((row) => !isByteForByte(row.collation));
  return loose.length === 0
    ? good('collations', 'text compares byte for byte')
    : bad('collations', `text is not compared byte for byte in ${loose.map((row) => row.place).join(', ')}`);
}

/** MariaDB: `utf8mb4_nopad_bin`; MySQL 8: `utf8mb4_0900_bin`. Plain `utf8mb4_bin` pads with spaces. */
export function isByteForByte(collation: string): boolean {
  return /^(utf8mb4_(nopad|0900)_bin|binary)$/.test(collation);
}

async function checkClock(database: Database): Promise<Finding> {
  const before = Date.now();
  const rows: { now: string | number }[] = await database.read.query('SELECT UNIX_TIMESTAMP(NOW(6)) AS now');
  const ours = (before + Date.now()) / 2;
  const skewMs = Math.abs(Number(rows[0]?.now) * 1000 - ours);
  const detail = `${Math.round(skewMs)} ms from the database's`;
  return skewMs <= SKEW_MS_MAX ? good('clock', detail) : bad('clock', `${detail}: one of the two is wrong`);
}

function good(name: string, detail: string): Finding {
  return { name, isGood: true, detail };
}

function bad(name: string, detail: string): Finding {
  return { name, isGood: false, detail };
}
