import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkFile, type CsvFile, type FileReading, readFile } from './csv-file.js';
import { checkRefusedPath, type RefusedRow, writeRefused } from './refused-rows.js';
import { getJson, readAll, Refusal, sendRecords, type Service } from './send-records.js';

export interface ImportOrder {
  reading: FileReading;
  service: Service;
  /** Null: the one that the key is bound to. */
  connection: string | null;
  dryRun: boolean;
  /** Whoever the scope has and the file does not name is switched off. */
  mode: 'upsert' | 'snapshot';
  /** The part of the connection that the file speaks for; null: the whole. */
  scope: string | null;
  /** RFC 3339; when the file was true. Null: now. */
  statedAt: string | null;
  /** Where the rows go that were refused. */
  refusedPath: string;
}

export interface ImportReport {
  rows: number;
  counts: Record<string, number>;
  refused: number;
  run: string | null;
  remark: string | null;
}

/** Told as the import goes on: rows on their way, of how many. */
export type Progress = (sent: number, rows: number) => void;

export interface Listener {
  show: Progress;
  /** Something that whoever waits should know. */
  note(text: string): void;
}

/** A service that restarts, or a line that breaks: the same key goes on where it was. */
const TRIES = 12;
const PAUSE_MS = 2000;

/**
 * Sends the people of a CSV file: reads all of it first, so that a file that is none changes nothing; then sends it as
 * one stream, and writes the rows that were refused, each with the reason, as a file that can be mended and sent again.
 */
export async function importUsers(order: ImportOrder, listener: Listener): Promise<ImportReport> {
  const file = await checkFile(order.reading);
  await checkRefusedPath(order.reading.path, order.refusedPath);
  if (order.mode === 'snapshot') await assertWhole(order, file);
  const { counts, failures, run, remark } = order.dryRun
    ? await tryOut(order, file, listener.show)
    : await sendPatiently(order, file, listener);
  // By then it is done: whatever keeps the rows from being written, what became of them all has to be told.
  let trouble: string | null = null;
  const refused = await writeRefused(order, file, failures).catch((error: Error) => {
    trouble = `The refused rows could not be written: ${error.message}`;
    return 0;
  });
  const sum = Object.values(counts).reduce((all, count) => all + count, 0);
  // Of a snapshot every row was sent, and who is missing is counted too.
  const unsent = order.mode === 'snapshot' ? 0 : file.rows - sum;
  const told = [remark, trouble].filter((each) => each !== null).join('\n');
  const all = { ...counts, failed: (counts.failed ?? 0) + unsent };
  return { rows: file.rows, counts: all, refused, run, remark: told === '' ? null : told };
}

/** A row that cannot be sent would make its person missing. */
async function assertWhole(order: ImportOrder, file: CsvFile): Promise<void> {
  const unsent = await countUnsent(order, file);
  if (unsent === 0) return;
  await writeRefused(order, file, each<RefusedRow>([]));
  throw new Error(
    `${unsent} rows cannot be read, and a snapshot has to name everybody: nothing was sent. The rows, with the reason: ` +
      `${order.refusedPath}`,
  );
}

async function countUnsent({ reading }: ImportOrder, file: CsvFile): Promise<number> {
  let unsent = 0;
  for await (const { read } of readFile(reading, file)) if ('problem' in read) unsent += 1;
  return unsent;
}

interface Sent {
  counts: Record<string, number>;
  failures: AsyncIterable<RefusedRow>;
  run: string | null;
  /** What somebody has to know of what it takes away. */
  remark: string | null;
}

interface StreamSummary {
  run: string;
  counts: Record<string, number>;
  status: string;
  error?: string;
  /** The first hundred. */
  failures: RefusedRow[];
}

async function sendPatiently(order: ImportOrder, file: CsvFile, { show, note }: Listener): Promise<Sent> {
  const headers = { 'idempotency-key': `import-${randomUUID()}` };
  for (let left = TRIES; ; left--) {
    try {
      const answer = await sendRecords(order.service, queryOf(order), linesOf(order, file, show), headers);
      const { run, counts, status, error, failures } = JSON.parse(await readAll(answer)) as StreamSummary;
      const remark = status === 'held' ? `held for an admin: ${error ?? ''}` : (error ?? null);
      const areAll = failures.length >= (counts.failed ?? 0);
      return { run, counts, remark, failures: areAll ? each(failures) : readFailures(order.service, run) };
    } catch (error) {
      const told = inWords(error, order.service);
      if (!isPassing(error) || left === 1) throw told;
      if (left === TRIES) note(`${told.message} It is tried again for a while.`);
      await sleep(PAUSE_MS);
    }
  }
}

async function tryOut(order: ImportOrder, file: CsvFile, progress: Progress): Promise<Sent> {
  const failures: RefusedRow[] = [];
  const { counts, removals } = await sendRecords(order.service, queryOf(order), linesOf(order, file, progress), {})
    .then((answer) => readResults(answer, failures))
    .catch((error: unknown) => {
      throw inWords(error, order.service);
    });
  const { missing = 0, held = false, error } = removals ?? {};
  const remark = error ?? (held ? 'what it takes away would be held for an admin' : null);
  const all = missing === 0 ? counts : { ...counts, missing };
  return { run: null, counts: all, remark, failures: each(failures) };
}

interface ResultLine {
  record?: number;
  problem?: { code: string; detail: string };
  counts?: Record<string, number>;
  removals?: { missing?: number; held?: boolean; error?: string };
}

async function readResults(
  answer: IncomingMessage,
  failures: RefusedRow[],
): Promise<{ counts: Record<string, number>; removals?: ResultLine['removals'] }> {
  let counts: Record<string, number> | null = null;
  let removals: ResultLine['removals'];
  for await (const line of createInterface({ input: answer, crlfDelay: Infinity })) {
    const result = JSON.parse(line) as ResultLine;
    if (result.counts) ({ counts, removals } = result);
    else if (result.problem && result.record !== undefined)
      failures.push({ record: result.record, problem: result.problem });
    else if (result.problem) throw new Refusal(200, result.problem.code, result.problem.detail);
  }
  if (!counts) throw new Error('The answer broke off.');
  return { counts, removals };
}

function queryOf({ connection, dryRun, mode, scope, statedAt }: ImportOrder): URLSearchParams {
  const query = new URLSearchParams({ kind: 'import', mode });
  if (scope !== null) query.set('scope', scope);
  if (statedAt !== null) query.set('statedAt', statedAt);
  if (connection !== null) query.set('connection', connection);
  if (dryRun) query.set('dryRun', 'true');
  return query;
}

/** Rows that say what cannot be are not sent: they are refused here. */
async function* linesOf({ reading }: ImportOrder, file: CsvFile, progress: Progress): AsyncGenerator<string> {
  let sent = 0;
  for await (const { read } of readFile(reading, file)) {
    progress(++sent, file.rows);
    if ('record' in read) yield `${JSON.stringify(read.record)}\n`;
  }
}

async function* readFailures(service: Service, run: string): AsyncGenerator<RefusedRow> {
  let cursor: string | null = null;
  do {
    const more: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page: { items: RefusedRow[]; cursor: string | null } = await getJson(
      service,
      `/sync-runs/${run}/failures?limit=200${more}`,
    );
    yield* page.items;
    ({ cursor } = page);
  } while (cursor !== null);
}

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  for (const item of items) yield await Promise.resolve(item);
}

function isPassing(error: unknown): boolean {
  if (!(error instanceof Refusal)) return isOfNetwork(error);
  return (
    error.status === 503 ||
    error.status === 502 ||
    error.code === 'idempotency_in_progress' ||
    error.code === 'stream_broken'
  );
}

/** An error of the system that is not of a file. */
function isOfNetwork(error: unknown): error is { code: string } {
  const { code, path } = error as { code?: unknown; path?: unknown };
  return typeof code === 'string' && path === undefined;
}

/** What Node says of a host that does not answer may be an empty text. */
function inWords(error: unknown, { url }: Service): Error {
  if (error instanceof Refusal || !isOfNetwork(error)) return error as Error;
  return new Error(`${url} does not answer, or broke off (${error.code}).`);
}
