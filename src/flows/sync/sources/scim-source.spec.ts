import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ConnectionPolicy } from '../../../plan/policy.js';
import type { Outbound } from '../../../platform/outbound.js';
import type { ScimSourceSettings } from '../../../records/sources/source-settings.js';
import { failureOf, loopbackOutbound, readAll } from '../../../../test/support/read-source.js';
import { sendJson, type SourceServer, startSourceServer } from '../../../../test/support/source-server.js';
import type { SourceLimits } from './page-guard.js';
import { ScimSource } from './scim-source.js';
import { SourceClient } from './source-client.js';

const LIST = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';
const policy = {
  mapping: { groupKey: 'displayName' },
  roles: new Map(),
  allowedRoles: new Set(),
  allowedEntitlements: [],
  allowPrivileged: false,
} as unknown as ConnectionPolicy;

type Resource = Record<string, unknown>;
/** How a list is paged. */
type Paging = (all: Resource[], query: URLSearchParams) => Resource;

const users = (from: number, to: number): Resource[] =>
  Array.from({ length: to - from + 1 }, (_, at) => ({ id: `id-${from + at}`, userName: `user${from + at}` }));
const idsOf = (records: unknown[]) => records.map((each) => (each as { externalId: string }).externalId);

/** RFC 7644, section 3.4.2.4, with at most `most` on a page. */
const byIndex =
  (most = 10): Paging =>
  (all, query) => {
    const from = Math.max(1, Number(query.get('startIndex')));
    const count = Math.min(most, Number(query.get('count')));
    return { totalResults: all.length, startIndex: from, Resources: all.slice(from - 1, from - 1 + count) };
  };

/** RFC 9865, four on a page. */
const byCursor: Paging = (all, query) => {
  const from = Number(query.get('cursor') === '' ? 0 : query.get('cursor')?.slice(1));
  const nextCursor = from + 4 < all.length ? { nextCursor: `c${from + 4}` } : {};
  return { totalResults: all.length, Resources: all.slice(from, from + 4), ...nextCursor };
};

describe('a SCIM server', () => {
  let server: SourceServer;
  let outbound: Outbound;
  let all: Resource[];
  let groups: Resource[];
  let paging: Paging;
  /** What is answered instead of all this, by path. */
  let instead: (path: string, query: URLSearchParams, response: ServerResponse) => boolean;
  beforeEach(async () => {
    [all, groups, paging, instead] = [users(1, 35), [], byIndex(), () => false];
    server = await startSourceServer((request, response) => {
      // Its clock is the reader's, not that of the machine.
      response.sendDate = false;
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://host');
      if (instead(pathname, searchParams, response)) return;
      if (pathname === '/Users') sendJson(response, { schemas: [LIST], ...paging(all, searchParams) });
      else if (pathname === '/Groups') sendJson(response, { schemas: [LIST], ...byIndex()(groups, searchParams) });
      else response.writeHead(404).end();
    });
    outbound = loopbackOutbound();
  });
  afterEach(async () => {
    await outbound.onApplicationShutdown();
    await server.stop();
  });

  function source(settings: Partial<ScimSourceSettings> = {}, limits: Partial<SourceLimits> = {}): ScimSource {
    const { url } = server;
    const full = { type: 'scim', url, paging: 'auto', pageSize: 10, externalId: 'id', groups: 'list' } as const;
    return new ScimSource(
      new SourceClient(outbound, url, null, limits),
      { ...full, ...settings },
      { findPolicy: () => Promise.resolve(policy), now: () => Date.UTC(2026, 10, 22) * 1000 },
    );
  }
  const answerAll = (status: number, path: string) => {
    instead = (asked, _query, response) => {
      if (asked === path) response.writeHead(status).end();
      return asked === path;
    };
  };
  const asked = (path: string) => server.asked.filter(({ url }) => url.startsWith(path)).length;

  it.each([
    ['gives at most ten', byIndex(10), ''],
    ['gives at most three', byIndex(3), ''],
    ['gives one at a time', byIndex(1), 'one resource a page'],
    ['gives fewer than asked, and never says how many there are', untold(byIndex(7)), ''],
    ['knows cursors', byCursor, ''],
  ])('that %s is read to its end', async (_, way, doubt) => {
    paging = way;
    const { records, last } = await readAll(source({ paging: way === byCursor ? 'cursor' : 'index' }));
    expect(new Set(idsOf(records))).toEqual(new Set(idsOf(all.map(({ id }) => ({ externalId: id })))));
    expect(records.length).toBeLessThanOrEqual(36);
    expect(last.incomplete ?? '').toContain(doubt);
    expect(last.incomplete === undefined).toBe(doubt === '');
  });

  it('that is asked by cursors and knows none is read by index', async () => {
    const { records } = await readAll(source({ paging: 'cursor' }));
    expect(records).toHaveLength(35);
  });

  it('that says it has cursors is asked by them', async () => {
    paging = byCursor;
    instead = (path, _query, response) => {
      if (path === '/ServiceProviderConfig') sendJson(response, { pagination: { cursor: true, index: true } });
      return path === '/ServiceProviderConfig';
    };
    expect((await readAll(source({ groups: 'none' }))).records).toHaveLength(35);
    expect(server.asked[1]?.url).toBe('/Users?cursor=&count=10');
  });

  it.each([
    ['ten who were read go', 1, () => all.splice(0, 10)],
    ['so many go that the next page is beyond the end', 2, () => all.splice(0, 20)],
    ['the one who was read last goes', 1, () => all.splice(9, 1)],
    ['all who were read go but the first', 1, () => all.splice(1, 10)],
  ])('%s while it is read: nobody who stays is passed over', async (_, pages, change) => {
    const stay = new Set(idsOf(all.map(({ id }) => ({ externalId: id }))));
    paging = after(pages, change);
    const { records, last } = await readAll(source({ paging: 'index' }));
    const named = new Set(idsOf(records));
    expect(all.filter(({ id }) => stay.has(String(id)) && !named.has(String(id)))).toEqual([]);
    expect(last.incomplete).toBeUndefined();
  });

  it.each<[string, () => void]>([
    ['is joined by ten before those who were read', () => (paging = after(1, () => all.unshift(...users(401, 410))))],
    ['moves its last to the front', () => (paging = after(1, () => all.unshift(...all.splice(-1))))],
    ['moves its last to the front at the end', () => (paging = after(32, () => all.unshift(...all.splice(-1))))],
    ['counts more than it names', () => (paging = overcounted)],
    ['counts some and names nobody', () => (paging = () => ({ totalResults: 35, Resources: [] }))],
    ['is in another order each time', () => (paging = shuffled)],
  ])('that %s is read, and nobody is missing for it', async (_, setUp) => {
    all = users(1, 300);
    setUp();
    const { last } = await readAll(source({ paging: 'index' }));
    expect(last.incomplete).toEqual(expect.any(String));
  });

  it.each<[string, () => void, string]>([
    ['answers the same page for every index', () => (paging = (every) => byIndex()(every, first)), 'same page'],
    ['repeats a cursor', () => (paging = repeated), 'read already'],
    ['has a new cursor for ever', () => (paging = endless), 'more than 50 pages'],
    ['answers a web page', () => (instead = html), 'web page'],
    ['answers something else', () => (paging = () => ({ schemas: ['x'] })), 'something else'],
    ['lists what are no resources', () => (paging = () => ({ Resources: ['x'] })), 'something else'],
  ])('that %s is given up', async (_, setUp, words) => {
    setUp();
    const cursors = paging === repeated || paging === endless;
    const reader = source({ paging: cursors ? 'cursor' : 'index', groups: 'none' }, { pagesMax: 50 });
    const failure = await failureOf(reader);
    expect([failure.kind, failure.message]).toEqual(['invalid', expect.stringContaining(words)]);
  });

  it('whose page is longer than may be held, compressed or not, is given up', async () => {
    all = users(1, 5000);
    paging = byIndex(5000);
    const reader = source({ paging: 'index', groups: 'none', pageSize: 5000 }, { pageBytesMax: 20_000 });
    expect((await failureOf(reader)).message).toContain('more than 20000 bytes');
    instead = (_path, _query, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(1_000_000, 0x20)));
      return true;
    };
    expect((await failureOf(reader)).message).toContain('more than 20000 bytes');
  });

  it('that answers page after page by a redirect inward is not followed', async () => {
    instead = (_path, _query, response) => {
      response.writeHead(302, { location: 'http://10.0.0.1/Users' }).end();
      return true;
    };
    expect((await failureOf(source({ paging: 'index' }))).message).toContain('redirect');
  });

  it('that has no groups says nothing of them; one whose groups fail is not read at all', async () => {
    answerAll(404, '/Groups');
    expect((await readAll(source())).records[0]).not.toHaveProperty('groups');
    answerAll(500, '/Groups');
    expect((await failureOf(source())).kind).toBe('unreachable');
    answerAll(403, '/Groups');
    expect((await failureOf(source())).kind).toBe('unauthorized');
    expect(asked('/Users')).toBe(4);
  });

  it('whose list of groups leaves out members is refused, before it empties every group', async () => {
    groups = [{ id: 'g-1', displayName: 'Ops' }];
    instead = (path, _query, response) => {
      if (path === '/Groups/g-1') sendJson(response, { ...groups[0], members: [{ value: 'id-1' }] });
      return path === '/Groups/g-1';
    };
    expect((await failureOf(source())).message).toContain('leaves out their members');
    answerAll(404, '/Groups/g-1');
    await expect(readAll(source())).resolves.toBeDefined();
  });

  it('that refuses the filter, or says that it has none, is asked for everybody', async () => {
    const dated = { meta: { lastModified: '2026-11-20T10:00:00Z' } };
    all = all.map((user) => ({ ...user, ...dated }));
    const { last } = await readAll(source());
    const filters: (string | null)[] = [];
    for (const status of [400, 501]) {
      instead = (_path, query, response) => {
        if (_path === '/Users') filters.push(query.get('filter'));
        if (query.has('filter')) response.writeHead(status).end();
        return query.has('filter');
      };
      expect((await readAll(source(), 'changes', last.place)).records).toHaveLength(35);
    }
    expect(filters[0]).toBe('meta.lastModified ge "2026-11-20T09:55:00.000Z"');
    filters.length = 0;
    instead = (path, query, response) => {
      if (path === '/Users') filters.push(query.get('filter'));
      if (path === '/ServiceProviderConfig') sendJson(response, { filter: { supported: false } });
      return path === '/ServiceProviderConfig';
    };
    expect((await readAll(source(), 'changes', last.place)).records).toHaveLength(35);
    expect(new Set(filters)).toEqual(new Set([null]));
  });

  it('that dates a change ahead hides no later change by it', async () => {
    all = [
      { ...all[0], meta: { lastModified: '2099-01-01T00:00:00Z' } },
      { ...all[1], meta: { lastModified: 'x' } },
    ];
    const { last } = await readAll(source());
    const seen: (string | null)[] = [];
    instead = (path, query) => {
      if (path === '/Users') seen.push(query.get('filter'));
      return false;
    };
    await readAll(source(), 'changes', last.place);
    expect(seen[0]).toBe('meta.lastModified ge "2026-11-21T23:55:00.000Z"');
  });

  it('that is read on by cursor, and says that nothing follows though it counts more, has not named everybody', async () => {
    paging = byCursor;
    const { pages } = await readAll(source({ paging: 'cursor' }));
    const cut = pages.filter(({ records: some }) => some.length > 0)[2]?.place;
    const whole = await readAll(source({ paging: 'cursor' }), 'full', cut);
    expect([whole.records.length, whole.last.incomplete]).toEqual([23, undefined]);
    paging = (every) => ({ totalResults: every.length, Resources: [] });
    const { last } = await readAll(source({ paging: 'cursor' }), 'full', cut);
    expect(last.incomplete).toBe('It counts 35 and named 12.');
  });

  it('that has forgotten the cursor of a reading that was cut off is read from its beginning', async () => {
    paging = byCursor;
    const { pages } = await readAll(source({ paging: 'cursor' }));
    instead = (path, query, response) => {
      const isOld = path === '/Users' && query.get('cursor') === 'c12';
      if (isOld) response.writeHead(400).end();
      return isOld;
    };
    const cut = pages.filter(({ records: some }) => some.length > 0)[2]?.place;
    paging = (every, query) => byIndex(4)(every, query.has('cursor') ? first : query);
    expect(new Set(idsOf((await readAll(source({ paging: 'cursor' }), 'full', cut)).records)).size).toBe(35);
  });
});

const first = new URLSearchParams('startIndex=1&count=10');

/** As an older server: no totals. */
function untold(way: Paging): Paging {
  return (all, query) => ({ ...way(all, query), totalResults: undefined });
}

/** Something happens to the list when so many pages were answered. */
function after(pages: number, change: () => void): Paging {
  let count = 0;
  return (all, query) => {
    const page = byIndex()(all, query);
    if (++count === pages) change();
    return page;
  };
}

const overcounted: Paging = (all, query) => ({ ...byIndex()(all, query), totalResults: all.length + 1 });

let turn = 0;
const shuffled: Paging = (all, query) => {
  turn += 37;
  return byIndex()([...all.slice(turn % all.length), ...all.slice(0, turn % all.length)], query);
};

const repeated: Paging = (all) => ({ totalResults: 99, Resources: all.slice(0, ++turn % 5), nextCursor: 'again' });
const endless: Paging = (all) => ({ Resources: all.slice(turn % 30, (turn++ % 30) + 2), nextCursor: `c${turn}` });

function html(path: string, _query: URLSearchParams, response: ServerResponse): boolean {
  if (path === '/Users') response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<html>');
  return path === '/Users';
}
