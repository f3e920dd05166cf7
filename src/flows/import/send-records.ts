import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';

/** A Rollcall that is asked over its REST API. */
export interface Service {
  url: string;
  key: string;
}

/** What a request was answered that is no success. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
  ) {
    super(detail);
  }
}

/** Where the service is. Throws for an address that would show the key to whoever listens. */
export function checkUrl(text: string, mayBeHttp: boolean): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.search || url.hash) {
    throw new Error('--url must be an http(s) address without user, query or fragment.');
  }
  const isLoopback = url.hostname === 'localhost' || url.hostname === '[::1]' || isLoopbackAddress(url.hostname);
  if (url.protocol === 'http:' && !isLoopback && !mayBeHttp) {
    throw new Error('--url is not https: anyone on the way could read the key. Say --allow-http if that is meant.');
  }
  return url.href.replace(/\/$/, '');
}

function isLoopbackAddress(host: string): boolean {
  return isIP(host) === 4 && host.startsWith('127.');
}

/** Sends records as a stream, compressed. Returns the answer, unread, if it is one of success. Throws Refusal. */
export async function sendRecords(
  { url, key }: Service,
  query: URLSearchParams,
  lines: AsyncIterable<string>,
  headers: Record<string, string>,
): Promise<IncomingMessage> {
  const target = new URL(`${url}/users/sync?${query.toString()}`);
  const outgoing = (target.protocol === 'https:' ? requestHttps : requestHttp)(target, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/x-ndjson',
      'content-encoding': 'gzip',
      ...headers,
    },
  });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve).once('error', reject);
  });
  // An answer may come before the end of what is sent, which then breaks off; the answer is what counts.
  const sent = pipeline(Readable.from(lines, { objectMode: false }), createGzip(), outgoing);
  const answer = await Promise.race([answered, sent.then(() => answered)]).catch(async (error: unknown) => {
    const late = await Promise.race([
      answered.catch(() => null),
      new Promise<null>((resolve) => setTimeout(resolve, 500, null)),
    ]);
    if (late) return late;
    throw error;
  });
  sent.catch(() => undefined);
  if (answer.statusCode === 200) return answer;
  throw refusalOf(answer.statusCode ?? 0, await readAll(answer));
}

/** Reads something of the service. Throws Refusal. */
export async function getJson<T>({ url, key }: Service, path: string): Promise<T> {
  const answer = await fetch(url + path, { headers: { authorization: `Bearer ${key}` }, redirect: 'error' });
  const text = await answer.text();
  if (answer.status === 200) return JSON.parse(text) as T;
  throw refusalOf(answer.status, text);
}

export async function readAll(answer: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of answer as AsyncIterable<Buffer>) pieces.push(piece);
  return Buffer.concat(pieces).toString('utf8');
}

function refusalOf(status: number, text: string): Refusal {
  let problem: { code?: string; title?: string; detail?: string; faults?: { pointer: string; detail: string }[] } = {};
  try {
    problem = JSON.parse(text) as typeof problem;
  } catch {
    // Not of Rollcall's making: a proxy's page, say.
  }
  const faults = (problem.faults ?? []).map(({ pointer, detail }) => `\n  - ${pointer} ${detail}`).join('');
  const detail = problem.detail ?? problem.title ?? 'This was not answered by Rollcall.';
  return new Refusal(status, problem.code ?? '', `${status}: ${detail}${faults}`);
}
