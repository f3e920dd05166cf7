import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, connect, type LookupFunction } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { OutboundError } from './outbound-error.js';
import { type FetchOptions, Outbound, OutboundOptions } from './outbound.js';

const open: { server?: Server; outbound?: Outbound } = {};

async function serve(listener: RequestListener, host = '127.0.0.1'): Promise<number> {
  const server = createServer(listener);
  open.server = server;
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return (server.address() as AddressInfo).port;
}

/** The document, or the reason why there is none. */
async function get(url: string, options: Partial<OutboundOptions>, fetchOptions?: FetchOptions): Promise<unknown> {
  open.outbound ??= new Outbound(new OutboundOptions(options));
  try {
    return await open.outbound.fetchJson(url, fetchOptions);
  } catch (error) {
    return error instanceof OutboundError ? error.reason : error;
  }
}

/** Answers with each list of addresses in turn, then with the last for ever. */
function resolveTo(...answers: string[][]): { lookup: LookupFunction; asked: string[] } {
  const asked: string[] = [];
  const lookup: LookupFunction = (hostname, _options, callback) => {
    const answer = answers[Math.min(asked.length, answers.length - 1)] ?? [];
    asked.push(hostname);
    callback(
      null,
      answer.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  };
  return { lookup, asked };
}

afterEach(async () => {
  await open.outbound?.onApplicationShutdown();
  open.server?.closeAllConnections();
  open.server?.close();
  delete open.outbound;
  delete open.server;
});

const loopback = { allowLoopbackHttp: true };

describe('outgoing requests', () => {
  it('C5 a JSON document is read, asked for without compression and credentials', async () => {
    const port = await serve((request, response) => response.end(JSON.stringify(request.headers)));
    const headers = await get(`http://127.0.0.1:${port}/`, loopback, { accept: 'application/jwk-set+json' });
    expect(headers).toMatchObject({ accept: 'application/jwk-set+json', 'accept-encoding': 'identity' });
    expect(Object.keys(headers as object)).not.toContain('authorization');
  });

  it('C5 a body at the limit is read, one byte more is not', async () => {
    const port = await serve((request, response) => response.end(`"${'x'.repeat(Number(request.url?.slice(1)) - 2)}"`));
    expect(await get(`http://127.0.0.1:${port}/1000`, loopback, { bytesMax: 1000 })).toHaveLength(998);
    expect(await get(`http://127.0.0.1:${port}/1001`, loopback, { bytesMax: 1000 })).toBe('too_large');
    expect(await get(`http://127.0.0.1:${port}/${512 * 1024 + 1}`, loopback)).toBe('too_large');
  });

  it('C5 an endless body is cut off soon after the limit', async () => {
    let sent = 0;
    const chunk = Buffer.alloc(65_536, 0x20);
    const port = await serve((_request, response) => {
      const pour = () => {
        while (!response.destroyed) {
          sent += chunk.length;
          if (!response.write(chunk)) return response.once('drain', pour);
        }
      };
      pour();
    });
    expect(await get(`http://127.0.0.1:${port}/`, loopback)).toBe('too_large');
    // What the kernel's buffers on both sides of the socket take in before the end is heard of.
    expect(sent).toBeLessThan(16 * 1024 * 1024);
  });

  it('C5 an answer that does not come, or drips, is given up at the time-out of the whole', async () => {
    const drips = new Set<NodeJS.Timeout>();
    const port = await serve((request, response) => {
      if (request.url === '/silent') return;
      const drip = setInterval(() => response.write(' '), 20);
      drips.add(drip);
      response.on('close', () => clearInterval(drip));
    });
    expect(await get(`http://127.0.0.1:${port}/silent`, loopback, { timeoutMs: 150 })).toBe('timeout');
    expect(await get(`http://127.0.0.1:${port}/drip`, loopback, { timeoutMs: 150 })).toBe('timeout');
    for (const drip of drips) clearInterval(drip);
  });

  it('C4 statuses, HTML, cut JSON and unasked compression are failures', async () => {
    const port = await serve((request, response) => {
      if (request.url === '/500') response.writeHead(500).end('{}');
      else if (request.url === '/204') response.writeHead(204).end();
      else if (request.url === '/html') response.end('<html></html>');
      else if (request.url === '/cut') response.end('{"keys":[');
      else if (request.url === '/gzip') response.writeHead(200, { 'content-encoding': 'gzip' }).end('{}');
      else response.writeHead(200, { 'content-length': 100 }).write('{}', () => response.destroy());
    });
    const ask = (path: string) => get(`http://127.0.0.1:${port}/${path}`, loopback);
    expect(await ask('500')).toBe('status');
    expect(await ask('204')).toBe('status');
    expect(await ask('html')).toBe('not_json');
    expect(await ask('cut')).toBe('not_json');
    expect(await ask('gzip')).toBe('encoded');
    expect(await ask('torn')).toBe('unreachable');
  });

  it('C6 redirects are not followed', async () => {
    const seen: (string | undefined)[] = [];
    const port = await serve((request, response) => {
      seen.push(request.url);
      response.writeHead(302, { location: '/keys' }).end('{}');
    });
    expect(await get(`http://127.0.0.1:${port}/`, loopback)).toBe('redirect');
    expect(seen).toEqual(['/']);
  });

  it.each([
    ['http://idp.example.com/', loopback, 'url_refused'],
    ['http://127.0.0.1/', {}, 'url_refused'],
    ['ftp://127.0.0.1/', loopback, 'url_refused'],
    ['https://user:secret@idp.example.com/', {}, 'url_refused'],
    ['nothing', {}, 'url_refused'],
    ['https://127.0.0.1/', {}, 'address_refused'],
    ['https://2130706433/', {}, 'address_refused'],
    ['https://[::1]/', {}, 'address_refused'],
    ['https://[::ffff:10.0.0.1]/', {}, 'address_refused'],
    ['https://169.254.169.254/latest', loopback, 'address_refused'],
    ['https://10.0.0.1/', loopback, 'address_refused'],
  ])('C7 %s with %j: %s', async (url, options, reason) => {
    expect(await get(url, options)).toBe(reason);
  });

  it.each([
    ['loopback', ['127.0.0.1']],
    ['private', ['10.0.0.1']],
    ['metadata', ['169.254.169.254']],
    ['mapped', ['::ffff:127.0.0.1']],
    ['a public one and a private one', ['93.184.216.34', '10.0.0.1']],
  ])('C7 a name that resolves to %s is not connected to', async (_, addresses) => {
    let connections = 0;
    const port = await serve((_request, response) => response.end('{}'));
    open.server?.on('connection', () => connections++);
    const { lookup, asked } = resolveTo(addresses);
    expect(await get(`https://idp.example.com:${port}/`, { lookup })).toBe('address_refused');
    expect(asked).toEqual(['idp.example.com']);
    expect(connections).toBe(0);
  });

  it('C7 a name that is rebound between two requests is refused at the second', async () => {
    let connections = 0;
    const port = await serve((_request, response) => response.writeHead(200, { connection: 'close' }).end('{"n":1}'));
    open.server?.on('connection', () => connections++);
    const { lookup, asked } = resolveTo(['127.0.0.1'], ['127.0.0.2']);
    // The allowed address stands for a public one, the other for the target of the attack. TLS fails: no certificate.
    open.outbound = new Outbound(new OutboundOptions({ allowedCidrs: ['127.0.0.1/32'], lookup }));
    expect(await get(`https://idp.test:${port}/`, {})).toBe('unreachable');
    expect(connections).toBe(1);
    expect(await get(`https://idp.test:${port}/`, {})).toBe('address_refused');
    expect(connections).toBe(1);
    expect(asked).toHaveLength(2);
  });

  it('C7 the address that was checked is the one connected to: there is no second look-up', async () => {
    const port = await serve((request, response) => response.end(JSON.stringify(request.socket.localAddress)));
    const { lookup, asked } = resolveTo(['127.0.0.1'], ['127.0.0.2']);
    expect(await get(`http://idp.test:${port}/`, { allowedHosts: ['idp.test'], lookup })).toBe('127.0.0.1');
    expect(asked).toEqual(['idp.test']);
  });

  it('C7 the socket itself is checked: an answer that changes after it was judged gains nothing', async () => {
    let requests = 0;
    const port = await serve((_request, response) => response.end(`${++requests}`), '0.0.0.0');
    let reads = 0;
    const shifting = {
      family: 4,
      get address() {
        return reads++ === 0 ? '127.0.0.1' : '127.0.0.2';
      },
    };
    const lookup: LookupFunction = (_hostname, _options, callback) => callback(null, [shifting]);
    const options = { allowedCidrs: ['127.0.0.1/32'], lookup };
    expect(await get(`https://idp.test:${port}/`, options)).toBe('address_refused');
    expect(reads).toBeGreaterThan(1);
    expect(requests).toBe(0);
  });

  it('C7 a host that the operator names may be inside; a name beside it may not', async () => {
    const port = await serve((_request, response) => response.end('{"ok":true}'));
    const { lookup } = resolveTo(['127.0.0.1']);
    expect(await get(`http://idp.internal:${port}/`, { allowedHosts: ['idp.internal'], lookup })).toEqual({ ok: true });
    expect(await get(`https://x.idp.internal:${port}/`, {})).toBe('address_refused');
  });

  it('C9 a host that is not there is unreachable, not a crash', async () => {
    const { lookup } = resolveTo([]);
    expect(await get('https://idp.example.com/', { lookup })).toBe('unreachable');
  });

  it('C9 a port that nobody listens at is unreachable, not a crash', async () => {
    const port = await serve(() => {});
    await new Promise((resolve) => open.server?.close(resolve));
    expect(await get(`http://127.0.0.1:${port}/`, loopback)).toBe('unreachable');
  });

  it('C7 through a proxy, literal addresses are still judged here, and names are left to the proxy', async () => {
    const port = await serve((_request, response) => response.end('{"ok":true}'));
    const tunnels: (string | undefined)[] = [];
    open.server?.on('connect', (request, client) => {
      tunnels.push(request.url);
      const target = connect(port, '127.0.0.1', () => {
        client.write('HTTP/1.1 200 OK\r\n\r\n');
        target.pipe(client).pipe(target);
      });
      for (const end of [client, target]) end.on('error', () => {});
    });
    const options = { proxyUrl: `http://127.0.0.1:${port}`, allowedHosts: ['idp.test'] };
    expect(await get('http://idp.test/keys', options)).toEqual({ ok: true });
    expect(tunnels).toEqual(['idp.test:80']);
    expect(await get('https://10.0.0.1/', options)).toBe('address_refused');
    expect(await get('https://169.254.169.254/', options)).toBe('address_refused');
    expect(tunnels).toHaveLength(1);
  });

  it('a credential goes through the tunnel to its host, and never to the proxy; a redirect takes it nowhere', async () => {
    const seen: (string | undefined)[] = [];
    const port = await serve((request, response) => {
      seen.push(request.headers.authorization);
      if (request.url === '/away') response.writeHead(302, { location: 'http://169.254.169.254/' }).end();
      else response.end('here');
    });
    const tunnels: string[] = [];
    open.server?.on('connect', (request, client) => {
      tunnels.push(JSON.stringify(request.headers));
      const target = connect(port, '127.0.0.1', () => {
        client.write('HTTP/1.1 200 OK\r\n\r\n');
        target.pipe(client).pipe(target);
      });
      for (const end of [client, target]) end.on('error', () => {});
    });
    const options = { proxyUrl: `http://127.0.0.1:${port}`, allowedHosts: ['people.test'] };
    const outbound = (open.outbound = new Outbound(new OutboundOptions(options)));
    const ask = { bytesMax: 100, headers: { authorization: 'Bearer hush' } };
    const pieces: Buffer[] = [];
    for await (const piece of (await outbound.open('http://people.test/', ask)).body) pieces.push(piece);
    expect([Buffer.concat(pieces).toString(), seen]).toEqual(['here', ['Bearer hush']]);
    expect(tunnels.join()).not.toContain('hush');
    await expect(outbound.open('http://people.test/away', ask)).rejects.toMatchObject({ reason: 'redirect' });
    await expect(outbound.open('http://169.254.169.254/', ask)).rejects.toMatchObject({ reason: 'url_refused' });
    expect(seen).toHaveLength(2);
  });

  it('a JSON body is posted, and only the answer of a success is read', async () => {
    const port = await serve((request, response) => {
      request.setEncoding('utf8').on('data', (text: string) => {
        if (request.url === '/no') response.writeHead(401).end('{}');
        else response.end(JSON.stringify([request.method, request.headers['content-type'], text]));
      });
    });
    open.outbound = new Outbound(new OutboundOptions(loopback));
    const url = `http://127.0.0.1:${port}`;
    expect(await open.outbound.postJson(url, { a: 1 })).toEqual(['POST', 'application/json', '{"a":1}']);
    await expect(open.outbound.postJson(`${url}/no`, {})).rejects.toMatchObject({ reason: 'status', status: 401 });
  });
});
