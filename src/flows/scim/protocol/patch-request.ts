import { NO_NAMES } from '../../../plan/record.js';
import type { Json } from '../../../plan/statement.js';
import { Problem, type Fault, type ProblemCode } from '../../../platform/problem.js';
import { type AttributePath, parseAttributePath } from './attribute-path.js';
import { BodyFaults, pointTo } from './body-faults.js';
import { ATTRIBUTE_PATH } from './filter.js';
import { type FoundAttribute, findAttribute } from './find-attribute.js';
import type { Leniencies } from './leniencies.js';
import { findUrn, isObject } from './read-resource.js';
import { readSingle, readValue, type ValueReader } from './read-value.js';
import type { ResolvedFilter } from './resolve-filter.js';
import type { AttributeDefinition, ResourceType } from './schema.js';

export const PATCH_SCHEMA_URN = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
/** More go as several requests. */
export const OPERATIONS_MAX = 10_000;

export type PatchOp = 'add' | 'replace' | 'remove';

/** One change of one attribute, with a value that was read by its schema. */
export interface PatchStep {
  op: PatchOp;
  /** The URN of the extension that holds the attribute; null for the resource itself. */
  extension: string | null;
  attribute: AttributeDefinition;
  subAttribute: AttributeDefinition | null;
  /** Which entries of a multi-valued attribute; null for all. */
  filter: ResolvedFilter | null;
  /** Null for unassigned; undefined where a `remove` names none. Parts of a complex value that are null go. */
  value: Json | undefined;
  /** `/Operations/0`, or `/Operations/0/value/title` where the operation has no path. */
  pointer: string;
}

/**
 * Reads the body of a PATCH (RFC 7644, section 3.5.2) into steps, to be applied in order. An operation without a path is
 * as many steps as its value has members. Throws, with every fault, by the first of them: `scim_invalid_syntax`,
 * `scim_invalid_path`, `scim_invalid_filter`, `scim_no_target`, `scim_invalid_value`, `scim_mutability`; and
 * `payload_too_large` for more than 10,000 operations.
 *
 * @param id of the resource: to say it again is not a change of what is readOnly
 */
export function readPatch(resourceType: ResourceType, body: unknown, leniencies: Leniencies, id: string): PatchStep[] {
  const operations = readEnvelope(body, leniencies);
  const reading = new PatchReading(resourceType, leniencies, id);
  operations.forEach((operation, i) => reading.read(operation, `/Operations/${i}`));
  reading.throwIfAny();
  return reading.steps;
}

function readEnvelope(body: unknown, leniencies: Leniencies): unknown[] {
  const faults = new BodyFaults();
  if (!isObject(body)) faults.addSyntax('', 'must be an object');
  faults.throwIfAny();
  const given = lowerKeys(body as Record<string, unknown>);
  const schemas = given.get('schemas');
  const urns = Array.isArray(schemas) ? schemas : [schemas];
  if (schemas === undefined || schemas === null) {
    if (leniencies.missingSchemas === 'refuse') faults.addSyntax('/schemas', 'is missing');
  } else if (!urns.some((urn) => typeof urn === 'string' && urn.toLowerCase() === PATCH_SCHEMA_URN.toLowerCase())) {
    faults.addSyntax('/schemas', `must name ${PATCH_SCHEMA_URN}`);
  }
  const operations = given.get('operations');
  if (!Array.isArray(operations) || operations.length === 0) {
    faults.addSyntax('/Operations', operations === undefined ? 'is missing' : 'must be a list of operations');
  }
  faults.throwIfAny();
  const list = operations as unknown[];
  if (list.length > OPERATIONS_MAX) {
    throw new Problem('payload_too_large', `A PATCH has at most ${OPERATIONS_MAX} operations.`);
  }
  return list;
}

function lowerKeys(object: Record<string, unknown>): Map<string, unknown> {
  return new Map(Object.entries(object).map(([name, value]) => [name.toLowerCase(), value]));
}

interface Operation {
  op: PatchOp;
  value: unknown;
  /** Of the operation, or of the member of its value that names the attribute. */
  pointer: string;
  /** Of the value. */
  place: string;
}

const FAULTS_MAX = 100;

class PatchReading {
  readonly steps: PatchStep[] = [];
  private readonly paths = new Map<string, AttributePath | null>();
  private readonly faults: Fault[] = [];
  private first: Problem | null = null;

  constructor(
    private readonly resourceType: ResourceType,
    private readonly leniencies: Leniencies,
    private readonly id: string,
  ) {}

  /** What is wrong with one operation does not hide what is wrong with the next. */
  read(operation: unknown, pointer: string): void {
    try {
      this.readOperation(operation, pointer);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.first ??= error;
      const faults = error.options.faults ?? [{ pointer, detail: error.detail ?? error.title }];
      if (this.faults.length < FAULTS_MAX) this.faults.push(...faults);
    }
  }

  throwIfAny(): void {
    if (this.first) throw new Problem(this.first.code, this.first.detail, { faults: this.faults });
  }

  private readOperation(given: unknown, pointer: string): void {
    if (!isObject(given)) throw refused('scim_invalid_syntax', pointer, 'must be an object');
    const members = lowerKeys(given);
    const named = members.get('op');
    const op = typeof named === 'string' ? named.toLowerCase() : '';
    if (op !== 'add' && op !== 'replace' && op !== 'remove') {
      throw refused('scim_invalid_syntax', pointTo(pointer, 'op'), 'must be add, replace or remove');
    }
    const path = members.get('path') ?? null;
    const operation: Operation = { op, value: members.get('value'), pointer, place: pointTo(pointer, 'value') };
    if (op !== 'remove' && operation.value === undefined) {
      throw refused('scim_invalid_value', operation.place, 'is missing');
    }
    if (path === null || (path === '' && this.leniencies.emptyTexts === 'unassign')) this.readWithoutPath(operation);
    else if (typeof path !== 'string') throw refused('scim_invalid_path', pointTo(pointer, 'path'), 'must be a text');
    else this.readAt(path, operation);
  }

  private readWithoutPath(operation: Operation): void {
    const { op, pointer, place } = operation;
    if (op === 'remove')
      throw refused('scim_no_target', pointTo(pointer, 'path'), 'is missing: nothing says what to remove');
    const { value } = operation;
    const only: unknown =
      Array.isArray(value) && value.length === 1 && this.leniencies.singletonArrays ? value[0] : value;
    if (!isObject(only)) throw refused('scim_invalid_value', place, 'must be an object where there is no path');
    for (const [name, part] of Object.entries(only)) {
      const at = pointTo(place, name);
      this.readMember(name, { op, value: part, pointer: at, place: at });
    }
  }

  /** A member of the value of an operation without a path, or of an extension: its name is a path. */
  private readMember(name: string, operation: Operation): void {
    if (NO_NAMES.has(name)) throw refused('scim_invalid_syntax', operation.pointer, 'cannot be a name');
    const isPlain = !name.includes('.') && !name.includes('[') && !name.includes(':');
    if (isPlain || this.leniencies.flatKeys || findUrn(this.resourceType, name, this.leniencies) !== null) {
      this.readAt(name, operation, 'scim_invalid_syntax');
    } else if (this.leniencies.unknownAttributes === 'refuse') {
      throw refused('scim_invalid_syntax', operation.pointer, 'is not an attribute of this resource');
    }
  }

  private readAt(text: string, operation: Operation, unknown: ProblemCode = 'scim_invalid_path'): void {
    const path = this.parsePath(text, operation.pointer, unknown);
    if (path === null) return;
    if (path.kind === 'schema') this.readSchema(path.urn, operation);
    else this.readAttribute(path.found, path.filter, operation);
  }

  /** Null for an attribute that nobody has, where such are ignored. */
  private parsePath(text: string, pointer: string, unknown: ProblemCode): AttributePath | null {
    const known = this.paths.get(text);
    if (known !== undefined) return known;
    const path = this.parseNewPath(text, pointer, unknown);
    this.paths.set(text, path);
    return path;
  }

  private parseNewPath(text: string, pointer: string, unknown: ProblemCode): AttributePath | null {
    const urn = findUrn(this.resourceType, text.trim(), this.leniencies);
    if (urn !== null) return { kind: 'schema', urn };
    try {
      return parseAttributePath(this.resourceType, text, this.leniencies);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.code !== 'scim_invalid_path') throw refused(error.code, pointer, error.detail ?? error.title);
      const name = withoutBrackets(text.trim());
      const isUnknown = ATTRIBUTE_PATH.test(name) && findAttribute(this.resourceType, name) === null;
      if (isUnknown && this.leniencies.unknownAttributes === 'ignore') return null;
      throw refused(isUnknown ? unknown : 'scim_invalid_path', pointer, error.detail ?? error.title);
    }
  }

  /** A URN alone stands for all that the resource holds under it; what a value leaves out stays. */
  private readSchema(urn: string, operation: Operation): void {
    const extension = this.resourceType.schemaExtensions.find(({ schema }) => schema.id === urn)?.schema;
    const { op, value, pointer, place } = operation;
    if (!extension) {
      this.readWithoutPath(operation);
      return;
    }
    if (op === 'remove' || value === null) {
      for (const attribute of extension.attributes) {
        const step = { op: 'remove' as const, extension: urn, attribute, subAttribute: null, filter: null };
        this.steps.push({ ...step, value: undefined, pointer });
      }
      return;
    }
    if (!isObject(value)) throw refused('scim_invalid_value', place, 'must be an object');
    for (const [name, part] of Object.entries(value)) {
      const at = pointTo(place, name);
      if (NO_NAMES.has(name)) throw refused('scim_invalid_syntax', at, 'cannot be a name');
      this.readAt(`${urn}:${name}`, { op, value: part, pointer: at, place: at }, 'scim_invalid_syntax');
    }
  }

  private readAttribute(found: FoundAttribute, filter: ResolvedFilter | null, operation: Operation): void {
    const { attribute, subAttribute, extension } = found;
    const { op, pointer } = operation;
    const reader: ValueReader = { leniencies: this.leniencies, faults: new BodyFaults(), patch: true };
    if (this.isReadOnly(found, operation)) return;
    // A value that goes is only named, where it names entries; else it does not matter.
    const isNamed = op !== 'remove' || (attribute.multiValued && !filter && !subAttribute);
    const given = isNamed ? operation.value : undefined;
    const value =
      given === undefined ? undefined : this.readGiven(found, filter, { ...operation, value: given }, reader);
    reader.faults.throwIfAny();
    // Kept nowhere, so there is nothing to change.
    if (attribute.mutability === 'writeOnly') return;
    const nothing = op === 'remove' && Array.isArray(given) && value === null ? [] : value;
    const named = op === 'remove' && given === null ? undefined : nothing;
    this.steps.push({ op, extension, attribute, subAttribute, filter, value: named, pointer });
  }

  private readGiven(
    { attribute, subAttribute, extension, path }: FoundAttribute,
    filter: ResolvedFilter | null,
    operation: Operation,
    reader: ValueReader,
  ): Json {
    const { value } = operation;
    const place = { path: extension === null ? path : path.slice(extension.length + 1), pointer: operation.place };
    if (subAttribute) return readValue(subAttribute, value, place, reader);
    if (filter && value !== null) return readSingle(attribute, value, place, reader);
    return readValue(attribute, value, place, reader);
  }

  /** Throws `scim_mutability` where a PATCH would change what a client cannot (RFC 7644, section 3.5.2). */
  private isReadOnly({ attribute, subAttribute, path }: FoundAttribute, { op, value, pointer }: Operation): boolean {
    const isRequired = path === 'schemas' && op === 'remove' && (value ?? null) === null;
    if (!isRequired && attribute.mutability !== 'readOnly' && subAttribute?.mutability !== 'readOnly') {
      // They follow from what is there: to name some changes nothing.
      return attribute.name === 'schemas';
    }
    if (path === 'members.display' && this.leniencies.memberDisplay) return false;
    const same = op !== 'remove' && attribute.name === 'id' && value === this.id;
    if (same || this.leniencies.readOnlyInPatch === 'ignore') return true;
    throw refused('scim_mutability', pointer, `${path} cannot be changed by a client`);
  }
}

/** The attribute that a path names, whatever it chooses by: `emails[…].value` is `emails.value`. */
function withoutBrackets(path: string): string {
  const opening = path.indexOf('[');
  return opening < 0 ? path : path.slice(0, opening) + path.slice(path.lastIndexOf(']') + 1 || path.length);
}

function refused(code: ProblemCode, pointer: string, detail: string): Problem {
  return new Problem(code, `\`${pointer}\` ${detail}.`, { faults: [{ pointer, detail }] });
}
