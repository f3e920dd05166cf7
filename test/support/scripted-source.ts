import type { TestApp } from './start-app.js';
import { ConnectionSourceEntity } from '../../src/records/sources/source.entity.js';
import type { SourcePage, SourcePlace, SourceReader } from '../../src/flows/sync/sources/source-reader.js';

/** A source that says what it is told to, page by page; its places are numbers of people. */
export class ScriptedSource implements SourceReader {
  people: object[] = [];
  pageSize = 100;
  /** What was asked of it. */
  readonly readings: { place: SourcePlace; mode: 'full' | 'changes' }[] = [];
  /** Called before each page with how many people came before it; may wait or throw. */
  before: (from: number) => Promise<void> | void = () => undefined;
  /** What the last page says beside. */
  last: Partial<SourcePage> = {};

  async *read(place: SourcePlace, mode: 'full' | 'changes', signal: AbortSignal): AsyncGenerator<SourcePage> {
    this.readings.push({ place, mode });
    const reading = this.readings.length;
    for (let from = Number(place.page ?? 0); ; from += this.pageSize) {
      await Promise.race([this.before(from), abortOf(signal)]);
      const to = from + this.pageSize;
      const records = this.people.slice(from, to).map((each) => Buffer.from(JSON.stringify(each)));
      if (to >= this.people.length) {
        yield { records, place: { state: `reading ${reading}`, page: null }, isLast: true, ...this.last };
        return;
      }
      yield { records, place: { state: place.state, page: to }, isLast: false };
    }
  }
}

function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

/** A source as an admin would have set it, written straight into the database. */
export async function seedSource(
  { database }: Pick<TestApp, 'database'>,
  of: { tenantId: string; connectionId: string },
  over: Partial<ConnectionSourceEntity> = {},
): Promise<void> {
  const url = 'https://people.example.com/all';
  const row: ConnectionSourceEntity = {
    ...of,
    type: 'json',
    settings: { type: 'json', url, items: '', next: null, nextParameter: null, fields: null },
    sealedCredential: null,
    state: null,
    cron: null,
    fullCron: '0 3 1 1 *',
    timeZone: 'UTC',
    jitterSeconds: 0,
    nextAt: null,
    nextFullAt: null,
    failures: 0,
    suspendedAt: null,
    suspendedReason: null,
    lastRunId: null,
    comparedAt: null,
    version: 1,
    createdAt: 1,
    updatedAt: 1,
    ...over,
  };
  await database.transaction((tx) => tx.insert(ConnectionSourceEntity, row as never));
}
