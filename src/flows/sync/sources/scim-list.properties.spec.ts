import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { PageGuard, SOURCE_LIMITS } from './page-guard.js';
import { ScimList, type ScimListOptions, type ScimPlace } from './scim-list.js';
import type { SourceClient } from './source-client.js';
import { SourceFailure } from './source-reader.js';

const LIST = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';

/** What happens to the list before a page is answered. */
interface Change {
  /** Where, as a part of its length. */
  at: number;
  remove: number;
  insert: number;
  /** So many of its end move there: of people who are called otherwise, where the list is sorted by name. */
  move: number;
}

const changes = fc.array(
  fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    remove: fc.nat({ max: 12 }),
    insert: fc.nat({ max: 12 }),
    move: fc.constant(0),
  }),
  { maxLength: 12 },
);

/** A server whose list changes between pages, in an order that stays. */
function serverOf(count: number, most: number, coming: Change[]): { client: SourceClient; ids: string[] } {
  const ids = Array.from({ length: count }, (_, at) => `u${at}`);
  let added = 0;
  const getJson = (url: string) => {
    const change = coming.shift();
    if (change) {
      const moved = change.move === 0 ? [] : ids.splice(-change.move);
      const fresh = Array.from({ length: change.insert }, () => `n${added++}`);
      ids.splice(Math.floor(change.at * ids.length), change.remove, ...moved, ...fresh);
    }
    const query = new URL(url).searchParams;
    const from = Number(query.get('startIndex')) - 1;
    const some = ids.slice(from, from + Math.min(most, Number(query.get('count'))));
    const value = { schemas: [LIST], totalResults: ids.length, Resources: some.map((id) => ({ id })) };
    return Promise.resolve({ value, headers: {}, text: Buffer.alloc(0) });
  };
  return { client: { getJson, host: 'host', limits: SOURCE_LIMITS } as unknown as SourceClient, ids };
}

async function readList(client: SourceClient, pageSize: number, cutAfter: number) {
  const named = new Set<string>();
  let incomplete: string | null = null;
  let from: ScimPlace | null = { index: 1, last: null };
  const guard = new PageGuard(SOURCE_LIMITS);
  for (let left = cutAfter; from !== null; left = Infinity) {
    const options: ScimListOptions = {
      url: 'https://host/Users',
      filter: null,
      pageSize,
      from,
      signal: new AbortController().signal,
    };
    for await (const page of new ScimList(client, guard, options).read()) {
      for (const { id } of page.resources) named.add(String(id));
      if (page.next === null) incomplete = page.incomplete;
      from = page.next;
      // The source hangs up, and is read on.
      if (--left <= 0) break;
    }
  }
  return { named, incomplete };
}

describe('a list that changes while it is read by index', () => {
  it('names everybody who was there all the time, whoever comes and goes, or says that it may not have', async () => {
    let whole = 0;
    const property = fc.asyncProperty(
      fc.integer({ min: 1, max: 120 }),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 20 }),
      changes,
      fc.integer({ min: 1, max: 30 }),
      async (count, most, pageSize, coming, cutAfter) => {
        const { client, ids } = serverOf(count, most, [...coming]);
        try {
          const { named, incomplete } = await readList(client, pageSize, cutAfter);
          if (incomplete !== null) return;
          whole += 1;
          expect(ids.filter((id) => id.startsWith('u') && !named.has(id))).toEqual([]);
        } catch (error) {
          // Given up: nobody is missing for it either.
          if (!(error instanceof SourceFailure)) throw error;
        }
      },
    );
    await fc.assert(property, { numRuns: 1000 });
    expect(whole).toBeGreaterThan(400);
  });

  it('passes over nobody who moves forward in it, or says that it may have, where it goes on elsewhere too', async () => {
    const move = fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      remove: fc.constant(0),
      insert: fc.constant(0),
      move: fc.nat({ max: 3 }),
    });
    const property = fc.asyncProperty(
      fc.integer({ min: 1, max: 120 }),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 20 }),
      fc.array(move, { maxLength: 12 }),
      fc.integer({ min: 1, max: 30 }),
      async (count, most, pageSize, coming, cutAfter) => {
        const { client, ids } = serverOf(count, most, [...coming]);
        try {
          const { named, incomplete } = await readList(client, pageSize, cutAfter);
          if (incomplete === null) expect(ids.filter((id) => !named.has(id))).toEqual([]);
        } catch (error) {
          if (!(error instanceof SourceFailure)) throw error;
        }
      },
    );
    await fc.assert(property, { numRuns: 1000 });
  });

  it('that does not change is read whole, each page once', async () => {
    const property = fc.asyncProperty(
      fc.integer({ min: 0, max: 120 }),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 20 }),
      async (count, most, pageSize) => {
        const { client, ids } = serverOf(count, most, []);
        const { named, incomplete } = await readList(client, pageSize, Infinity);
        expect([...named]).toEqual(ids);
        expect(incomplete === null).toBe(most > 1 || count <= 1);
      },
    );
    await fc.assert(property, { numRuns: 300 });
  });
});
