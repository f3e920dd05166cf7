import { Problem } from '../../../platform/problem.js';
import { BodyFaults, pointTo } from './body-faults.js';
import type { BulkLimits } from './discovery.js';
import type { Leniencies } from './leniencies.js';
import { isObject } from './read-resource.js';

export const BULK_REQUEST_URN = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';

export type BulkMethod = 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** One operation of a bulk request (RFC 7644, section 3.7), as it was sent. */
export interface BulkOperation {
  /** Its place in the request. */
  index: number;
  method: BulkMethod;
  bulkId: string | null;
  resourceType: 'User' | 'Group';
  /** The resource's id, or `bulkId:x` for one that the request makes; null for a POST. */
  id: string | null;
  /** For If-Match. */
  version: string | null;
  data: unknown;
  /** The bulkIds that its path and its data name. */
  references: readonly string[];
}

/** An operation that cannot be carried out, because of how it was sent. */
export interface FaultyOperation {
  index: number;
  /** As far as it is known. */
  method: string;
  bulkId: string | null;
  resourceType: 'User' | 'Group' | null;
  /** As in `BulkOperation`. */
  id: string | null;
  problem: Problem;
}

export interface BulkRequest {
  /** After so many errors the rest is not processed; null for never. */
  failOnErrors: number | null;
  operations: readonly BulkOperation[];
  faulty: readonly FaultyOperation[];
}

/**
 * Reads the body of a bulk request (RFC 7644, section 3.7). An operation that is at fault fails alone, later, and the
 * others go on. Throws `scim_invalid_syntax` for a body that is none, and `payload_too_large` for too many operations.
 */
export function readBulk(
  body: unknown,
  leniencies: Leniencies,
  { operationsMax, payloadBytesMax }: BulkLimits,
): BulkRequest {
  const faults = new BodyFaults();
  if (!isObject(body)) faults.addSyntax('', 'must be an object');
  faults.throwIfAny();
  const given = lowerKeys(body as Record<string, unknown>);
  checkSchemas(given.get('schemas'), leniencies, faults);
  const list = given.get('operations');
  if (!Array.isArray(list)) faults.addSyntax('/Operations', list === undefined ? 'is missing' : 'must be a list');
  const failOnErrors = given.get('failonerrors') ?? null;
  if (failOnErrors !== null && !(Number.isSafeInteger(failOnErrors) && Number(failOnErrors) >= 0)) {
    faults.addSyntax('/failOnErrors', 'must be a whole number');
  }
  faults.throwIfAny();
  const sent = list as unknown[];
  if (sent.length > operationsMax) {
    const detail = `A bulk request has at most ${operationsMax} operations (maxOperations) and ${payloadBytesMax} bytes (maxPayloadSize).`;
    throw new Problem('payload_too_large', detail);
  }
  const operations: BulkOperation[] = [];
  const faulty: FaultyOperation[] = [];
  const bulkIds = new Set<string>();
  const read = sent.map(readOperation);
  const referred = new Set(read.flatMap((one) => ('problem' in one ? [] : one.references)));
  for (const one of read) {
    const { bulkId } = one;
    const isRepeated = bulkId !== null && bulkIds.has(bulkId);
    if ('problem' in one) faulty.push(one);
    else if (isRepeated && (!leniencies.repeatedBulkIds || referred.has(bulkId))) faulty.push(repeated(one));
    else {
      operations.push(one);
      if (bulkId !== null) bulkIds.add(bulkId);
    }
  }
  return { failOnErrors: failOnErrors === null ? null : Math.max(1, Number(failOnErrors)), operations, faulty };
}

function checkSchemas(schemas: unknown, { missingSchemas }: Leniencies, faults: BodyFaults): void {
  const urns: unknown[] = Array.isArray(schemas) ? schemas : [schemas];
  if (schemas === undefined || schemas === null) {
    if (missingSchemas === 'refuse') faults.addSyntax('/schemas', 'is missing');
  } else if (!urns.some((urn) => typeof urn === 'string' && urn.toLowerCase() === BULK_REQUEST_URN.toLowerCase())) {
    faults.addSyntax('/schemas', `must name ${BULK_REQUEST_URN}`);
  }
}

const BULK_ID_CHARS_MAX = 255;
const PATH_CHARS_MAX = 2_000;
const PATH = /^(?:https?:\/\/[^?#]*|[^?#]*\/v2)?\/?(users|groups)(?:\/([^/?#]+))?\/?$/i;

function readOperation(given: unknown, index: number): BulkOperation | FaultyOperation {
  const members = isObject(given) ? lowerKeys(given) : new Map<string, unknown>();
  const sentMethod = members.get('method');
  const method = typeof sentMethod === 'string' ? sentMethod.toUpperCase() : '';
  const sentId = members.get('bulkid') ?? null;
  const bulkId = typeof sentId === 'string' && sentId !== '' && sentId.length <= BULK_ID_CHARS_MAX ? sentId : null;
  const path = members.get('path');
  const found = typeof path === 'string' && path.length <= PATH_CHARS_MAX ? PATH.exec(path.trim()) : null;
  const resourceType = found === null ? null : found[1]?.toLowerCase() === 'users' ? 'User' : 'Group';
  const id = decodeId(found?.[2]);
  const fail = (name: string, detail: string): FaultyOperation => {
    return { index, method, bulkId, resourceType, id, problem: refused(index, name, detail) };
  };
  if (!isMethod(method)) return fail('method', 'must be POST, PUT, PATCH or DELETE');
  if (sentId !== null && bulkId === null)
    return fail('bulkId', `must be a text of 1 to ${BULK_ID_CHARS_MAX} characters`);
  if (method === 'POST' && bulkId === null) return fail('bulkId', 'is missing');
  if (resourceType === null) return fail('path', 'must be /Users or /Groups, with an id but for POST');
  if (method === 'POST' && id !== null) return fail('path', 'must have no id in it: POST makes a new one');
  if (method !== 'POST' && id === null) return fail('path', 'must have an id in it');
  const version = members.get('version') ?? null;
  if (version !== null && typeof version !== 'string') return fail('version', 'must be a text');
  const data = members.get('data');
  if (method !== 'DELETE' && !isObject(data))
    return fail('data', data === undefined ? 'is missing' : 'must be an object');
  const references = new Set<string>();
  if (id !== null) replaceInText(id, 'id', (name) => note(references, name));
  if (method !== 'DELETE')
    mapTexts(data, 'data', (text, name) => replaceInText(text, name, (each) => note(references, each)));
  return { index, method, bulkId, resourceType, id, version, data, references: [...references] };
}

/** Two operations with one bulkId: what refers to it could mean either. */
function repeated({ index, method, bulkId, resourceType, id }: BulkOperation): FaultyOperation {
  const problem = refused(index, 'bulkId', 'is that of another operation too');
  return { index, method, bulkId, resourceType, id, problem };
}

function refused(index: number, name: string, detail: string): Problem {
  const pointer = pointTo(`/Operations/${index}`, name);
  return new Problem('scim_invalid_syntax', `\`${pointer}\` ${detail}.`, { faults: [{ pointer, detail }] });
}

function decodeId(id: string | undefined): string | null {
  if (id === undefined) return null;
  try {
    return decodeURIComponent(id);
  } catch {
    return id;
  }
}

function isMethod(method: string): method is BulkMethod {
  return method === 'POST' || method === 'PUT' || method === 'PATCH' || method === 'DELETE';
}

function note(references: Set<string>, name: string): string {
  references.add(name);
  return name;
}

/** Stands for a text that names a resource that is not there yet. */
const UNRESOLVED = Symbol('unresolved');
type Resolved = string | typeof UNRESOLVED;

/**
 * The data with ids in the place of `bulkId:x` (RFC 7644, section 3.7.2): as a whole value, at the end of a `$ref`, or in
 * the filter of a `path`. An object that names what is not there yet is left out.
 *
 * @param find the id of what the operation with that bulkId made; null if it is not there yet
 */
export function resolveReferences(data: unknown, find: (bulkId: string) => string | null): unknown {
  const resolved = mapTexts(data, 'data', (text, name) => {
    let isMissing = false;
    const replaced = replaceInText(text, name, (bulkId) => {
      const id = find(bulkId);
      isMissing ||= id === null;
      return id ?? '';
    });
    return isMissing ? UNRESOLVED : replaced;
  });
  return resolved === UNRESOLVED ? undefined : resolved;
}

/** The id of an operation's path, resolved; null if it names what is not there. */
export function resolveId(id: string, find: (bulkId: string) => string | null): string | null {
  return id.startsWith('bulkId:') ? find(id.slice('bulkId:'.length)) : id;
}

function replaceInText(text: string, name: string, replace: (bulkId: string) => string): string {
  if (!text.includes('bulkId:')) return text;
  if (text.startsWith('bulkId:')) return replace(text.slice('bulkId:'.length));
  if (name === '$ref') return text.replace(/(?<=\/)bulkId:([^/]+)$/, (_, bulkId: string) => replace(bulkId));
  if (name === 'path') return text.replace(/(?<=")bulkId:([^"\\]+)(?=")/g, (_, bulkId: string) => replace(bulkId));
  return text;
}

/** Copies JSON with its texts replaced; an object that holds an unresolved one goes, but for the outermost. */
function mapTexts(value: unknown, name: string, map: (text: string, name: string) => Resolved, depth = 0): unknown {
  if (typeof value === 'string') return map(value, name);
  if (Array.isArray(value)) {
    return value.map((item) => mapTexts(item, name, map, depth + 1)).filter((item) => item !== UNRESOLVED);
  }
  if (!isObject(value)) return value;
  const copy: Record<string, unknown> = {};
  for (const [member, part] of Object.entries(value)) {
    const mapped = mapTexts(part, member.toLowerCase(), map, depth + 1);
    if (mapped !== UNRESOLVED) Object.defineProperty(copy, member, { value: mapped, ...PLAIN });
    else if (typeof part === 'string' && depth > 0) return UNRESOLVED;
  }
  return copy;
}

/** A member that is named `__proto__` stays one, for the reader of the data to refuse. */
const PLAIN = { enumerable: true, writable: true, configurable: true };

function lowerKeys(object: Record<string, unknown>): Map<string, unknown> {
  return new Map(Object.entries(object).map(([name, value]) => [name.toLowerCase(), value]));
}
