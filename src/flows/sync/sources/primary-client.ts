import { type Clock, SECOND } from '../../../platform/clock.js';
import type { OutboundAnswer } from '../../../platform/outbound-answer.js';
import { OutboundError } from '../../../platform/outbound-error.js';
import type { Outbound } from '../../../platform/outbound.js';
import type { RollcallSourceSettings } from '../../../records/sources/source-settings.js';
import { explain, PAGE_JSON_LIMITS, SourceClient } from './source-client.js';
import { RECORD_BYTES_MAX, SourceFailure } from './source-reader.js';

/** A change as the feed tells it; of whom is all that counts here. */
export interface PrimaryChange {
  number: number;
  userId: string;
}

export interface PrimaryFeed {
  changes: PrimaryChange[];
  position: number;
  /** The last number that there was. */
  head: number;
}

export interface PrimaryRecords {
  /** Sync records as JSON, in the order of what was asked; null for one that was too long to be kept. */
  records: (Buffer | null)[];
  missing: string[];
}

/** How many people the primary has, and which versions of them (PeopleDigest): of those who have not changed since. */
export interface PrimaryDigest {
  position: number;
  /** Whoever has changed or left since; null: too many to say. */
  changed: string[] | null;
  count: number;
  digest: string;
}

interface Session {
  client: SourceClient;
  headers: { authorization: string };
}

const JSON_TYPE = 'application/json';
/** 500 records of the largest size that is kept, of which the primary may have larger ones. */
const RECORDS_LIMITS = { bytesMax: 500 * RECORD_BYTES_MAX, timeoutMs: 60_000, jsonLimits: PAGE_JSON_LIMITS };
/**
 * A record that is stated more than a minute ahead is refused, and whom a reading of everybody misses is dated by our own
 * clock: that the clocks differ is better said once.
 */
const SKEW_SECONDS_MAX = 50;

/** Asks another Rollcall for the people of a connection, by its sync key. All of it throws SourceFailure. */
export class PrimaryClient {
  private readonly base: string;
  private session: Session | null = null;

  constructor(
    private readonly outbound: Outbound,
    private readonly settings: RollcallSourceSettings,
    private readonly apiKey: string,
    private readonly clock: Clock,
  ) {
    this.base = settings.url.replace(/\/+$/, '');
  }

  /** Changes of these people after a number, the deleted and those who left included. */
  async readFeed(after: number, limit: number, signal: AbortSignal): Promise<PrimaryFeed> {
    const body = await this.getJson(`/events?after=${after}&limit=${limit}`, signal);
    const { items, position, head } = body as { items?: unknown; position?: unknown; head?: unknown };
    if (!Array.isArray(items) || typeof position !== 'number' || typeof head !== 'number') throw this.unfit();
    const changes = items.map((item): PrimaryChange => {
      const { number, subject } = (item ?? {}) as { number?: unknown; subject?: { id?: unknown } };
      if (typeof number !== 'number' || typeof subject?.id !== 'string') throw this.unfit();
      return { number, userId: subject.id };
    });
    return { changes, position, head };
  }

  /** Up to 500 of them as they are now. Of people whose records are too long together, some are asked for at a time. */
  async findRecords(ids: readonly string[], signal: AbortSignal): Promise<PrimaryRecords> {
    try {
      return await this.askForRecords(ids, signal);
    } catch (error) {
      if (ids.length < 2 || !isTooLarge(error)) throw error;
    }
    const middle = Math.ceil(ids.length / 2);
    const some = await this.findRecords(ids.slice(0, middle), signal);
    const others = await this.findRecords(ids.slice(middle), signal);
    return { records: [...some.records, ...others.records], missing: [...some.missing, ...others.missing] };
  }

  private async askForRecords(ids: readonly string[], signal: AbortSignal): Promise<PrimaryRecords> {
    const url = `${this.base}/users/records`;
    const body = await this.ask(signal, ({ headers }) =>
      this.outbound.postJson(url, { ids }, { headers, ...RECORDS_LIMITS }).catch((error: unknown) => {
        throw explain(error);
      }),
    );
    const { items, missing } = (body ?? {}) as { items?: unknown; missing?: unknown };
    if (!Array.isArray(items) || !Array.isArray(missing)) throw this.unfit();
    const texts = items.map((item) => Buffer.from(JSON.stringify(item)));
    return {
      records: texts.map((text) => (text.length > RECORD_BYTES_MAX ? null : text)),
      missing: missing.map(String),
    };
  }

  /** But for those who have changed after a position. */
  async digest(after: number, signal: AbortSignal): Promise<PrimaryDigest> {
    const body = (await this.getJson(`/users/digest?after=${after}`, signal)) as Record<string, unknown>;
    const { position, changed, count, digest } = body;
    if (typeof position !== 'number' || typeof count !== 'number' || typeof digest !== 'string') throw this.unfit();
    return { position, changed: Array.isArray(changed) ? changed.map(String) : null, count, digest };
  }

  /** All of them as NDJSON, behind the record whose place is given (`statedAt,externalId`). */
  openExport(after: string | null, signal: AbortSignal): Promise<OutboundAnswer> {
    const query = after === null ? '' : `?after=${encodeURIComponent(after)}`;
    const asking = { accept: 'application/x-ndjson', signal };
    return this.ask(signal, ({ client }) => client.open(`${this.base}/users/export${query}`, asking));
  }

  unfit(): SourceFailure {
    return new SourceFailure('invalid', `${new URL(this.base).host} answers otherwise than a Rollcall.`);
  }

  private getJson(path: string, signal: AbortSignal): Promise<object> {
    return this.ask(signal, async ({ client }) => {
      const page = await client.getJson(this.base + path, { accept: JSON_TYPE, signal });
      if (typeof page?.value !== 'object' || page.value === null) throw this.unfit();
      return page.value;
    });
  }

  /** With a token that is logged in for when there is none, and once more when it is over. */
  private async ask<T>(signal: AbortSignal, work: (session: Session) => Promise<T>): Promise<T> {
    const had = this.session;
    this.session ??= await this.logIn(signal);
    try {
      return await work(this.session);
    } catch (error) {
      if (had === null || !(error instanceof SourceFailure) || error.status !== 401) throw error;
      this.session = await this.logIn(signal);
      return work(this.session);
    }
  }

  private async logIn(signal: AbortSignal): Promise<Session> {
    let answer: unknown;
    try {
      answer = await this.outbound.postJson(`${this.base}/auth/login`, { apiKey: this.apiKey });
    } catch (error) {
      throw explain(error);
    }
    const { access_token: token } = (answer ?? {}) as { access_token?: unknown };
    if (typeof token !== 'string') throw this.unfit();
    this.compareClocks(token);
    const client = new SourceClient(this.outbound, this.base, { kind: 'bearer', token });
    await this.assertPrimary(client, signal);
    return { client, headers: { authorization: `Bearer ${token}` } };
  }

  /** Another connection's people would make everybody here look as if they had left. */
  private async assertPrimary(client: SourceClient, signal: AbortSignal): Promise<void> {
    const me = await client.getJson(`${this.base}/auth/me`, { accept: JSON_TYPE, signal });
    const { connection } = (me?.value ?? {}) as { connection?: unknown };
    if (connection === this.settings.primaryId) return;
    throw new SourceFailure('invalid', `The sync key is of another connection than ${this.settings.primaryId}.`);
  }

  private compareClocks(token: string): void {
    const ahead = readIssuedAt(token) - this.clock.now() / SECOND;
    if (Math.abs(ahead) <= SKEW_SECONDS_MAX) return;
    const way = ahead > 0 ? 'ahead of' : 'behind';
    const seconds = Math.round(Math.abs(ahead));
    const detail = `The clock of ${new URL(this.base).host} is ${seconds} seconds ${way} this one.`;
    throw new SourceFailure('invalid', detail);
  }
}

function isTooLarge(error: unknown): boolean {
  const cause = error instanceof SourceFailure ? error.cause : null;
  return cause instanceof OutboundError && cause.reason === 'too_large';
}

/** Seconds; whoever issued the token is whom it is for, so that nothing need be verified. */
function readIssuedAt(token: string): number {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    const { iat } = claims as { iat?: unknown };
    return typeof iat === 'number' ? iat : 0;
  } catch {
    return 0;
  }
}
