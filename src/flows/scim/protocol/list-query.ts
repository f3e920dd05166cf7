import type { Json } from '../../../plan/statement.js';
import { type Fault, Problem } from '../../../platform/problem.js';
import { type FilterLeniencies, parseFilter } from './filter.js';
import { type AskedAttributes, type Projection, readProjection } from './project-resource.js';
import { type ResolvedFilter, resolveFilter } from './resolve-filter.js';
import type { ResourceType } from './schema.js';
import { type Sort, readSort } from './sort-resources.js';
import { type ResourceJson, asObject } from './stored-values.js';

export const SEARCH_REQUEST_URN = 'urn:ietf:params:scim:api:messages:2.0:SearchRequest';
export const LIST_RESPONSE_URN = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';

/** Resources in a page when the client names no number, and at most. */
export const COUNT_DEFAULT = 100;
export const COUNT_MAX = 200;

/** No directory is that long; a database would not take a greater one as an offset. */
const START_INDEX_MAX = 2 ** 31 - 1;

/** The page that is asked for; `count` never exceeds `COUNT_MAX`. */
export type PageAsked =
  /** `startIndex` is 1 or more, `count` 0 or more: 0 asks for the total alone (RFC 7644, section 3.4.2.4). */
  | { readonly by: 'index'; readonly startIndex: number; readonly count: number }
  /** `cursor` is null for the first page (RFC 9865). */
  | { readonly by: 'cursor'; readonly cursor: string | null; readonly count: number };

/** A query as it came, by URL or by SearchRequest; every member is of its type, and nothing was looked up yet. */
export interface ListRequest extends AskedAttributes {
  readonly filter: string | null;
  readonly sortBy: string | null;
  readonly sortOrder: string | undefined;
  readonly page: PageAsked;
}

/** What a query means for one type of resources. */
export interface ListQuery {
  readonly type: ResourceType;
  readonly filter: ResolvedFilter | null;
  /** Null: the server's own order. */
  readonly sort: Sort | null;
  readonly projection: Projection;
  readonly page: PageAsked;
}

/**
 * Reads the parameters of a URL, as the web framework parsed them; names count in any case, others are passed over.
 * Lists of attributes may come in several parts, as clients write that have a list for them (`attributes=a&attributes=b`).
 * Throws `scim_invalid_value` naming each fault, or `scim_invalid_count`.
 */
export function readUrlQuery(parameters: Readonly<Record<string, unknown>>): ListRequest {
  const faults: Fault[] = [];
  const given = new Map<Parameter, string>();
  for (const [name, value] of Object.entries(parameters)) {
    const parameter = findParameter(name);
    if (parameter === undefined || value === undefined) continue;
    const before = given.get(parameter);
    const isList = parameter === 'attributes' || parameter === 'excludedAttributes';
    if (typeof value === 'string' && before === undefined) given.set(parameter, value);
    else if (isList) given.set(parameter, joinTexts(before, value));
    else faults.push({ pointer: `?${parameter}`, detail: `${parameter} must be given once` });
  }
  return readRequest((parameter) => given.get(parameter), '?', faults);
}

function joinTexts(...parts: unknown[]): string {
  return parts
    .flat()
    .filter((part) => typeof part === 'string')
    .join(',');
}

/**
 * Reads the body of `POST …/.search` (RFC 7644, section 3.4.3). Throws `scim_invalid_syntax` when it is no SearchRequest,
 * `scim_invalid_value` naming each fault, or `scim_invalid_count`.
 */
export function readSearchRequest(body: unknown): ListRequest {
  const holder = asObject(body as Json | undefined);
  const schemas = holder && memberOf(holder, 'schemas');
  const isSearch = (urn: Json): boolean =>
    typeof urn === 'string' && urn.toLowerCase() === SEARCH_REQUEST_URN.toLowerCase();
  if (!holder || !Array.isArray(schemas) || !schemas.some(isSearch)) {
    throw new Problem('scim_invalid_syntax', `the body must be an object whose schemas names ${SEARCH_REQUEST_URN}`);
  }
  const faults: Fault[] = [];
  return readRequest((parameter) => memberOf(holder, parameter) ?? undefined, '/', faults);
}

/**
 * Looks a request up in the schemas of a type. At the root, where one query reads several types, it is called for each
 * with the others beside it. Throws `scim_invalid_filter`, `scim_invalid_path` (sortBy) or `scim_invalid_value`.
 */
export function resolveListRequest(
  request: ListRequest,
  type: ResourceType,
  leniencies: FilterLeniencies = {},
  otherTypes: readonly ResourceType[] = [],
): ListQuery {
  const { filter, sortBy, sortOrder, page } = request;
  return {
    type,
    projection: readProjection(type, request),
    filter:
      filter === null ? null : resolveFilter(parseFilter(filter, leniencies), type, { ...leniencies, otherTypes }),
    sort: sortBy === null ? null : readSort(type, sortBy, sortOrder, otherTypes),
    page,
  };
}

/** The envelope of a page (RFC 7644, section 3.4.2; RFC 9865, section 2). */
export interface ListPage {
  readonly totalResults: number;
  readonly resources: readonly Json[];
  /** Of a page by index alone. */
  readonly startIndex?: number;
  /** Absent on the last page. */
  readonly nextCursor?: string;
}

export function viewListResponse({ totalResults, resources, startIndex, nextCursor }: ListPage): Record<string, Json> {
  return {
    schemas: [LIST_RESPONSE_URN],
    totalResults,
    ...(startIndex === undefined ? {} : { startIndex }),
    itemsPerPage: resources.length,
    ...(nextCursor === undefined ? {} : { nextCursor }),
    Resources: [...resources],
  };
}

const PARAMETERS = [
  'filter',
  'sortBy',
  'sortOrder',
  'startIndex',
  'count',
  'cursor',
  'attributes',
  'excludedAttributes',
] as const;
type Parameter = (typeof PARAMETERS)[number];
type ReadParameter = (parameter: Parameter) => Json | undefined;

function findParameter(name: string): Parameter | undefined {
  const key = name.toLowerCase();
  return PARAMETERS.find((each) => each.toLowerCase() === key);
}

function memberOf(body: ResourceJson, name: string): Json | undefined {
  if (Object.hasOwn(body, name)) return body[name];
  const key = name.toLowerCase();
  return Object.entries(body).find(([each]) => each.toLowerCase() === key)?.[1];
}

function readRequest(read: ReadParameter, prefix: string, faults: Fault[]): ListRequest {
  const refuse = (parameter: Parameter, what: string): undefined => {
    faults.push({ pointer: `${prefix}${parameter}`, detail: `${parameter} must be ${what}` });
  };
  const readText = (parameter: Parameter): string | undefined => {
    const value = read(parameter);
    return value === undefined || typeof value === 'string' ? value : refuse(parameter, 'a text');
  };
  const readNames = (parameter: Parameter): string | string[] | undefined => {
    const value = read(parameter);
    if (value === undefined || typeof value === 'string') return value;
    const isTexts = Array.isArray(value) && value.every((each) => typeof each === 'string');
    return isTexts ? value : refuse(parameter, 'a list of texts');
  };
  const readInteger = (parameter: Parameter): number | undefined => {
    const value = read(parameter);
    const number = typeof value === 'string' ? toInteger(value) : value;
    if (number === undefined || (typeof number === 'number' && Number.isInteger(number))) return number;
    return refuse(parameter, 'an integer');
  };
  const filter = readText('filter');
  const sortBy = readText('sortBy');
  const request = {
    filter: filter ?? null,
    sortBy: sortBy === undefined || sortBy.trim() === '' ? null : sortBy,
    sortOrder: readText('sortOrder'),
    attributes: readNames('attributes'),
    excludedAttributes: readNames('excludedAttributes'),
  };
  const cursor = readText('cursor');
  const startIndex = readInteger('startIndex');
  const isByCursor = cursor !== undefined;
  if (isByCursor && startIndex !== undefined) refuse('cursor', 'given without startIndex');
  const count = readInteger('count');
  if (isByCursor && (faults.some(({ pointer }) => pointer === `${prefix}count`) || (count ?? 1) < 1)) {
    throw new Problem('scim_invalid_count', `with a cursor, count is an integer from 1 to ${COUNT_MAX}`);
  }
  if (faults.length > 0)
    throw new Problem('scim_invalid_value', faults.map((each) => each.detail).join('; '), { faults });
  const size = Math.min(Math.max(count ?? COUNT_DEFAULT, 0), COUNT_MAX);
  const page: PageAsked = isByCursor
    ? { by: 'cursor', cursor: cursor === '' ? null : cursor, count: size }
    : { by: 'index', startIndex: Math.min(Math.max(startIndex ?? 1, 1), START_INDEX_MAX), count: size };
  return { ...request, page };
}

/** `10`, `-1`, `1e9`; an empty parameter is none. */
function toInteger(text: string): number | null | undefined {
  const digits = text.trim();
  if (digits === '') return undefined;
  return /^[+-]?\d+(?:e\+?\d{1,3})?$/i.test(digits) ? Number(digits) : null;
}
