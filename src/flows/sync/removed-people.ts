import type { SourcePage } from './sources/source-reader.js';

/** More than are on their way to be committed at any time. */
const RECENT_MAX = 10_000;
const EXTERNAL_ID = /^\{"externalId":"([^"\\]+)"/;

/**
 * Pages with a record, `active: false`, for each of the removed who is here and switched on: what takes people away goes
 * through the same plan and the same safety catch whoever says it. Of those who are not here nothing is stated.
 *
 * @param findActive which of these external ids are here, and switched on
 */
export async function* stateRemoved(
  pages: AsyncIterable<SourcePage>,
  findActive: (externalIds: readonly string[]) => Promise<ReadonlySet<string>>,
): AsyncGenerator<SourcePage> {
  // Whoever was named just now may not be committed yet.
  const recent = new Set<string>();
  for await (const page of pages) {
    const { removed = [] } = page;
    const active = removed.length === 0 ? recent : await findActive(removed);
    const gone = removed.filter((id) => active.has(id) || recent.has(id));
    noteNames(recent, page.records);
    if (gone.length === 0) yield page;
    else yield { ...page, records: [...page.records, ...gone.map(switchedOff)] };
  }
}

function noteNames(recent: Set<string>, records: SourcePage['records']): void {
  for (const record of records) {
    const name = EXTERNAL_ID.exec(record?.toString('utf8', 0, 300) ?? '')?.[1];
    if (name !== undefined) recent.add(name);
  }
  for (const name of recent) {
    if (recent.size <= RECENT_MAX) break;
    recent.delete(name);
  }
}

function switchedOff(externalId: string): Buffer {
  return Buffer.from(JSON.stringify({ externalId, active: false }));
}
