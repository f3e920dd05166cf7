import { describe, expect, it } from '@jest/globals';
import { Readable } from 'node:stream';
import type { ConnectionPolicy } from '../../../plan/policy.js';
import { DocumentSource } from './document-source.js';
import { SOURCE_LIMITS, type SourceLimits } from './page-guard.js';
import { ScimSource } from './scim-source.js';
import type { SourceClient } from './source-client.js';
import {
  FROM_THE_START,
  SourceFailure,
  type SourcePage,
  type SourcePlace,
  type SourceReader,
} from './source-reader.js';

const LIST = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';
const policy = {
  mapping: { groupKey: 'displayName' },
  roles: new Map(),
  allowedRoles: new Set(),
  allowedEntitlements: [],
  allowPrivileged: false,
} as unknown as ConnectionPolicy;

interface Answer {
  value: unknown;
  headers?: Record<string, string>;
  /** So many of its bytes come before it breaks off. */
  bytes?: number;
}

const hungUp = () => new SourceFailure('unreachable', 'hung up');

/** A client of a source that answers as it is told, and hangs up each time that it was asked for so many pages. */
function clientOf(answer: (url: URL) => Answer, pages: number, limits: Partial<SourceLimits> = {}): SourceClient {
  let turn = 0;
  const ask = (url: string): Answer => {
    if (url.endsWith('/ServiceProviderConfig')) return { value: {} };
    turn += 1;
    if (turn % (pages + 1) === 0) throw hungUp();
    return answer(new URL(url));
  };
  const client = {
    host: 'host',
    limits: { ...SOURCE_LIMITS, ...limits },
    getJson: (url: string) =>
      Promise.resolve(url)
        .then(ask)
        .then((page) => ({ headers: {}, text: '', ...page })),
    open: (url: string) =>
      Promise.resolve(url)
        .then(ask)
        .then(({ value, headers = {}, bytes }) => {
          const text = Buffer.from(JSON.stringify(value));
          const body = async function* () {
            yield* Readable.from([text.subarray(0, bytes)]) as AsyncIterable<Buffer>;
            if (bytes !== undefined) throw hungUp();
          };
          return { status: 200, headers, body: body(), endIsCertain: true, leave: () => {} };
        }),
    follow: (link: string, from: string) => new URL(link, from).href,
  };
  return client as unknown as SourceClient;
}

const documents = (client: SourceClient) =>
  new DocumentSource(client, {
    type: 'json',
    url: 'https://host/people?page=1',
    items: '/users',
    next: '/next',
    nextParameter: null,
    fields: null,
  });
const scim = (client: SourceClient, paging: 'cursor' | 'index') =>
  new ScimSource(
    client,
    { type: 'scim', url: 'https://host', paging, pageSize: 10, externalId: 'id', groups: 'none' },
    { findPolicy: () => Promise.resolve(policy), now: () => 0 },
  );

/** Reads on behind what came, as often as the source breaks off. */
async function readOn(reader: SourceReader, timesMax = 1000): Promise<{ names: string[]; failure: unknown }> {
  const names: string[] = [];
  let place: SourcePlace = FROM_THE_START;
  for (let times = 0; times < timesMax; times++) {
    try {
      for await (const page of reader.read(place, 'full', new AbortController().signal)) {
        names.push(...page.records.map((text) => (JSON.parse(String(text)) as { externalId: string }).externalId));
        place = JSON.parse(JSON.stringify(page.place)) as SourcePlace;
        if (page.isLast) return { names, failure: null };
      }
    } catch (error) {
      if (!(error instanceof SourceFailure) || error.kind !== 'unreachable') return { names, failure: error };
    }
  }
  throw new Error('It goes on for ever.');
}

const pageOf = (url: URL) => Number(url.searchParams.get('page'));
const circle = (url: URL): Answer => {
  const page = pageOf(url);
  return { value: { users: [{ externalId: `u-${page}` }], next: `?page=${(page % 50) + 1}` } };
};
const endless = (url: URL): Answer => {
  const page = pageOf(url);
  return { value: { users: [{ externalId: `u-${page}` }], next: `?page=${page + 1}` } };
};
const endlessCursors = (url: URL): Answer => {
  const page = Number(url.searchParams.get('cursor')?.slice(1) || '0');
  return { value: { schemas: [LIST], Resources: [{ id: `u-${page}` }], nextCursor: `c${page + 1}` } };
};
const circleOfCursors = (url: URL): Answer => {
  const page = Number(url.searchParams.get('cursor')?.slice(1) || '0');
  return { value: { schemas: [LIST], Resources: [{ id: `u-${page}` }], nextCursor: `c${(page + 1) % 40}` } };
};
/** Its list is another one each time. */
const shuffled = (): ((url: URL) => Answer) => {
  let turn = 0;
  return (url) => {
    const from = Number(url.searchParams.get('startIndex'));
    const Resources = Array.from({ length: 5 }, (_, n) => ({ id: `u-${from + n}-${++turn}` }));
    return { value: { schemas: [LIST], totalResults: 300, Resources } };
  };
};
/** Forgets its cursors behind the second page. */
const forgetful = (url: URL): Answer => {
  if (url.searchParams.get('cursor') === 'c2') throw new SourceFailure('invalid', 'status 400', { status: 400 });
  return endlessCursors(url);
};

describe('a source that hangs up now and then', () => {
  it.each<[string, SourceReader, string]>([
    ['and leads in a circle', documents(clientOf(circle, 3)), 'read already'],
    ['and whose cursors lead in a circle', scim(clientOf(circleOfCursors, 3), 'cursor'), 'read already'],
    ['and has a new page for ever', documents(clientOf(endless, 3, { pagesMax: 70 })), 'more than 70 pages'],
    ['and names people for ever', documents(clientOf(endless, 3, { recordsMax: 70 })), 'more than 70 people'],
    ['and has a new cursor for ever', scim(clientOf(endlessCursors, 3, { pagesMax: 70 }), 'cursor'), 'more than 70 p'],
    ['and forgets its cursors', scim(clientOf(forgetful, 1, { pagesMax: 70 }), 'cursor'), 'more than 70 pages'],
  ])('%s is given up', async (_, reader, words) => {
    const { failure } = await readOn(reader);
    expect(failure).toMatchObject({ kind: 'invalid', message: expect.stringContaining(words) });
  });

  it('and whose list by index moves without end is stepped back in fifty times altogether', async () => {
    const { names, failure } = await readOn(scim(clientOf(shuffled(), 7), 'index'));
    expect([names.length < 1000, failure]).toEqual([true, null]);
  });

  it('is read to its end, each page once', async () => {
    const source = documents(
      clientOf((url) => {
        const page = pageOf(url);
        return { value: { users: [{ externalId: `u-${page}` }], next: page < 30 ? `?page=${page + 1}` : null } };
      }, 3),
    );
    const names = Array.from({ length: 30 }, (_, n) => `u-${n + 1}`);
    expect(await readOn(source)).toEqual({ names, failure: null });
    // It is another reading: what it names was not read already.
    expect(await readOn(source)).toEqual({ names, failure: null });
  });

  it('and has forgotten its cursor by then is read again from its beginning', async () => {
    const troubles = [null, hungUp(), new SourceFailure('invalid', 'status 400', { status: 400 })];
    const source = scim(
      clientOf((url) => {
        const trouble = troubles.shift();
        if (trouble) throw trouble;
        const page = Number(url.searchParams.get('cursor')?.slice(1) || '0');
        const more = page < 2 ? { nextCursor: `c${page + 1}` } : {};
        return { value: { schemas: [LIST], Resources: [{ id: `u-${page}` }], ...more } };
      }, 1000),
      'cursor',
    );
    expect(await readOn(source)).toEqual({ names: ['u-0', 'u-0', 'u-1', 'u-2'], failure: null });
  });

  it.each([
    ['without an ETag comes nowhere', undefined, [0, 0]],
    ['with an ETag goes on behind them', '"one"', [500, 1000]],
  ])('in the middle of a page, behind what it gives of it, and %s', async (_, etag, reached) => {
    const users = Array.from({ length: 2000 }, (_each, n) => ({ externalId: `u-${String(n).padStart(4, '0')}` }));
    const headers: Record<string, string> = etag === undefined ? {} : { etag };
    const lengthOf = (count: number) => JSON.stringify({ users: users.slice(0, count) }).length;
    const ends = [lengthOf(600), lengthOf(1100)];
    const reader = documents(clientOf(() => ({ value: { users }, headers, bytes: ends.shift() ?? 0 }), 1000));
    const places: SourcePlace[] = [FROM_THE_START];
    for (const lines of reached) {
      const pages: SourcePage[] = [];
      const reading = async () => {
        for await (const page of reader.read(places.at(-1) ?? FROM_THE_START, 'full', new AbortController().signal)) {
          pages.push(page);
        }
      };
      await expect(reading()).rejects.toMatchObject({ kind: 'unreachable' });
      places.push(pages.at(-1)?.place ?? FROM_THE_START);
      expect(places.at(-1)?.page).toMatchObject({ lines });
    }
  });
});
