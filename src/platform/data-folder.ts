import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import LibsqlDatabase from 'libsql';
import { type Config, ConfigError } from './config.js';

const LOCK_FILE = 'rollcall.lock';

/** What keeps another service out of a folder; given back when the process ends, however it ends. */
export interface FolderLock {
  release(): void;
}

/** Makes DATA_DIR if it is not there. Throws ConfigError. */
export function makeDataFolder({ DATA_DIR: folder }: Pick<Config, 'DATA_DIR'>): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new ConfigError([`DATA_DIR names a folder that cannot be made: ${(error as Error).message}`]);
  }
}

/**
 * Keeps every other service out of DATA_DIR until `release`: the embedded database serves one. Commands take no lock,
 * and work beside the service. The lock is SQLite's own on an empty file, which the operating system takes back from a
 * process that was killed. Throws ConfigError when another has it.
 */
export function lockDataFolder(config: Pick<Config, 'DATA_DIR'>): FolderLock {
  makeDataFolder(config);
  try {
    const file = new LibsqlDatabase(join(config.DATA_DIR, LOCK_FILE));
    file.exec('BEGIN EXCLUSIVE');
    return { release: () => file.close() };
  } catch (error) {
    const { code, message } = error as { code?: unknown; message: string };
    throw new ConfigError([
      code === 'SQLITE_BUSY'
        ? `DATA_DIR ${config.DATA_DIR} is in use by another Rollcall that runs: the embedded database serves one. Stop ` +
          'that one, give this one a DATA_DIR of its own, or let both share a server (DATABASE_URL)'
        : `DATA_DIR ${config.DATA_DIR} cannot be written: ${message}`,
    ]);
  }
}
