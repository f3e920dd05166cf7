import { lookup as systemLookup } from 'node:dns';
import { connect, type LookupFunction } from 'node:net';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Agent, buildConnector, type Dispatcher, ProxyAgent, request } from 'undici';
import { type AddressRules, findAddressFault, isLoopbackName, parseCidr, readLiteralAddress } from './address-rules.js';
import { findHeadFault, joinHeaders, leave, type OutboundAnswer, toAnswer, tooLarge } from './outbound-answer.js';
import { OutboundError } from './outbound-error.js';
import { type JsonLimits, parseStrictJson } from './strict-json.js';

/** What the operator allows beyond public https. */
export class OutboundOptions {
  /** Host names that may be plain http, resolve to private or loopback addresses, or both as written here. */
  allowedHosts: readonly string[] = [];
  /** Addresses reachable although they are not public, such as `10.20.0.0/16`. */
  allowedCidrs: readonly string[] = [];
  /** For development: plain http to loopback, and loopback addresses. */
  allowLoopbackHttp = false;
  /** All goes through it. The proxy resolves names, so it must keep the address rules; literals are still checked here. */
  proxyUrl: string | null = null;
  /** How names are resolved; replaced in tests. */
  lookup: LookupFunction = systemLookup as LookupFunction;

  constructor(options: Partial<OutboundOptions> = {}) {
    Object.assign(this, options);
  }
}

export interface FetchOptions {
  /** For the whole exchange: name, connection, headers and body. */
  timeoutMs?: number;
  bytesMax?: number;
  /** Of what the JSON holds, where it is more than a document of keys or settings. */
  jsonLimits?: JsonLimits;
  accept?: string;
}

export interface OpenOptions {
  /** Sent beside ours, a credential too: to this URL and nowhere else, since no redirect is followed. Never logged. */
  headers?: Readonly<Record<string, string>>;
  accept?: string;
  /** Of the body without its content coding. */
  bytesMax: number;
  /** How long it may be silent: before the head of its answer, and at any time in the body. */
  silenceMs?: number;
  /** For the whole exchange, the body too; without it, only silence ends one that never ends. */
  timeoutMs?: number;
  /** Ends the exchange; its reason is thrown. */
  signal?: AbortSignal;
}

export interface PostOptions extends FetchOptions {
  headers?: Readonly<Record<string, string>>;
}

const CONNECT_TIMEOUT_MS = 5000;
const JSON_LIMITS: JsonLimits = {
  depthMax: 16,
  itemsPerMemberMax: 20_000,
  unsafeNames: 'drop',
  loneSurrogates: 'keep',
};

/** The one door for outgoing HTTP: checks where it leads, how long it takes and how much comes back. */
@Injectable()
export class Outbound implements OnApplicationShutdown {
  private readonly rules: AddressRules;
  private readonly dispatcher: Dispatcher;

  constructor(private readonly options: OutboundOptions) {
    const loopback = options.allowLoopbackHttp ? ['127.0.0.0/8', '::1/128'] : [];
    this.rules = { allowedCidrs: [...options.allowedCidrs, ...loopback].map(parseCidr) };
    this.dispatcher = options.proxyUrl
      ? new ProxyAgent({ uri: options.proxyUrl, connections: 8 })
      : new Agent({ connect: this.buildConnect(), connections: 8, pipelining: 1, keepAliveTimeout: 4000 });
  }

  /**
   * Gets a JSON document by `GET`. Follows no redirect, sends no credential, and holds at most `bytesMax` (512 KiB) and
   * `timeoutMs` (5,000). Throws `OutboundError`.
   */
  fetchJson(url: string, options: FetchOptions = {}): Promise<unknown> {
    return this.exchangeJson(url, { method: 'GET', headers: {} }, options);
  }

  /**
   * Gets a document of any length by `GET`, which comes as it is read: with gzip taken off, and with no redirect followed.
   * Throws OutboundError for any status but 200 and 304 (of which the body is empty).
   */
  async open(url: string, options: OpenOptions): Promise<OutboundAnswer> {
    const { headers = {}, accept = 'application/json', bytesMax, silenceMs = 30_000, timeoutMs, signal } = options;
    const target = this.checkUrl(url);
    const timeout = timeoutMs === undefined ? null : AbortSignal.timeout(timeoutMs);
    const ends = [timeout, signal ?? null].filter((each) => each !== null);
    const describe = (error: unknown): unknown => {
      if (signal?.aborted) return signal.reason;
      return describeFailure(error, timeout, target.host, timeoutMs ?? 0);
    };
    try {
      const response = await request(target, {
        dispatcher: this.dispatcher,
        signal: AbortSignal.any(ends),
        headersTimeout: silenceMs,
        bodyTimeout: silenceMs,
        headers: { accept, 'accept-encoding': 'gzip', 'user-agent': 'rollcall', ...headers },
      });
      return toAnswer(response, { host: target.host, bytesMax, describe });
    } catch (error) {
      throw describe(error);
    }
  }

  /** Sends a JSON body by `POST`, and reads the JSON document of its 200 answer. Limits and errors as of `fetchJson`. */
  postJson(url: string, body: unknown, { headers = {}, ...options }: PostOptions = {}): Promise<unknown> {
    const json = { ...headers, 'content-type': 'application/json' };
    return this.exchangeJson(url, { method: 'POST', headers: json, body: JSON.stringify(body) }, options);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.dispatcher.destroy();
  }

  private async exchangeJson(
    url: string,
    sent: { method: 'GET' | 'POST'; headers: Readonly<Record<string, string>>; body?: string },
    options: FetchOptions,
  ): Promise<unknown> {
    const { timeoutMs = 5000, bytesMax = 512 * 1024, accept = 'application/json', jsonLimits = JSON_LIMITS } = options;
    const target = this.checkUrl(url);
    const signal = AbortSignal.timeout(timeoutMs);
    let bytes: Buffer;
    try {
      const response = await request(target, {
        dispatcher: this.dispatcher,
        signal,
        ...sent,
        headers: { accept, 'accept-encoding': 'identity', 'user-agent': 'rollcall', ...sent.headers },
      });
      bytes = await readBody(response, bytesMax, target.host);
    } catch (error) {
      throw describeFailure(error, signal, target.host, timeoutMs);
    }
    const parsed = parseStrictJson(bytes, jsonLimits);
    if (!parsed.ok) throw new OutboundError('not_json', `${target.host} answered without valid JSON. ${parsed.detail}`);
    return parsed.value;
  }

  private checkUrl(url: string): URL {
    if (!URL.canParse(url)) throw new OutboundError('url_refused', 'The address is not a URL.');
    const target = new URL(url);
    const literal = readLiteralAddress(target.hostname);
    const isTrusted = this.isTrustedHost(target.hostname);
    const mayBeHttp = isTrusted || (this.options.allowLoopbackHttp && isLoopbackName(target.hostname));
    if (target.protocol !== 'https:' && !(target.protocol === 'http:' && mayBeHttp)) {
      throw new OutboundError('url_refused', `${target.host} is not asked by plain http.`);
    }
    if (target.username !== '' || target.password !== '') {
      throw new OutboundError('url_refused', 'The address holds a user name or password.');
    }
    const fault = literal === null ? null : findAddressFault(literal, this.rules, isTrusted);
    if (fault) throw new OutboundError('address_refused', fault);
    return target;
  }

  private isTrustedHost(hostname: string): boolean {
    return this.options.allowedHosts.includes(hostname);
  }

  /**
   * Resolves, checks every address, connects, and checks the address of the socket before a byte is sent. A name that
   * resolves differently the second time (rebinding) gains nothing: the addresses checked are those connected to.
   */
  private buildConnect(): buildConnector.connector {
    const secure = buildConnector({ timeout: CONNECT_TIMEOUT_MS });
    return (target, callback) => {
      const isTrusted = this.isTrustedHost(target.hostname);
      const host = target.hostname.replace(/^\[|\]$/g, '');
      const port = Number(target.port || (target.protocol === 'https:' ? 443 : 80));
      const socket = connect({ host, port, lookup: this.buildLookup(isTrusted), noDelay: true });
      socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy(new Error('The connection took too long.')));
      const giveUp = (error: Error): void => callback(error, null);
      socket.once('error', giveUp);
      socket.once('connect', () => {
        socket.setTimeout(0);
        socket.off('error', giveUp);
        const fault = findAddressFault(socket.remoteAddress ?? 'nowhere', this.rules, isTrusted);
        if (fault) {
          socket.destroy();
          callback(new OutboundError('address_refused', fault), null);
        } else if (target.protocol === 'https:') secure({ ...target, httpSocket: socket }, callback);
        else callback(null, socket);
      });
    };
  }

  private buildLookup(isTrusted: boolean): LookupFunction {
    return (hostname, options, callback) => {
      this.options.lookup(hostname, { ...options, all: true }, (error, found) => {
        const addresses = typeof found === 'string' ? [{ address: found, family: 4 }] : (found ?? []);
        const first = addresses[0];
        if (error || !first) {
          return callback(error ?? Object.assign(new Error('no address'), { code: 'ENOTFOUND' }), []);
        }
        // One bad address among good ones refuses the name: which of them is tried is not ours to choose.
        for (const { address } of addresses) {
          const fault = findAddressFault(address, this.rules, isTrusted);
          if (fault) return callback(new OutboundError('address_refused', `${hostname}: ${fault}`), []);
        }
        if (options.all) callback(null, addresses);
        else callback(null, first.address, first.family);
      });
    };
  }
}

/** Reads no more than `bytesMax`, whatever the length that was announced; leaves the rest unread. */
async function readBody(response: Dispatcher.ResponseData, bytesMax: number, host: string): Promise<Buffer> {
  const refusal = findPlainFault(response, bytesMax, host);
  const chunks: Buffer[] = [];
  let length = 0;
  if (!refusal) {
    for await (const chunk of response.body as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > bytesMax) break;
      chunks.push(chunk);
    }
    if (length <= bytesMax) return Buffer.concat(chunks, length);
  }
  leave(response.body);
  throw refusal ?? tooLarge(host, bytesMax);
}

function findPlainFault(response: Dispatcher.ResponseData, bytesMax: number, host: string): OutboundError | null {
  const { statusCode } = response;
  if (statusCode === 304) return new OutboundError('status', `${host} answered with status 304.`, { status: 304 });
  const headers = joinHeaders(response);
  const coding = headers['content-encoding'];
  const fault = findHeadFault(statusCode, headers, { host, bytesMax });
  if (fault?.reason === 'status' || fault?.reason === 'redirect') return fault;
  if (coding !== undefined && coding !== 'identity') {
    return new OutboundError('encoded', `${host} compressed its answer unasked.`);
  }
  return fault;
}

const SILENCES: ReadonlySet<string> = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);

function describeFailure(error: unknown, signal: AbortSignal | null, host: string, timeoutMs: number): OutboundError {
  if (error instanceof OutboundError) return error;
  if (signal?.aborted) return new OutboundError('timeout', `${host} did not finish its answer within ${timeoutMs} ms.`);
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (SILENCES.has(code)) return new OutboundError('timeout', `${host} was silent for too long.`);
  const why = code === '' ? '' : ` (${code})`;
  return new OutboundError('unreachable', `${host} could not be reached${why}.`, { cause: error });
}
