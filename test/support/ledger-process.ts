import { LedgerPulse } from '../../src/ledger/ledger-pulse.js';
import { LedgerService } from '../../src/ledger/ledger.service.js';
import { numberEvents } from '../../src/ledger/number-events.js';
import { Clock } from '../../src/platform/clock.js';
import { readConfig } from '../../src/platform/config.js';
import { databaseTroubleOf } from '../../src/platform/database-errors.js';
import { openDatabase } from '../../src/platform/open-database.js';
import { shape } from '../../src/tables.js';
import { writeTransactions } from './ledger-writers.js';

/**
 * A process to be killed: writes to the ledgers of the tenants that its arguments name and numbers events, without an
 * end, and prints the subjects of each commit, a line a commit, after it.
 */
const database = await openDatabase(readConfig(process.env), shape);
const ledger = new LedgerService(new Clock(), new LedgerPulse());
const tenantIds = process.argv.slice(2);

async function write(): Promise<never> {
  for (;;) {
    await writeTransactions(database, ledger, tenantIds, 100, (subjectIds) => {
      process.stdout.write(`${subjectIds.join(' ')}\n`);
    });
  }
}

async function sequence(): Promise<never> {
  for (;;) {
    await numberEvents(database, 20).catch((error: unknown) => {
      if (databaseTroubleOf(error) !== 'duplicate') throw error;
    });
    await new Promise((resolve) => setImmediate(resolve));
  }
}

await Promise.all([write(), write(), sequence()]);
