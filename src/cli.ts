#!/usr/bin/env node
import { Command } from 'commander';
import { ConfigError, readConfig } from './platform/config.js';
import type { Database } from './platform/database.js';
import { examine } from './platform/doctor.js';
import { openDatabase } from './platform/open-database.js';
import { shape } from './tables.js';

/** The doctor says what is now; everything else waits for a server that is still starting. */
const DOCTOR_WAIT_MS = 0;

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Runs `work` on the configured database and closes it, whatever happens. */
async function withDatabase(work: (database: Database) => Promise<void>): Promise<void> {
  const database = await openDatabase(readConfig(process.env), shape);
  try {
    await work(database);
  } finally {
    await database.close();
  }
}

const program = new Command('rollcall')
  .description('The command line of Rollcall. Reads the same environment as the service (docs/configuration.md).')
  .showHelpAfterError();

program
  .command('migrate')
  .description('bring the database to this version (the service does so itself when it starts)')
  .action(() =>
    withDatabase(async (database) => {
      const done = await database.migrate();
      say(done.length === 0 ? 'nothing to migrate' : done.map((name) => `migrated: ${name}`).join('\n'));
    }),
  );

program
  .command('doctor')
  .description('check configuration, database, clock and files; exit code 1 if anything fails')
  .action(async () => {
    const findings = await examine(process.env, (config) => openDatabase(config, shape, DOCTOR_WAIT_MS));
    for (const finding of findings) say(`${finding.isGood ? 'ok  ' : 'FAIL'}  ${finding.name}: ${finding.detail}`);
    process.exitCode = findings.every((each) => each.isGood) ? 0 : 1;
  });

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(
    `${error instanceof ConfigError || process.env.LOG_LEVEL !== 'debug' ? (error as Error).message : (error as Error).stack}\n`,
  );
  process.exitCode = 1;
}
