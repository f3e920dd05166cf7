import { type Micros, SECOND } from '../../../platform/clock.js';
import type { PageGuard } from './page-guard.js';
import type { SourceClient } from './source-client.js';
import { SourceFailure } from './source-reader.js';

export type ScimJson = Readonly<Record<string, unknown>>;

/**
 * The page of a list that comes next: by cursor (RFC 9865) with how many were named before it; or by index with the id that
 * stood before it, why somebody may have been passed over so far, and how often the reading has stepped back.
 */
export type ScimPlace =
  { cursor: string; named: number } | { index: number; last: string | null; doubt?: string | null; stepsBack?: number };

export interface ScimPage {
  resources: ScimJson[];
  next: ScimPlace | null;
  /** Why not everybody may have been named, on the last page. */
  incomplete: string | null;
  /** By the server's clock; null where it does not say. */
  answeredAt: Micros | null;
}

export interface ScimListOptions {
  /** Of the list, such as `https://example.com/scim/v2/Users`. */
  url: string;
  filter: string | null;
  pageSize: number;
  from: ScimPlace;
  signal: AbortSignal;
}

export const SCIM_MEDIA = 'application/scim+json, application/json;q=0.9';
const LIST = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';
/** Reading a page stops all else for as long as it takes: of resources as long as groups of thousands, fewer are asked for. */
const [BYTES_WANTED_MIN, BYTES_WANTED_MAX] = [128 * 1024, 1024 * 1024];
/** So often may a list be found to have moved under the reader, before it is read as it comes. */
const STEPS_BACK_MAX = 50;
const ONE_AT_A_TIME = 'It gives one resource a page: whether the list changed while it was read cannot be told.';
const CAME_FORWARD = 'Somebody came into the part of the list that was read already.';
const MOVED = 'The list changed so often while it was read that somebody may have been passed over.';

type PageRead = Omit<ScimPage, 'answeredAt'>;

interface ListResponse {
  resources: ScimJson[];
  total: number | null;
  nextCursor: string | null;
  bytes: number;
}

/**
 * Reads a list of SCIM resources page by page (RFC 7644, section 3.4.2.4; RFC 9865). Somebody may come twice, and nobody
 * is passed over unsaid: indices move when resources come and go, so each page is asked for from the last resource of the
 * page before, and where that one is not there any more, the reading steps back to where it is.
 */
export class ScimList {
  /** How many resources a page by index is asked for; at least one beside that which overlaps. */
  private count: number;
  private stepsBack: number;
  /** Whether a page was asked for: the first one may have been asked for before the reading broke off. */
  private hasAsked = false;
  /** Whether a page is asked for from the last resource of the one before. */
  private overlaps = true;
  /** Of the page before, to find the place again: where each stood. */
  private before: ReadonlyMap<string, number> = new Map();
  /** Why somebody may have been passed over. */
  private doubt: string | null;
  private answeredAt: Micros | null = null;

  constructor(
    private readonly client: SourceClient,
    private readonly guard: PageGuard,
    private readonly options: ScimListOptions,
  ) {
    this.count = Math.max(2, options.pageSize);
    this.doubt = ('index' in options.from && options.from.doubt) || null;
    this.stepsBack = ('index' in options.from && options.from.stepsBack) || 0;
  }

  /** Throws SourceFailure. */
  async *read(): AsyncGenerator<ScimPage> {
    let place: ScimPlace | null = this.options.from;
    while (place !== null) {
      const page: PageRead = 'cursor' in place ? await this.readByCursor(place) : await this.readByIndex(place);
      place = page.next && this.withMemory(page.next);
      const incomplete = place === null ? (page.incomplete ?? this.doubt) : null;
      yield { ...page, next: place, incomplete, answeredAt: this.answeredAt };
    }
  }

  private async readByCursor({ cursor, named: before }: { cursor: string; named: number }): Promise<PageRead> {
    this.noteAsked(cursor);
    const { resources, total, nextCursor } = await this.ask({ cursor, count: this.options.pageSize });
    this.guard.notePage(resources.length, namesIn(resources));
    const named = before + resources.length;
    if (nextCursor !== null) return { resources, next: { cursor: nextCursor, named }, incomplete: null };
    const isShort = total !== null && named < total;
    if (isShort && cursor === '') {
      // It does not know cursors, and has answered the first page.
      return { resources, next: { index: resources.length + 1, last: idOf(resources.at(-1)) }, incomplete: null };
    }
    return { resources, next: null, incomplete: isShort ? fewer(named, total) : null };
  }

  private async readByIndex({ index, last }: { index: number; last: string | null }): Promise<PageRead> {
    const from = last === null ? index : index - 1;
    this.noteAsked(`${from} ${last} ${this.stepsBack}`);
    const { resources, total, bytes } = await this.ask({ startIndex: from, count: this.count });
    if (bytes > BYTES_WANTED_MAX) this.count = Math.max(2, Math.ceil(this.count / 2));
    else if (bytes < BYTES_WANTED_MIN) this.count = Math.max(2, Math.min(this.count * 2, this.options.pageSize));
    // Asked for from the last of the page before, one alone is that one again.
    if (resources.length > 1 || !this.overlaps) this.guard.notePage(resources.length, namesIn(resources));
    if (last === null) return this.toPage(resources, from, total);
    if (idOf(resources[0]) === last) {
      // A server that gives one at a time gives nothing new so.
      if (resources.length === 1 && total !== null && total >= index) {
        this.overlaps = false;
        this.doubt = ONE_AT_A_TIME;
        return { resources: [], next: { index, last: null }, incomplete: null };
      }
      return this.toPage(resources.slice(1), index, total);
    }
    return this.stepBack(resources, from, { last, total });
  }

  /** The resource before the page is not where it was: some came or went. */
  private stepBack(
    resources: ScimJson[],
    from: number,
    { last, total }: { last: string; total: number | null },
  ): PageRead {
    const known = new Map([[last, from], ...this.before]);
    const moves = resources.flatMap((each, at) => {
      const stood = known.get(idOf(each) ?? '');
      return stood === undefined ? [] : [from + at - stood];
    });
    // Who came may have been here before, further on: read neither there nor where they are now.
    if (from > 1 && moves.some((places) => places > 0)) this.doubt ??= CAME_FORWARD;
    if (moves.length > 0 || from <= 1) return this.toPage(resources, from, total);
    this.stepsBack += 1;
    if (this.stepsBack > STEPS_BACK_MAX) {
      this.doubt = MOVED;
      return this.toPage(resources, from, total);
    }
    const back = Math.max(1, Math.min(from, total ?? from) - this.options.pageSize);
    return { resources: [], next: { index: back, last: back === 1 ? null : last }, incomplete: null };
  }

  private toPage(resources: ScimJson[], from: number, total: number | null): PageRead {
    const next = from + resources.length;
    const isEnd = total === null ? resources.length === 0 : next > total || resources.length === 0;
    this.before = new Map(resources.map((each, at) => [idOf(each) ?? '', from + at]));
    const last = this.overlaps ? idOf(resources.at(-1)) : null;
    if (!isEnd) return { resources, next: { index: next, last }, incomplete: null };
    const isShort = total !== null && next <= total;
    return { resources, next: null, incomplete: isShort ? fewer(next - 1, total) : null };
  }

  /** For a reading that is gone on with elsewhere. */
  private withMemory(next: ScimPlace): ScimPlace {
    const { doubt, stepsBack } = this;
    if ('cursor' in next) return next;
    return { ...next, ...(doubt === null ? {} : { doubt }), ...(stepsBack === 0 ? {} : { stepsBack }) };
  }

  private noteAsked(page: string): void {
    this.guard.ask(`${this.options.url} ${page}`, !this.hasAsked);
    this.hasAsked = true;
  }

  private async ask(query: Record<string, string | number>): Promise<ListResponse> {
    const { url, filter, signal } = this.options;
    const asked = new URL(url);
    if (filter !== null) asked.searchParams.set('filter', filter);
    for (const [name, value] of Object.entries(query)) asked.searchParams.set(name, String(value));
    const page = await this.client.getJson(asked.href, { accept: SCIM_MEDIA, signal });
    if (page === null) throw new SourceFailure('invalid', `${this.client.host} answered 304 to a plain request.`);
    this.answeredAt = readDate(page.headers.date);
    return { ...readListResponse(page.value), bytes: page.text.length };
  }
}

function readListResponse(value: unknown): Omit<ListResponse, 'bytes'> {
  const list = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  const { schemas, Resources: resources = [], totalResults, nextCursor } = list;
  const isList = Array.isArray(schemas) && schemas.includes(LIST);
  if (!isList || !Array.isArray(resources) || !resources.every(isObject)) {
    throw new SourceFailure(
      'invalid',
      'It answered something else than a list of SCIM resources: is the url its base?',
    );
  }
  return {
    resources,
    total: typeof totalResults === 'number' && totalResults >= 0 ? totalResults : null,
    nextCursor: typeof nextCursor === 'string' && nextCursor !== '' ? nextCursor : null,
  };
}

function readDate(text = ''): Micros | null {
  const millis = Date.parse(text);
  return Number.isNaN(millis) ? null : (millis / 1000) * SECOND;
}

export function isObject(value: unknown): value is ScimJson {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function idOf(resource: ScimJson | undefined): string | null {
  return typeof resource?.id === 'string' ? resource.id : null;
}

function namesIn(resources: readonly ScimJson[]): string {
  return JSON.stringify(resources.map((each) => each.id ?? each));
}

function fewer(named: number, total: number): string {
  return `It counts ${total} and named ${named}.`;
}
