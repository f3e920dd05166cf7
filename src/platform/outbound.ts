import { lookup as systemLookup } from 'node:dns';
import { connect, type LookupFunction } from 'node:net';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Agent, buildConnector, type Dispatcher, ProxyAgent, request } from 'undici';
import { type AddressRules, findAddressFault, isLoopbackName, parseCidr, readLiteralAddress } from './address-rules.js';
import { parseStrictJson } from './strict-json.js';

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

export type OutboundReason =
  | 'url_refused'
  | 'address_refused'
  | 'unreachable'
  | 'timeout'
  | 'redirect'
  | 'status'
  | 'too_large'
  | 'encoded'
  | 'not_json';

/** Why a document could not be had. The message is for operators and names the host, not what it answered. */
export class OutboundError extends Error {
  constructor(
    readonly reason: OutboundReason,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

export interface FetchOptions {
  /** For the whole exchange: name, connection, headers and body. */
  timeoutMs?: number;
  bytesMax?: number;
  accept?: string;
}

const CONNECT_TIMEOUT_MS = 5000;
const JSON_LIMITS = { depthMax: 16, itemsPerMemberMax: 20_000, unsafeNames: 'drop', loneSurrogates: 'keep' } as const;

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
  async fetchJson(url: string, options: FetchOptions = {}): Promise<unknown> {
    const { timeoutMs = 5000, bytesMax = 512 * 1024, accept = 'application/json' } = options;
    const target = this.checkUrl(url);
    const signal = AbortSignal.timeout(timeoutMs);
    let bytes: Buffer;
    try {
      const response = await request(target, {
        dispatcher: this.dispatcher,
        signal,
        headers: { accept, 'accept-encoding': 'identity', 'user-agent': 'rollcall' },
      });
      bytes = await readBody(response, bytesMax, target.host);
    } catch (error) {
      throw describeFailure(error, signal, target.host, timeoutMs);
    }
    const parsed = parseStrictJson(bytes, JSON_LIMITS);
    if (!parsed.ok) throw new OutboundError('not_json', `${target.host} answered without valid JSON. ${parsed.detail}`);
    return parsed.value;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.dispatcher.destroy();
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
  const refusal = findHeadFault(response, bytesMax, host);
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
  response.body.on('error', () => {});
  response.body.destroy();
  throw refusal ?? tooLarge(host, bytesMax);
}

function findHeadFault(response: Dispatcher.ResponseData, bytesMax: number, host: string): OutboundError | null {
  const { statusCode, headers } = response;
  if (statusCode >= 300 && statusCode < 400) {
    return new OutboundError('redirect', `${host} answered with a redirect (${statusCode}), which is not followed.`);
  }
  if (statusCode !== 200) return new OutboundError('status', `${host} answered with status ${statusCode}.`);
  if (headers['content-encoding'] !== undefined && headers['content-encoding'] !== 'identity') {
    return new OutboundError('encoded', `${host} compressed its answer unasked.`);
  }
  return Number(headers['content-length'] ?? 0) > bytesMax ? tooLarge(host, bytesMax) : null;
}

function tooLarge(host: string, bytesMax: number): OutboundError {
  return new OutboundError('too_large', `${host} answered with more than ${bytesMax} bytes.`);
}

function describeFailure(error: unknown, signal: AbortSignal, host: string, timeoutMs: number): OutboundError {
  if (error instanceof OutboundError) return error;
  if (signal.aborted) return new OutboundError('timeout', `${host} did not finish its answer within ${timeoutMs} ms.`);
  const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
  return new OutboundError('unreachable', `${host} could not be reached${code}.`, { cause: error });
}
