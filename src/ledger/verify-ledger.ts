import type { Database } from '../platform/database.js';
import { checkpointText } from './checkpoints.js';
import { readParcels, readUnnumbered } from './event-parcels.js';
import { EVENT_COLUMNS, type EventRow, readSkeleton } from './event-rows.js';
import { digestPersonal } from './ledger.service.js';
import { GENESIS, sealEvent } from './seal-event.js';

export interface LedgerFault {
  tenantId: string;
  /** The first number that does not fit; null for a row that has none. */
  number: number | null;
  eventId: string | null;
  /** What does not fit, in a sentence. */
  detail: string;
}

export interface LedgerReport {
  tenants: number;
  events: number;
  /** Events whose personal part was erased; no fault. */
  erased: number;
  checkpoints: number;
  /** False when no `checkSignature` was given: checkpoints were compared, their signatures not checked. */
  signaturesChecked: boolean;
  /** By tenant and number, those without a number last; at most 100 a tenant. Empty: everything fits. */
  faults: LedgerFault[];
}

export interface VerifyOptions {
  /** Only this tenant; default all. */
  tenantId?: string;
  /** Whether `signature` over `text` is of the published key `kid`. */
  checkSignature?: (kid: string, text: string, signature: string) => Promise<boolean>;
}

const PAGE = 2000;
const FAULTS_MAX = 100;

interface Head {
  number: number;
  hash: string;
}

/** One tenant's, with the seals that checkpoints were signed for, by number. */
interface Ledger {
  tenantId: string;
  head: Head;
  signed: ReadonlyMap<number, string>;
}

interface OrderRow extends EventRow {
  number: number;
  hash: string;
  eventId: string;
  salt: string | null;
  personal: string | null;
}

interface CheckpointRow {
  number: number;
  hash: string;
  at: number;
  kid: string;
  signature: string;
}

/**
 * Recomputes every seal from the rows, a page at a time, and names what was altered, removed or inserted. Runs beside
 * a working service. A ledger that was rewritten with all its seals and its head is found by the checkpoints alone.
 */
export async function verifyLedger(database: Database, options: VerifyOptions = {}): Promise<LedgerReport> {
  const tenantIds = options.tenantId === undefined ? await findTenants(database) : [options.tenantId];
  const report: LedgerReport = {
    tenants: tenantIds.length,
    events: 0,
    erased: 0,
    checkpoints: 0,
    signaturesChecked: options.checkSignature !== undefined,
    faults: [],
  };
  for (const tenantId of tenantIds) {
    const faults = new TenantFaults(tenantId);
    const head = await readHead(database, tenantId, faults);
    const checkpoints = await readCheckpoints(database, tenantId);
    await verifyCheckpoints(tenantId, checkpoints, head, options, faults);
    const signed = new Map(checkpoints.map((row) => [row.number, row.hash]));
    await verifyChain(database, { tenantId, head, signed }, report, faults);
    await findUnnumbered(database, tenantId, faults);
    report.checkpoints += checkpoints.length;
    report.faults.push(...faults.inOrder());
  }
  return report;
}

class TenantFaults {
  private readonly found: LedgerFault[] = [];

  constructor(private readonly tenantId: string) {}

  add(number: number | null, eventId: string | null, detail: string): void {
    if (this.found.length < FAULTS_MAX) this.found.push({ tenantId: this.tenantId, number, eventId, detail });
  }

  inOrder(): LedgerFault[] {
    return this.found.sort((a, b) => (a.number ?? Infinity) - (b.number ?? Infinity));
  }
}

async function findTenants(database: Database): Promise<string[]> {
  const rows: { tenantId: string }[] = await database.read.query(
    `SELECT tenantId FROM ledger_heads UNION SELECT DISTINCT tenantId FROM event_order
     UNION SELECT DISTINCT tenantId FROM events UNION SELECT DISTINCT tenantId FROM ledger_checkpoints ORDER BY tenantId`,
  );
  return rows.map((row) => row.tenantId);
}

/** One statement, so that a sequencer at work in the meantime is no fault. */
async function readHead(database: Database, tenantId: string, faults: TenantFaults): Promise<Head> {
  const rows: { number: number | null; hash: string | null; last: number | null }[] = await database.read.query(
    `SELECT h.number, h.hash, o.number AS last
     FROM (SELECT MAX(number) AS number FROM event_order WHERE tenantId = ?) o
     LEFT JOIN ledger_heads h ON h.tenantId = ?`,
    [tenantId, tenantId],
  );
  const last = Number(rows[0]?.last ?? 0);
  const number = Number(rows[0]?.number ?? 0);
  if (rows[0]?.hash === null && last > 0) {
    faults.add(last, null, 'The head of this ledger is gone.');
    return { number: last, hash: '' };
  }
  if (last > number) faults.add(number + 1, null, `The head is at ${number}, and there are numbers up to ${last}.`);
  return { number, hash: rows[0]?.hash ?? GENESIS };
}

async function readCheckpoints(database: Database, tenantId: string): Promise<CheckpointRow[]> {
  const rows: CheckpointRow[] = await database.read.query(
    'SELECT number, hash, at, kid, signature FROM ledger_checkpoints WHERE tenantId = ? ORDER BY number',
    [tenantId],
  );
  return rows.map((row) => ({ ...row, number: Number(row.number), at: Number(row.at) }));
}

async function verifyCheckpoints(
  tenantId: string,
  checkpoints: readonly CheckpointRow[],
  head: Head,
  options: VerifyOptions,
  faults: TenantFaults,
): Promise<void> {
  for (const { number, hash, at, kid, signature } of checkpoints) {
    if (number > head.number)
      faults.add(head.number + 1, null, `A checkpoint was signed at ${number}: the end is gone.`);
    const text = checkpointText(tenantId, number, hash, at);
    if (options.checkSignature && !(await options.checkSignature(kid, text, signature))) {
      faults.add(number, null, `The signature of the checkpoint at ${number} is not of key ${kid}.`);
    }
  }
}

async function verifyChain(
  database: Database,
  { tenantId, head, signed }: Ledger,
  report: LedgerReport,
  faults: TenantFaults,
): Promise<void> {
  let expected = 1;
  let previous = GENESIS;
  for (;;) {
    const rows = await readPage(database, tenantId, expected - 1, head.number);
    for (const row of rows) {
      const number = Number(row.number);
      if (number > expected) {
        const gap = number === expected + 1 ? `${expected} is gone.` : `${expected} to ${number - 1} are gone.`;
        faults.add(expected, null, `Number ${gap}`);
      } else verifySeal(row, number, previous, faults);
      verifyPersonal(row, number, report, faults);
      if ((signed.get(number) ?? row.hash) !== row.hash) {
        faults.add(number, row.eventId, 'The seal is not the one that a checkpoint was signed for.');
      }
      // Goes on from the seal that is stored, so that each fault is named and not all that follow the first.
      previous = row.hash;
      expected = number + 1;
      report.events += 1;
    }
    if (rows.length < PAGE) break;
  }
  if (expected <= head.number) faults.add(expected, null, `The head is at ${head.number}, and the numbers end before.`);
  else if (head.hash !== '' && head.hash !== previous) {
    faults.add(head.number, null, 'The seal of the head is not that of the last event.');
  }
}

async function readPage(database: Database, tenantId: string, after: number, upTo: number): Promise<OrderRow[]> {
  return database.read.query(
    `SELECT o.number, o.hash, o.eventId, ${EVENT_COLUMNS}, e.salt, e.personal
     FROM event_order o LEFT JOIN events e ON e.id = o.eventId
     WHERE o.tenantId = ? AND o.number > ? AND o.number <= ? ORDER BY o.number LIMIT ${PAGE}`,
    [tenantId, after, upTo],
  );
}

function verifySeal(row: OrderRow, number: number, previous: string, faults: TenantFaults): void {
  if (row.id === null) return faults.add(number, row.eventId, 'The event of this number is gone.');
  if (sealEvent(previous, number, readSkeleton(row)) !== row.hash) {
    faults.add(number, row.eventId, 'The event does not fit its seal: it, its seal or the seal before was altered.');
  }
}

function verifyPersonal(row: OrderRow, number: number, report: LedgerReport, faults: TenantFaults): void {
  if (row.id === null) return;
  if (row.personal === null || row.salt === null) {
    if (row.personalDigest !== null) report.erased += 1;
  } else if (digestPersonal(row.salt, row.personal) !== row.personalDigest) {
    faults.add(number, row.eventId, 'The personal part of the event was altered or added.');
  }
}

/** Events that have no number and wait for none were inserted past the ledger, or their number was taken away. */
async function findUnnumbered(database: Database, tenantId: string, faults: TenantFaults): Promise<void> {
  let after = '';
  for (;;) {
    const window: { id: string | null }[] = await database.read.query(
      `SELECT MAX(id) AS id FROM (SELECT id FROM events WHERE tenantId = ? AND id > ? ORDER BY id LIMIT ${10 * PAGE}) some`,
      [tenantId, after],
    );
    const upTo = window[0]?.id ?? null;
    if (upTo === null) break;
    const rows: { id: string }[] = await database.read.query(
      `SELECT e.id FROM events e LEFT JOIN event_order o ON o.eventId = e.id
       WHERE e.tenantId = ? AND e.id > ? AND e.id <= ? AND o.eventId IS NULL ORDER BY e.id`,
      [tenantId, after, upTo],
    );
    const ids = rows.map((row) => row.id);
    for (const id of await findForgotten(database, tenantId, ids)) {
      faults.add(null, id, 'The event has no number and waits for none.');
    }
    after = upTo;
  }
}

/** Those that are not queued either. What was queued a moment ago may have its number by now. */
async function findForgotten(database: Database, tenantId: string, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return [];
  const parcels = await readParcels(database.read, [tenantId]);
  const queued = new Set(parcels.flatMap(({ eventIds }) => eventIds));
  const left = await readUnnumbered(
    database.read,
    ids.filter((id) => !queued.has(id)),
  );
  return left.map((event) => event.id).sort();
}
