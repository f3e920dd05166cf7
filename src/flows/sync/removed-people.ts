import { formatTime, type Micros, parseTime } from '../../platform/clock.js';
import type { SourcePage } from './sources/source-reader.js';

/** More than are on their way to be committed at any time. */
const RECENT_MAX = 10_000;
const EXTERNAL_ID = /^\{"externalId":"([^"\\]+)"/;
const STATED_AT = /"statedAt":"([^"\\]+)"\}$/;

/**
 * Pages with a record, `active: false`, for each of the removed who is here and switched on: what takes people away goes
 * through the same plan and the same safety catch whoever says it. Of those who are not here nothing is stated.
 *
 * It is dated with the first moment after what was stated of them last, by the source's clock: whoever comes back does so
 * in a later version than the one in which they left, whatever our clock says.
 *
 * @param findActive those of these external ids who are here and switched on, and when they were stated last
 */
export async function* stateRemoved(
  pages: AsyncIterable<SourcePage>,
  findActive: (externalIds: readonly string[]) => Promise<ReadonlyMap<string, Micros | null>>,
): AsyncGenerator<SourcePage> {
  // Whoever was named just now may not be committed yet.
  const recent = new Map<string, Micros | null>();
  for await (const page of pages) {
    const { removed = [] } = page;
    const active = removed.length === 0 ? recent : await findActive(removed);
    const gone = removed
      .filter((id) => active.has(id) || recent.has(id))
      .map((id) => switchedOff(id, later(active.get(id), recent.get(id))));
    noteNames(recent, page.records);
    if (gone.length === 0) yield page;
    else yield { ...page, records: [...page.records, ...gone] };
  }
}

function noteNames(recent: Map<string, Micros | null>, records: SourcePage['records']): void {
  for (const record of records) {
    const name = EXTERNAL_ID.exec(record?.toString('utf8', 0, 300) ?? '')?.[1];
    const statedAt = STATED_AT.exec(record?.toString('utf8', Math.max(0, record.length - 100)) ?? '')?.[1];
    if (name === undefined) continue;
    recent.delete(name);
    recent.set(name, statedAt === undefined ? null : parseTime(statedAt));
  }
  for (const name of recent.keys()) {
    if (recent.size <= RECENT_MAX) break;
    recent.delete(name);
  }
}

function later(one: Micros | null = null, other: Micros | null = null): Micros | null {
  return one === null || other === null ? (one ?? other) : Math.max(one, other);
}

function switchedOff(externalId: string, last: Micros | null): Buffer {
  const statedAt = last === null ? {} : { statedAt: formatTime(last + 1) };
  return Buffer.from(JSON.stringify({ externalId, active: false, ...statedAt }));
}
