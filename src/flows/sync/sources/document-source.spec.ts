import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Outbound } from '../../../platform/outbound.js';
import type { DocumentSourceSettings } from '../../../records/sources/source-settings.js';
import { failureOf, loopbackOutbound, readAll } from '../../../../test/support/read-source.js';
import { people, sendJson, type SourceServer, startSourceServer } from '../../../../test/support/source-server.js';
import { DocumentSource } from './document-source.js';
import type { SourceLimits } from './page-guard.js';
import { SourceClient } from './source-client.js';
import { FROM_THE_START } from './source-reader.js';

const plain = { items: '', next: null, nextParameter: null, fields: null };

describe('people in JSON documents', () => {
  let server: SourceServer;
  let outbound: Outbound;
  beforeEach(async () => {
    server = await startSourceServer((_request, response) => response.end());
    outbound = loopbackOutbound();
  });
  afterEach(async () => {
    await outbound.onApplicationShutdown();
    await server.stop();
  });

  function source(
    settings: Partial<DocumentSourceSettings> = {},
    limits: Partial<SourceLimits> = {},
    path = '/people',
  ): DocumentSource {
    const url = `${server.url}${path}`;
    const client = new SourceClient(outbound, url, { kind: 'bearer', token: 'secret-token' }, limits);
    return new DocumentSource(client, { type: 'json', url, ...plain, ...settings });
  }

  it('a list is read, and asked for with the credential', async () => {
    server.answer((_request, response) => sendJson(response, people(1, 1203)));
    const { records, pages } = await readAll(source());
    expect(records).toEqual(people(1, 1203));
    expect(Math.max(...pages.map((page) => page.records.length))).toBeLessThanOrEqual(500);
    expect(server.asked[0]?.headers.authorization).toBe('Bearer secret-token');
  });

  it('a list inside a document is found by its pointer', async () => {
    server.answer((_request, response) => sendJson(response, { data: { 'a/b': people(1, 2) } }));
    expect((await readAll(source({ items: '/data/a~1b' }))).records).toEqual(people(1, 2));
  });

  it.each([
    ['an address from its root', {}, (page: number) => `/people?page=${page}`],
    ['an address', {}, (page: number) => `${server.url}/people?page=${page}`],
    ['a query', {}, (page: number) => `?page=${page}`],
    ['a value for a parameter', { nextParameter: 'page' }, (page: number) => page],
  ])('pages that lead to one another by %s are read in turn', async (_, settings, link) => {
    server.answer((request, response) => {
      const page = Number(new URL(request.url ?? '', server.url).searchParams.get('page') ?? '1');
      sendJson(response, { users: people(page * 10, 10), meta: { next: page < 4 ? link(page + 1) : null } });
    });
    const { records } = await readAll(source({ items: '/users', next: '/meta/next', ...settings }));
    expect(records).toEqual(people(10, 40));
    expect(server.asked.every(({ headers }) => headers.authorization === 'Bearer secret-token')).toBe(true);
  });

  it('pages that lead to one another by Link headers are read in turn', async () => {
    server.answer((request, response) => {
      const isFirst = request.url === '/people';
      sendJson(response, people(isFirst ? 1 : 3, 2), isFirst ? { link: '</people/2>; rel="next"' } : {});
    });
    expect((await readAll(source())).records).toEqual(people(1, 4));
  });

  it('items of another form become records, field by field', async () => {
    const item = { no: 7, login: 'ada', state: { on: 'True' }, teams: [{ n: 'R&D' }, { n: 'Ops' }], dept: null };
    server.answer((_request, response) => sendJson(response, [item, { no: 8 }]));
    const fields = {
      externalId: '/no',
      userName: '/login',
      active: '/state/on',
      groups: '/teams/*/n',
      'attributes.department': '/dept',
      'name.givenName': '/login',
    };
    expect((await readAll(source({ fields }))).records).toEqual([
      {
        externalId: '7',
        userName: 'ada',
        active: true,
        groups: ['R&D', 'Ops'],
        attributes: { department: null },
        name: { givenName: 'ada' },
      },
      { externalId: '8' },
    ]);
  });

  it('what has not changed is not read again when changes are asked for, and is when everything is', async () => {
    server.answer((request, response) => {
      if (request.headers['if-none-match'] === '"v1"') response.writeHead(304).end();
      else sendJson(response, people(1, 3), { etag: '"v1"' });
    });
    const first = await readAll(source(), 'changes');
    expect(first.records).toHaveLength(3);
    const second = await readAll(source(), 'changes', first.last.place);
    expect(second.records).toEqual([]);
    expect((await readAll(source(), 'changes', second.last.place)).records).toEqual([]);
    expect((await readAll(source(), 'full', second.last.place)).records).toHaveLength(3);
    expect(server.asked.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, '"v1"', '"v1"', undefined]);
  });

  it('an item that is no record, or too long to be one, is handed on to be refused by its number', async () => {
    const broken = Buffer.concat([
      Buffer.from('[{"externalId":"u-1"}, {"a":"'),
      Buffer.from([0xff]),
      Buffer.from('"}, '),
    ]);
    server.answer((_request, response) => {
      response.end(Buffer.concat([broken, Buffer.from(`"${'x'.repeat(70_000)}", {a}, {"externalId":"u-2"}]`)]));
    });
    const { records } = await readAll(source());
    expect(records).toEqual([{ externalId: 'u-1' }, '{"a":"\xff"}', null, '{a}', { externalId: 'u-2' }]);
  });

  it('an item that a mapping makes too long, however it names it, is handed on to be refused by its number', async () => {
    const long = { no: 2, bio: 'x'.repeat(40_000), list: Array.from({ length: 9000 }, () => 1) };
    server.answer((_request, response) => sendJson(response, [{ no: 1 }, long, { no: 3 }]));
    const each = (pointer: string) => Array.from({ length: 249 }, (_, n) => [`attributes.a${n}`, pointer]);
    for (const more of [
      Object.fromEntries(each('')) as Record<string, string>,
      Object.fromEntries(each('/list/*/x')) as Record<string, string>,
      { userName: '/bio', displayName: '/bio' },
      { groups: '/list', roles: '/list', 'attributes.list': '/list' },
    ]) {
      const { records } = await readAll(source({ fields: { externalId: '/no', ...more } }));
      expect(records.map((record) => record && (record as { externalId: string }).externalId)).toEqual([
        '1',
        null,
        '3',
      ]);
    }
  });

  it('what a mapping makes of items is handed on by no more of it at a time than items are', async () => {
    const items = Array.from({ length: 300 }, (_, no) => ({ no, bio: 'x'.repeat(1000) }));
    const fields = Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`attributes.a${n}`, '/bio']));
    server.answer((_request, response) => sendJson(response, items));
    const { pages, records } = await readAll(source({ fields: { externalId: '/no', ...fields } }));
    const bytesOf = (some: (Buffer | null)[]) => some.reduce((sum, text) => sum + (text?.length ?? 0), 0);
    expect(records).toHaveLength(300);
    expect(Math.max(...pages.map((page) => bytesOf(page.records)))).toBeLessThan(4_300_000);
  });

  it('an item that is nested too deep to be written again is handed on as it came, and the others are mapped', async () => {
    const deep = `{"no":2,"dept":${'['.repeat(20_000)}${']'.repeat(20_000)}}`;
    server.answer((_request, response) => response.end(`[{"no":1,"dept":"A"},${deep},{"no":3}]`));
    const { pages } = await readAll(source({ fields: { externalId: '/no', 'attributes.department': '/dept' } }));
    const texts = pages.flatMap(({ records }) => records.map(String));
    expect(texts).toEqual(['{"externalId":"1","attributes":{"department":"A"}}', deep, '{"externalId":"3"}']);
  });

  it('of several pages the first one alone does not say that nothing has changed', async () => {
    server.answer((request, response) => {
      const isFirst = request.url === '/people';
      if (request.headers['if-none-match'] !== undefined) return void response.writeHead(304).end();
      sendJson(response, people(isFirst ? 1 : 3, 2), { etag: '"v"', ...(isFirst ? { link: '<?2>; rel=next' } : {}) });
    });
    const { last } = await readAll(source(), 'changes');
    expect((await readAll(source(), 'changes', last.place)).records).toHaveLength(4);
  });

  it('what has come to have a second page is read to its end, however old its server says that that page is', async () => {
    server.answer((_request, response) => sendJson(response, people(1, 2), { 'last-modified': 'Sun, 22 Nov 2026' }));
    const { last } = await readAll(source(), 'changes');
    server.answer((request, response) => {
      const isFirst = request.url === '/people';
      if (!isFirst && request.headers['if-modified-since'] !== undefined) response.writeHead(304).end();
      else sendJson(response, people(isFirst ? 1 : 3, 2), isFirst ? { link: '<?2>; rel=next' } : {});
    });
    expect((await readAll(source(), 'changes', last.place)).records).toHaveLength(4);
  });

  it('a reading that was cut off goes on with the page that it had come to', async () => {
    server.answer((request, response) => {
      const page = Number(new URL(request.url ?? '', server.url).searchParams.get('page') ?? '1');
      sendJson(response, { users: people(page, 1), next: page < 5 ? `?page=${page + 1}` : '' });
    });
    const settings = { items: '/users', next: '/next' };
    const { pages } = await readAll(source(settings));
    const cut = pages[5]?.place ?? FROM_THE_START;
    server.asked.length = 0;
    const { records } = await readAll(source(settings), 'full', cut);
    expect(records).toEqual(people(4, 2));
    expect(server.asked.map(({ url }) => url)).toEqual(['/people?page=4', '/people?page=5']);
  });

  it.each([
    ['a page elsewhere', { next: 'http://localhost:1/people' }, 'elsewhere'],
    ['a page of a file', { next: 'file:///etc/passwd' }, 'elsewhere'],
    ['itself', { next: '/people' }, 'read already'],
    ['nowhere', { next: 'http://[' }, 'no valid address'],
    ['an object', { next: { page: 2 } }, 'does not lead'],
  ])('a page that leads to %s ends the reading', async (_, more, words) => {
    server.answer((_request, response) => sendJson(response, { users: people(1, 1), ...more }));
    const failure = await failureOf(source({ items: '/users', next: '/next' }));
    expect([failure.kind, failure.message]).toEqual(['invalid', expect.stringContaining(words)]);
    expect(server.asked).toHaveLength(1);
  });

  it('pages for ever end the reading: by their number, when they are empty, and when they are all the same', async () => {
    let page = 0;
    const settings = { items: '/users', next: '/next' };
    const everNew = (count: number, isSame = false) => {
      server.answer((_request, response) => {
        page += 1;
        const next = isSame ? undefined : `?${page}`;
        const headers = isSame ? { link: `<?${page}>; rel=next` } : {};
        sendJson(response, { users: people(isSame ? 1 : page, count), next }, headers as Record<string, string>);
      });
    };
    everNew(1);
    expect((await failureOf(source(settings, { pagesMax: 7 }))).message).toContain('more than 7 pages');
    expect((await failureOf(source(settings, { recordsMax: 7 }))).message).toContain('more than 7 people');
    everNew(0);
    expect((await failureOf(source(settings, { emptyPagesMax: 7 }))).message).toContain('name nobody');
    everNew(1, true);
    expect((await failureOf(source({ items: '/users' }))).message).toContain('same page');
  });

  it.each<[string, Record<string, string>, string | Buffer, string]>([
    ['a web page', { 'content-type': 'text/html' }, '<html>', 'web page'],
    ['a web page that says it is JSON', {}, '<!doctype html>', 'not valid JSON'],
    ['invalid UTF-8', {}, Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 'not valid UTF-8'],
    ['half a document', {}, '[{"externalId":"u-1"}', 'in the middle'],
    ['an object for a list', {}, '{"users":[]}', 'has no list where the document should be one'],
    ['a body in another coding', { 'content-encoding': 'br' }, 'x', 'compressed'],
    ['a body that is no gzip', { 'content-encoding': 'gzip' }, '[]', 'no gzip'],
    ['a comma too many', {}, '[{"externalId":"u-1"},]', 'comma'],
    ['a gzip bomb in its list', { 'content-encoding': 'gzip' }, gzipSync(`["${'x'.repeat(50_000_000)}"]`), 'expands'],
    ['a gzip bomb', { 'content-encoding': 'gzip' }, gzipSync(Buffer.alloc(50_000_000)), 'beside its list'],
  ])('%s is refused', async (_, headers, body, words) => {
    server.answer((_request, response) => response.writeHead(200, headers).end(body));
    const failure = await failureOf(source());
    expect([failure.kind, failure.message]).toEqual(['invalid', expect.stringContaining(words)]);
  });

  it.each<[number, Record<string, string>, string, number | null]>([
    [401, {}, 'unauthorized', null],
    [403, {}, 'unauthorized', null],
    [404, {}, 'invalid', null],
    [429, { 'retry-after': '30' }, 'unreachable', 30],
    [503, { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' }, 'unreachable', 0],
    [
      503,
      { 'retry-after': 'Wed, 21 Oct 2099 07:28:00 GMT', date: 'Wed, 21 Oct 2099 07:26:00 GMT' },
      'unreachable',
      120,
    ],
    [503, { 'retry-after': 'soon' }, 'unreachable', null],
    [500, {}, 'unreachable', null],
    [204, {}, 'invalid', null],
    [304, {}, 'invalid', null],
    [302, { location: 'http://169.254.169.254/latest/meta-data' }, 'invalid', null],
    [307, { location: '/elsewhere' }, 'invalid', null],
  ])('status %d with %j is told as such, and no redirect is followed', async (status, headers, kind, retryAfter) => {
    server.answer((_request, response) => response.writeHead(status, headers).end());
    const failure = await failureOf(source());
    expect([failure.kind, failure.retryAfterSeconds]).toEqual([kind, retryAfter]);
    expect(server.asked).toHaveLength(1);
    expect(`${failure.message} ${String(failure.cause)}`).not.toContain('secret-token');
  });

  it('nobody there, silence and an answer that drips are unreachable, each in its time', async () => {
    const limits = { silenceMs: 200, documentMs: 600 };
    server.answer(() => {});
    expect((await failureOf(source({}, limits))).kind).toBe('unreachable');
    server.answer((_request, response) => void response.write('['));
    expect((await failureOf(source({}, limits))).kind).toBe('unreachable');
    server.answer((_request, response) => {
      const drip = setInterval(() => response.write(' '), 20);
      response.on('close', () => clearInterval(drip));
    });
    const dripped = await failureOf(source({}, limits));
    expect([dripped.kind, dripped.message]).toEqual(['unreachable', expect.stringContaining('600 ms')]);
    await server.stop();
    expect((await failureOf(source({}, limits))).kind).toBe('unreachable');
    server = await startSourceServer(() => {});
  });
});
