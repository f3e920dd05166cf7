import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import mysql from 'mysql2/promise';

/** An empty database of its own for one test file, and the settings that lead to it. */
export interface ScratchDatabase {
  env: Record<string, string>;
  drop(): Promise<void>;
}

/** The engine under test: the runner runs the end-to-end tests once for each. */
export const engine: 'sqlite' | 'mysql' = process.env.TEST_ENGINE === 'mysql' ? 'mysql' : 'sqlite';

export async function createScratchDatabase(): Promise<ScratchDatabase> {
  const folder = mkdtempSync(join(process.env.TEST_FOLDER ?? tmpdir(), 'rollcall-test-'));
  const dropFolder = () => rmSync(folder, { recursive: true, force: true });
  if (engine === 'sqlite') {
    return { env: { DATA_DIR: folder }, drop: async () => dropFolder() };
  }
  const server = process.env.TEST_MYSQL_URL;
  if (!server) throw new Error('TEST_ENGINE=mysql needs TEST_MYSQL_URL (mysql://user:password@host:port)');
  const name = `rollcall_test_${randomBytes(6).toString('hex')}`;
  const admin = await mysql.createConnection({ uri: server });
  await admin.query(`CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return {
    env: { DATA_DIR: folder, DATABASE_URL: url.toString() },
    drop: async () => {
      await admin.query(`DROP DATABASE ${name}`);
      await admin.end();
      dropFolder();
    },
  };
}
