import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readLiveBytes } from '../../../../test/support/live-memory.js';
import type { Outbound } from '../../../platform/outbound.js';
import { failureOf, loopbackOutbound, readAll } from '../../../../test/support/read-source.js';
import { people, type SourceServer, startSourceServer } from '../../../../test/support/source-server.js';
import { DocumentSource } from './document-source.js';
import type { SourceLimits } from './page-guard.js';
import { SourceClient } from './source-client.js';
import { FROM_THE_START } from './source-reader.js';

const lines = (records: readonly unknown[]) => records.map((each) => `${JSON.stringify(each)}\n`).join('');

describe('people in lines of JSON', () => {
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

  function ndjson(limits: Partial<SourceLimits> = {}, fields: Record<string, string> | null = null): DocumentSource {
    const url = `${server.url}/people`;
    const settings = { type: 'ndjson', url, items: '', next: null, nextParameter: null, fields } as const;
    return new DocumentSource(new SourceClient(outbound, url, null, limits), settings);
  }

  it('are read with and without gzip, in pages of at most 500', async () => {
    const text = lines(people(1, 1100));
    server.answer((request, response) => {
      expect(request.headers['accept-encoding']).toBe('gzip');
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(text));
    });
    const zipped = await readAll(ndjson());
    server.answer((_request, response) => response.end(text));
    const plainly = await readAll(ndjson());
    expect(zipped.records).toEqual(people(1, 1100));
    expect(plainly.records).toEqual(zipped.records);
    expect(Math.max(...zipped.pages.map((page) => page.records.length))).toBe(500);
    expect(zipped.last.incomplete).toBeUndefined();
  });

  it('that are no records are handed on, to be refused by their number; one of 100 MiB is not kept', async () => {
    const before = readLiveBytes();
    let most = 0;
    server.answer((_request, response) => {
      response.write('{"externalId":"u-1"}\nnot json\n');
      response.write(Buffer.from([0x7b, 0x22, 0xff, 0x0a]));
      const mebibyte = Buffer.alloc(1024 * 1024, 0x78);
      let left = 100;
      const pour = (): void => {
        while (left-- > 0) {
          if (left % 10 === 0) most = Math.max(most, readLiveBytes());
          if (!response.write(mebibyte)) return void response.once('drain', pour);
        }
        response.end('\n{"externalId":"u-2"}');
      };
      pour();
    });
    const { records } = await readAll(ndjson());
    expect(records).toEqual([{ externalId: 'u-1' }, 'not json', '{"\xff', null, { externalId: 'u-2' }]);
    expect(most - before).toBeGreaterThan(0);
    expect(most - before).toBeLessThan(90 * 1024 * 1024);
  });

  it('of another form become records; what cannot be read of them is handed on as it came', async () => {
    const fields = { externalId: '/no', userName: '/login' };
    server.answer((_request, response) => {
      const broken = Buffer.concat([Buffer.from('{"no":2,"login":"'), Buffer.from([0xff]), Buffer.from('"}')]);
      response.end(Buffer.concat([Buffer.from('{"no":1,"login":"ada"}\n'), broken, Buffer.from('\nno JSON\n7')]));
    });
    const { records } = await readAll(ndjson({}, fields));
    expect(records).toEqual([{ externalId: '1', userName: 'ada' }, '{"no":2,"login":"\xff"}', 'no JSON', {}]);
  });

  it('a gzip bomb is given up soon', async () => {
    // 4 GiB of zeros in 4 MiB.
    const member = gzipSync(Buffer.alloc(64 * 1024 * 1024));
    server.answer((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' });
      for (let at = 0; at < 64; at++) response.write(member);
      response.end();
    });
    const failure = await failureOf(ndjson());
    expect([failure.kind, failure.message]).toEqual(['invalid', expect.stringContaining('expands')]);
  });

  it.each<[string, (send: (text: string | Buffer, end?: 'cut' | 'end') => void) => void]>([
    ['chunks', (send) => send(lines(people(1, 3)), 'cut')],
    ['gzip', (send) => send(gzipSync(lines(people(1, 3))).subarray(0, 30), 'end')],
  ])('%s that were cut off are unreachable, never a shorter list', async (form, write) => {
    server.answer((_request, response) => {
      if (form === 'gzip') response.setHeader('content-encoding', 'gzip');
      write((text, end) => {
        if (end === 'end') response.end(text);
        else response.write(text, () => response.destroy());
      });
    });
    expect((await failureOf(ndjson())).kind).toBe('unreachable');
  });

  it.each<[string, string, (text: string) => string | Buffer]>([
    ['neither a length nor chunks', '', (text) => text],
    ['the transfer coding `identity`', 'transfer-encoding: identity\r\n', (text) => text],
    ['another coding than chunks at the end', 'transfer-encoding: chunked, x-own\r\n', (text) => text],
    ['gzip that may go on', 'content-encoding: gzip\r\n', (text) => gzipSync(text)],
  ])('of an answer that came with %s and ended with its connection, nobody is said to be missing', async (...row) => {
    const [, head, encode] = row;
    server.answer((_request, response) => {
      response.socket?.write(`HTTP/1.1 200 OK\r\nconnection: close\r\n${head}\r\n`);
      response.socket?.end(encode(lines(people(1, 2))));
    });
    const { records, last } = await readAll(ndjson());
    expect(records).toEqual(people(1, 2));
    expect(last.incomplete).toContain('whether all of it came');
  });

  it('of a page before the last whose end could not be told, nobody is said to be missing', async () => {
    server.answer((request, response) => {
      if (request.url !== '/people') return void response.end(lines(people(3, 2)));
      response.socket?.end(
        `HTTP/1.1 200 OK\r\nconnection: close\r\nlink: <?2>; rel=next\r\n\r\n${lines(people(1, 2))}`,
      );
    });
    const { records, last } = await readAll(ndjson());
    expect(records).toEqual(people(1, 4));
    expect(last.incomplete).toContain('whether all of it came');
  });

  it('gzip whose last chunk came is whole, though its members may be many', async () => {
    server.answer((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).write(gzipSync(lines(people(1, 2))));
      response.end(gzipSync(lines(people(3, 2))));
    });
    const { records, last } = await readAll(ndjson());
    expect([records, last.incomplete]).toEqual([people(1, 4), undefined]);
  });

  it.each([
    ['is asked for whole again where its end could not be told', '', undefined],
    ['is asked for with its ETag where it could', 'content-length: 80\r\n', '"one"'],
  ])('a document with an ETag %s', async (_, length, condition) => {
    const text = lines(people(1, 2));
    server.answer((_request, response) => {
      const head = `HTTP/1.1 200 OK\r\nconnection: close\r\netag: "one"\r\n${length}\r\n`;
      response.socket?.end(head + text);
    });
    const { last } = await readAll(ndjson());
    await readAll(ndjson(), 'changes', last.place);
    expect(server.asked.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, condition]);
  });

  it.each([8_000, 9_000])('a Link header of about %d bytes leads on, or ends the reading', async (length) => {
    const link = `<${'a'.repeat(length)}>; rel=prev, <?page=2>; rel=next`;
    server.answer((request, response) => {
      const isFirst = !request.url?.includes('page');
      response.writeHead(200, isFirst ? { link } : {}).end(lines(people(isFirst ? 1 : 3, 2)));
    });
    if (length > 8192) expect((await failureOf(ndjson())).kind).toBe('invalid');
    else expect((await readAll(ndjson())).records).toEqual(people(1, 4));
  });

  it('a source that stops in the middle is given up after its silence', async () => {
    server.answer((_request, response) => void response.write(lines(people(1, 2))));
    const failure = await failureOf(ndjson({ silenceMs: 300 }));
    expect([failure.kind, failure.message]).toEqual(['unreachable', expect.stringContaining('silent')]);
  });

  it('a page of markup is refused, whatever it says that it is', async () => {
    server.answer((_request, response) => response.end('\n <!doctype html>\n<p>Please log in</p>'));
    expect((await failureOf(ndjson())).message).toContain('markup');
  });

  it('a reading that was cut off goes on at its line, unless the document has changed since', async () => {
    let etag = '"one"';
    server.answer((_request, response) => response.writeHead(200, { etag }).end(lines(people(1, 1200))));
    const { pages } = await readAll(ndjson());
    const cut = pages[0]?.place ?? FROM_THE_START;
    expect((await readAll(ndjson(), 'full', cut)).records).toEqual(people(501, 700));
    etag = '"two"';
    expect((await readAll(ndjson(), 'full', cut)).records).toEqual(people(1, 1200));
  });

  it('a reading that is given up ends with the reason, and asks for no more', async () => {
    server.answer((_request, response) => void response.write(lines(people(1, 600))));
    const stop = new AbortController();
    const reading = async () => {
      for await (const { isLast } of ndjson().read(FROM_THE_START, 'full', stop.signal)) {
        expect(isLast).toBe(false);
        stop.abort(new Error('enough'));
      }
    };
    await expect(reading()).rejects.toThrow('enough');
  });
});
