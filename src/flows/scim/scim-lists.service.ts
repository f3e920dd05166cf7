import { Injectable } from '@nestjs/common';
import { WorkStretch } from '../../platform/breathe.js';
import { Clock, type Micros } from '../../platform/clock.js';
import { Database } from '../../platform/database.js';
import { Problem } from '../../platform/problem.js';
import { selectRows } from '../../platform/sql.js';
import { EVERYTHING, type SqlFilter, toSqlFilter } from './filter-sql.js';
import type { ListSlice, ListSource } from './list-source.js';
import { findOrder, type Place, selectCount, selectStretch, type SqlOrder } from './list-sql.js';
import { cursorScope, readCursor, writeCursor } from './protocol/cursor.js';
import { type ListPage, type ListQuery, type ListRequest, resolveListRequest } from './protocol/list-query.js';
import { matchFilter } from './protocol/match-filter.js';
import { isShown, projectResource } from './protocol/project-resource.js';
import { countTerms, type ResolvedFilter } from './protocol/resolve-filter.js';
import { compareSortKeys, type Sort, type SortKey, sortKeyOf } from './protocol/sort-resources.js';
import type { ResourceJson } from './protocol/stored-values.js';
import type { ScimDirectory } from './scim-directory.js';

/** Looked at in one read, where a filter needs that. */
const CHUNK = 500;
/** Of several kinds at once. */
const SORTED_TOGETHER_MAX = 5000;
/** How often one resource may be held against a term of a filter: a few tenths of a second, between two turns of others. */
const LOOKS_MAX = 5_000_000;

/** Which stretch of a list. */
export type Stretch = { offset: number; limit: number } | { after: Place | null; limit: number };

/** What is asked of one kind of resources. */
interface Asked {
  directory: ScimDirectory;
  source: ListSource;
  query: ListQuery;
}

/** Lists of resources: filtered, sorted and paged by the database where its columns say enough, else by reading. */
@Injectable()
export class ScimLists {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** A page of one kind of resources (RFC 7644, section 3.4.2; RFC 9865). */
  async page(directory: ScimDirectory, source: ListSource, request: ListRequest): Promise<ListPage> {
    const query = resolveListRequest(request, source.type, directory.leniencies);
    const { page } = request;
    if (page.by === 'index') {
      const stretch = { offset: page.startIndex - 1, limit: page.count };
      const { total, items } = await this.slice(directory, source, query, stretch);
      const resources = items.map(({ resource }) => resource);
      return { totalResults: total, startIndex: page.startIndex, resources };
    }
    const scope = scopeOf(directory, [source], request);
    const now = this.clock.now();
    const after = page.cursor === null ? null : readPlace(scope, page.cursor, now);
    // One more than asked tells whether there are any.
    const { total, items } = await this.slice(directory, source, query, { after, limit: page.count + 1 });
    const shown = items.slice(0, page.count);
    const last = shown.at(-1);
    return {
      totalResults: total,
      resources: shown.map(({ resource }) => resource),
      ...(items.length > page.count && last ? { nextCursor: writeCursor(scope, writePlace(last.key), now) } : {}),
    };
  }

  /**
   * A page of several kinds of resources at once (RFC 7644, section 3.4.3): one kind after the other, or all in one order
   * where one is asked for.
   */
  async pageOfAll(directory: ScimDirectory, sources: readonly ListSource[], request: ListRequest): Promise<ListPage> {
    const { page } = request;
    const scope = scopeOf(directory, sources, request);
    const now = this.clock.now();
    const offset =
      page.by === 'index'
        ? page.startIndex - 1
        : page.cursor === null
          ? 0
          : readOffset(readPosition(scope, page.cursor, now));
    const slices: ListSlice[] = [];
    let total = 0;
    for (const source of sources) {
      const others = sources.filter((other) => other !== source).map(({ type }) => type);
      const query = resolveListRequest(request, source.type, directory.leniencies, others);
      const before = slices.reduce((sum, { items }) => sum + items.length, 0);
      const stretch =
        request.sortBy === null
          ? { offset: Math.max(0, offset - total), limit: page.count - before }
          : { offset: 0, limit: Math.min(offset + page.count, SORTED_TOGETHER_MAX) };
      const slice = await this.slice(directory, source, query, stretch);
      total += slice.total;
      slices.push(slice);
    }
    let items = slices.flatMap((slice) => slice.items);
    if (request.sortBy !== null) {
      if (offset + page.count > SORTED_TOGETHER_MAX && total > SORTED_TOGETHER_MAX) {
        throw new Problem(
          'scim_too_many',
          `Sorted together are ${SORTED_TOGETHER_MAX} resources at most: narrow it down.`,
        );
      }
      const descending = /^\s*descending\s*$/i.test(request.sortOrder ?? '');
      items = items
        .sort((left, right) => compareSortKeys(left.key, right.key, descending))
        .slice(offset, offset + page.count);
    }
    const resources = items.map(({ resource }) => resource);
    if (page.by === 'index') return { totalResults: total, startIndex: page.startIndex, resources };
    const next = offset + resources.length;
    const isMore = resources.length > 0 && next < total;
    return {
      totalResults: total,
      resources,
      ...(isMore ? { nextCursor: writeCursor(scope, JSON.stringify([next]), now) } : {}),
    };
  }

  /** Part of what a query finds, and how many it finds in all. */
  async slice(directory: ScimDirectory, source: ListSource, query: ListQuery, stretch: Stretch): Promise<ListSlice> {
    const asked = { directory, source, query };
    const order = findOrder(source, query.sort);
    const { connectionId } = directory;
    const filter = query.filter ? toSqlFilter(query.filter, source.indexed, connectionId) : ALL;
    if (!order || !filter.isExact) return this.sliceByReading(asked, stretch);
    const offset = 'offset' in stretch ? stretch.offset : 0;
    const after = 'after' in stretch ? stretch.after : null;
    const { limit } = stretch;
    const { engine } = this.database;
    const { sql, values } = selectStretch(source, connectionId, filter, order, { after, offset, limit, engine });
    const rows = limit === 0 ? [] : await selectRows(this.database.read, sql, values);
    const keys = rows.map((row): SortKey => ({ id: String(row.id), value: toValue(row.place) }));
    // The end of the list tells how long it is.
    const isEnd = rows.length < limit && after === null && (rows.length > 0 || offset === 0);
    const total = isEnd ? offset + rows.length : await this.count(asked, filter);
    return { total, items: await this.tell(asked, keys) };
  }

  private async count({ directory, source }: Asked, filter: SqlFilter): Promise<number> {
    const { sql, values } = selectCount(source, directory.connectionId, filter);
    const [row] = await selectRows(this.database.read, sql, values);
    return Number(row?.total);
  }

  private async sliceByReading(asked: Asked, stretch: Stretch): Promise<ListSlice> {
    const { sort } = asked.query;
    const descending = sort?.descending ?? false;
    const keys = await this.findKeys(asked);
    if (sort) keys.sort((left, right) => compareSortKeys(left, right, descending));
    let start = 'offset' in stretch ? stretch.offset : 0;
    const after = 'after' in stretch ? stretch.after : null;
    if (after) {
      start = keys.findIndex((key) => compareSortKeys(key, after, descending) > 0);
      if (start < 0) start = keys.length;
    }
    return { total: keys.length, items: await this.tell(asked, keys.slice(start, start + stretch.limit)) };
  }

  /** Whatever the filter means, in the order of ids; the database narrows it as far as it can. */
  private async findKeys({ directory, source, query }: Asked): Promise<SortKey[]> {
    const { connectionId } = directory;
    const filter = query.filter ? toSqlFilter(query.filter, source.indexed, connectionId) : ALL;
    const needs = namesIn(query.filter, query.sort);
    const terms = query.filter ? countTerms(query.filter) : 0;
    const work = new WorkStretch();
    const keys: SortKey[] = [];
    for (let after: Place | null = null; ;) {
      const stretch = { after, offset: 0, limit: CHUNK, engine: this.database.engine };
      const { sql, values } = selectStretch(source, connectionId, filter, BY_ID, stretch);
      const ids = (await selectRows(this.database.read, sql, values)).map((row) => String(row.id));
      const resources = await source.read(directory, ids, (name) => needs.has(name));
      for (const id of ids) {
        if (work.isLong()) await work.end();
        const resource = resources.get(id);
        if (!resource) continue;
        checkLooks(resource, terms);
        if (query.filter && !matchFilter(query.filter, resource)) continue;
        keys.push(query.sort ? sortKeyOf(resource, query.sort) : { id, value: null });
      }
      const last = ids.at(-1);
      if (last === undefined || ids.length < CHUNK) return keys;
      after = { id: last, value: null };
    }
  }

  private async tell({ directory, source, query }: Asked, keys: readonly SortKey[]): Promise<ListSlice['items']> {
    const { projection } = query;
    const ids = keys.map(({ id }) => id);
    const resources = await source.read(directory, ids, (name) => isShown(projection, name));
    return keys.flatMap((key) => {
      const resource = resources.get(key.id);
      return resource ? [{ key, resource: projectResource(resource, projection) }] : [];
    });
  }
}

const ALL: SqlFilter = { where: EVERYTHING, values: [], isExact: true };
const BY_ID: SqlOrder = { column: null, descending: false };

/** The attributes that a filter or an order looks at. */
function namesIn(filter: ResolvedFilter | null, sort: Sort | null): Set<string> {
  const names = new Set<string>();
  if (sort?.target) names.add(sort.target.attribute.name);
  const gather = (term: ResolvedFilter): void => {
    if ('terms' in term) term.terms.forEach(gather);
    else if ('term' in term) gather(term.term);
    else if ('target' in term) names.add(term.target.attribute.name);
  };
  if (filter) gather(filter);
  return names;
}

/** Throws `scim_too_many` for a long filter over a resource with very many values, such as a group's members. */
function checkLooks(resource: ResourceJson, terms: number): void {
  const longest = Object.values(resource).reduce<number>(
    (most, value) => (Array.isArray(value) ? Math.max(most, value.length) : most),
    1,
  );
  if (longest * terms <= LOOKS_MAX) return;
  throw new Problem('scim_too_many', `A filter of ${terms} terms over ${longest} values takes too long: ask for less.`);
}

function toValue(value: unknown): string | number | null {
  return typeof value === 'string' || typeof value === 'number' ? value : null;
}

function writePlace({ value, id }: SortKey): string {
  return JSON.stringify([typeof value === 'boolean' ? Number(value) : value, id]);
}

/** Throws `scim_invalid_cursor` and `scim_expired_cursor`. */
function readPlace(scope: string, cursor: string, now: Micros): Place {
  const [value, id] = readPosition(scope, cursor, now);
  if (typeof id !== 'string') throw new Problem('scim_invalid_cursor');
  return { value: toValue(value), id };
}

function readOffset([offset]: unknown[]): number {
  if (typeof offset !== 'number' || !Number.isSafeInteger(offset) || offset < 0)
    throw new Problem('scim_invalid_cursor');
  return offset;
}

function readPosition(scope: string, cursor: string, now: Micros): unknown[] {
  try {
    const position: unknown = JSON.parse(readCursor(scope, cursor, now));
    if (Array.isArray(position)) return position;
  } catch (error) {
    // What is no JSON was made up.
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new Problem('scim_invalid_cursor');
}

/** Of everything that makes the list what it is. */
function scopeOf({ connectionId }: ScimDirectory, sources: readonly ListSource[], request: ListRequest): string {
  const { filter, sortBy, sortOrder } = request;
  return cursorScope([connectionId, ...sources.map(({ type }) => type.name), filter, sortBy, sortOrder ?? null]);
}
