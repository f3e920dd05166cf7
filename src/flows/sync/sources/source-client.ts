import type { OutboundAnswer } from '../../../platform/outbound-answer.js';
import { OutboundError } from '../../../platform/outbound-error.js';
import type { Outbound } from '../../../platform/outbound.js';
import { parseStrictJson } from '../../../platform/strict-json.js';
import { headersOf, type SourceCredential } from '../../../records/sources/source-credential.js';
import { SOURCE_LIMITS, type SourceLimits } from './page-guard.js';
import { SourceFailure } from './source-reader.js';

/** Of a page of people, or of groups with all their members. */
export const PAGE_JSON_LIMITS = {
  depthMax: 64,
  itemsPerMemberMax: 5_000_000,
  unsafeNames: 'drop',
  loneSurrogates: 'keep',
} as const;
const STREAM_BYTES_MAX = 2 ** 36;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

export interface Asking {
  accept: string;
  /** Sent beside the credential. */
  headers?: Readonly<Record<string, string>>;
  signal: AbortSignal;
}

/** A page of JSON. */
export interface JsonPage {
  value: unknown;
  headers: Readonly<Record<string, string>>;
  text: Buffer;
}

/** Asks one source, with its credential, and no other: whatever address it is given must be of the source's origin. */
export class SourceClient {
  readonly limits: SourceLimits;
  private readonly origin: string;
  private readonly credential: Record<string, string>;

  constructor(
    private readonly outbound: Outbound,
    url: string,
    credential: SourceCredential | null,
    limits: Partial<SourceLimits> = {},
  ) {
    this.limits = { ...SOURCE_LIMITS, ...limits };
    this.origin = new URL(url).origin;
    this.credential = headersOf(credential);
  }

  /** An answer to be read as it comes. Throws SourceFailure, also while its body is read. */
  async open(url: string, asking: Asking): Promise<OutboundAnswer> {
    const answer = await this.send(url, asking, {
      bytesMax: STREAM_BYTES_MAX,
      timeoutMs: this.limits.documentMs,
    });
    return { ...answer, body: explained(answer.body) };
  }

  /** A page that is read whole; null where it has not changed (304). Throws SourceFailure. */
  async getJson(url: string, asking: Asking): Promise<JsonPage | null> {
    const answer = await this.send(url, asking, { bytesMax: this.limits.pageBytesMax, timeoutMs: this.limits.pageMs });
    const pieces: Buffer[] = [];
    for await (const piece of explained(answer.body)) pieces.push(piece);
    if (answer.status === 304) return null;
    const whole = Buffer.concat(pieces);
    const text = whole.subarray(0, 3).equals(BYTE_ORDER_MARK) ? whole.subarray(3) : whole;
    const parsed = parseStrictJson(text, PAGE_JSON_LIMITS);
    if (!parsed.ok) throw new SourceFailure('invalid', `${this.host} answered without valid JSON. ${parsed.detail}`);
    return { value: parsed.value, headers: answer.headers, text };
  }

  /** The address that a page at `from` leads to. Throws SourceFailure for one of another host. */
  follow(link: string, from: string): string {
    if (!URL.canParse(link, from))
      throw new SourceFailure('invalid', 'It leads to a next page that has no valid address.');
    const url = new URL(link, from);
    if (url.origin !== this.origin) {
      throw new SourceFailure('invalid', `It leads to a page elsewhere (${url.origin}), which is not followed.`);
    }
    return url.href;
  }

  get host(): string {
    return new URL(this.origin).host;
  }

  private async send(
    url: string,
    { accept, headers = {}, signal }: Asking,
    limits: { bytesMax: number; timeoutMs?: number },
  ): Promise<OutboundAnswer> {
    if (new URL(url).origin !== this.origin) throw new Error('A source is asked at its own origin alone.');
    const { silenceMs } = this.limits;
    let answer: OutboundAnswer;
    try {
      const sent = { ...headers, ...this.credential };
      answer = await this.outbound.open(url, { ...limits, accept, signal, silenceMs, headers: sent });
    } catch (error) {
      throw explain(error);
    }
    if (/^text\/html\b/i.test(answer.headers['content-type'] ?? '')) {
      answer.leave();
      throw new SourceFailure('invalid', `${this.host} answered with a web page: is this the right address?`);
    }
    return answer;
  }
}

async function* explained(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    for await (const piece of body) yield piece;
  } catch (error) {
    throw explain(error);
  }
}

/** What came of asking, in the words of a source; what ended the asking from outside stays as it is. */
export function explain(error: unknown): unknown {
  if (!(error instanceof OutboundError)) return error;
  const { status, retryAfterSeconds, message } = error;
  const options = { cause: error, retryAfterSeconds, status };
  if (error.reason === 'timeout' || error.reason === 'unreachable') {
    return new SourceFailure('unreachable', message, options);
  }
  if (status === null) return new SourceFailure('invalid', message, options);
  if (status === 401 || status === 403) {
    return new SourceFailure('unauthorized', `${message} It refuses the credential.`, options);
  }
  const mayPass = status === 408 || status === 425 || status === 429 || status >= 500;
  return new SourceFailure(mayPass ? 'unreachable' : 'invalid', message, options);
}
