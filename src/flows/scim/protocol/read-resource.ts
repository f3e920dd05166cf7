import { NO_NAMES, RECORD_BYTES_MAX } from '../../../plan/record.js';
import { Problem } from '../../../platform/problem.js';
import { BodyFaults, pointTo } from './body-faults.js';
import { findAttribute, findSchemaUrn, findSubAttribute } from './find-attribute.js';
import type { Leniencies } from './leniencies.js';
import { addUnknown, type JsonObject, readValue, type ValueReader } from './read-value.js';
import type { AttributeDefinition, ResourceType, SchemaDefinition } from './schema.js';
import type { ResourceJson } from './stored-values.js';

/**
 * What a client states of a resource, in one form whatever the client's dialect: names in canonical case, extensions
 * under their URNs, only what is assigned, nothing that is readOnly, and neither `schemas` (`listSchemas` says them) nor
 * a password.
 */
export type ScimResource = ResourceJson;

/**
 * Reads the body of a POST or PUT (RFC 7644, sections 3.3 and 3.5.1). Throws `scim_invalid_syntax`,
 * `scim_invalid_value` with all faults, and `payload_too_large`.
 */
export function readResource(resourceType: ResourceType, body: unknown, leniencies: Leniencies): ScimResource {
  const resource = readResourceOfAnySize(resourceType, body, leniencies);
  checkSize(resource);
  return resource;
}

/** As `readResource`, for what is not kept as one piece, such as a group with its members. */
export function readResourceOfAnySize(resourceType: ResourceType, body: unknown, leniencies: Leniencies): ScimResource {
  const faults = new BodyFaults();
  const reading = new ResourceReading(resourceType, { leniencies, faults, patch: false });
  if (isObject(body)) reading.readBody(body);
  else faults.addSyntax('', 'must be an object');
  faults.throwIfAny();
  const resource = reading.resource;
  for (const pointer of findMissing(resourceType, resource)) faults.addValue(pointer, 'is missing');
  faults.throwIfAny();
  return resource;
}

/** The URNs of a resource's schemas: its own, and the extensions of which it has something (RFC 7643, section 3). */
export function listSchemas(resourceType: ResourceType, resource: ScimResource): string[] {
  const extensions = resourceType.schemaExtensions.map(({ schema }) => schema.id);
  return [resourceType.schema.id, ...extensions.filter((urn) => resource[urn] !== undefined)];
}

/** JSON pointers of the required attributes that a resource has no value of. */
export function findMissing(resourceType: ResourceType, resource: ScimResource): string[] {
  return resourceType.schema.attributes
    .filter(({ name, required }) => required && (resource[name] === undefined || resource[name] === ''))
    .map(({ name }) => pointTo('', name));
}

/** Throws `payload_too_large` for a resource that is larger than what the service keeps of one person. */
export function checkSize(resource: ScimResource): void {
  const text = JSON.stringify(resource);
  const fits = text.length * 3 <= RECORD_BYTES_MAX || Buffer.byteLength(text) <= RECORD_BYTES_MAX;
  if (!fits) throw new Problem('payload_too_large', `The resource is larger than ${RECORD_BYTES_MAX} bytes.`);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Other names that the schemas had, in lower case: SCIM 1.1, and Entra ID's first ones for groups. */
const LEGACY_URNS: ReadonlyMap<string, string> = new Map([
  ['urn:scim:schemas:core:1.0', ''],
  ['urn:scim:schemas:core:1.0:user', ''],
  ['urn:scim:schemas:core:1.0:group', ''],
  ['urn:scim:schemas:core:2.0:user', ''],
  ['urn:scim:schemas:core:2.0:group', ''],
  ['http://schemas.microsoft.com/2006/11/resourcemanagement/adscim/group', ''],
  ['http://schemas.microsoft.com/2006/11/resourcemanagement/adscim/user', ''],
  ['http://schemas.microsoft.com/2006/11/resourcemanagement/adscim/2.0/group', ''],
  ['http://schemas.microsoft.com/2006/11/resourcemanagement/adscim/2.0/user', ''],
  ['urn:scim:schemas:extension:enterprise:1.0', 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'],
  ['urn:scim:schemas:extension:enterprise:1.0:user', 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'],
]);

/** The URN of the core schema or of an extension, in whatever case, or by a name it once had; null if there is none. */
export function findUrn(resourceType: ResourceType, urn: string, { legacySchemas }: Leniencies): string | null {
  const found = findSchemaUrn(resourceType, urn);
  if (found !== null || !legacySchemas) return found;
  const legacy = LEGACY_URNS.get(urn.toLowerCase());
  return legacy === undefined ? null : findSchemaUrn(resourceType, legacy === '' ? resourceType.schema.id : legacy);
}

class ResourceReading {
  readonly resource: JsonObject = {};
  private readonly seen = new Set<string>();

  constructor(
    private readonly resourceType: ResourceType,
    private readonly reader: ValueReader,
  ) {}

  readBody(body: Record<string, unknown>): void {
    const schemas = Object.keys(body).find((name) => name.toLowerCase() === 'schemas');
    this.checkSchemas(schemas === undefined ? undefined : body[schemas], pointTo('', schemas ?? 'schemas'));
    this.readMembers(body, '');
  }

  private readMembers(body: Record<string, unknown>, base: string): void {
    for (const [name, input] of Object.entries(body)) {
      const pointer = pointTo(base, name);
      if (NO_NAMES.has(name)) addUnknown(name, pointer, this.reader);
      else if (!this.readAttribute(name, input, pointer) && !this.readExtension(name, input, pointer)) {
        this.readFlatKey(name, input, pointer);
      }
    }
  }

  private readAttribute(name: string, input: unknown, pointer: string): boolean {
    const found = findAttribute(this.resourceType, name);
    // The same by its full name is longer, and a flat key.
    if (!found || found.extension || found.subAttribute || found.path.length !== name.length) return false;
    this.put(this.resource, found.attribute, input, { path: found.path, pointer });
    return true;
  }

  private readExtension(name: string, input: unknown, pointer: string): boolean {
    const { leniencies, faults } = this.reader;
    const urn = findUrn(this.resourceType, name, leniencies);
    if (urn === null) return false;
    const extension = this.resourceType.schemaExtensions.find(({ schema }) => schema.id === urn)?.schema;
    if (!extension && !leniencies.flatKeys) return false;
    if (input === null) return true;
    if (!isObject(input)) faults.addSyntax(pointer, 'must be an object');
    else if (extension) this.readExtensionMembers(extension, input, pointer);
    else this.readMembers(input, pointer);
    return true;
  }

  private readExtensionMembers(extension: SchemaDefinition, input: Record<string, unknown>, base: string): void {
    const values: JsonObject = { ...(this.resource[extension.id] as JsonObject | undefined) };
    for (const [name, part] of Object.entries(input)) {
      const pointer = pointTo(base, name);
      const key = name.toLowerCase();
      const attribute = extension.attributes.find((one) => one.name.toLowerCase() === key);
      if (attribute) this.put(values, attribute, part, { path: attribute.name, pointer, urn: extension.id });
      else addUnknown(name, pointer, this.reader);
    }
    if (Object.keys(values).length > 0) this.resource[extension.id] = values;
  }

  /** `name.givenName` and `urn:…:User:department` as the names of members. */
  private readFlatKey(name: string, input: unknown, pointer: string): void {
    const found = this.reader.leniencies.flatKeys ? findAttribute(this.resourceType, name) : null;
    if (!found || (found.subAttribute && found.attribute.multiValued)) {
      addUnknown(name, pointer, this.reader);
      return;
    }
    const holder: JsonObject =
      found.extension === null ? this.resource : { ...(this.resource[found.extension] as JsonObject | undefined) };
    const { attribute, subAttribute } = found;
    if (!subAttribute) this.put(holder, attribute, input, { path: attribute.name, pointer, urn: found.extension });
    else this.putPart(holder, attribute, subAttribute.name, { input, pointer });
    if (found.extension !== null && Object.keys(holder).length > 0) this.resource[found.extension] = holder;
  }

  private putPart(
    holder: JsonObject,
    attribute: AttributeDefinition,
    part: string,
    { input, pointer }: { input: unknown; pointer: string },
  ): void {
    const sub = findSubAttribute(attribute, part);
    if (!sub || sub.mutability === 'readOnly' || attribute.mutability === 'readOnly') return;
    const value = readValue(sub, input, { path: `${attribute.name}.${sub.name}`, pointer }, this.reader);
    if (value === null) return;
    holder[attribute.name] = { ...(holder[attribute.name] as JsonObject | undefined), [sub.name]: value };
  }

  private put(
    holder: JsonObject,
    attribute: AttributeDefinition,
    input: unknown,
    place: { path: string; pointer: string; urn?: string | null },
  ): void {
    const { faults } = this.reader;
    const key = `${place.urn ?? ''} ${attribute.name}`;
    if (this.seen.has(key)) faults.addSyntax(place.pointer, 'is there twice, in different case');
    this.seen.add(key);
    if (attribute.name === 'schemas' || attribute.mutability === 'readOnly') return;
    const value = readValue(attribute, input, place, this.reader);
    if (value === null || attribute.mutability === 'writeOnly') return;
    const before = holder[attribute.name];
    // A flat key may have said a part of it before.
    holder[attribute.name] = isObject(before) && isObject(value) ? { ...before, ...value } : value;
  }

  private checkSchemas(schemas: unknown, pointer: string): void {
    const { faults, leniencies } = this.reader;
    if (schemas === undefined || schemas === null) {
      if (leniencies.missingSchemas === 'refuse') faults.addSyntax(pointer, 'is missing');
      return;
    }
    const list = typeof schemas === 'string' && leniencies.singletonArrays ? [schemas] : schemas;
    if (!Array.isArray(list)) {
      faults.addSyntax(pointer, 'must be a list of URNs');
      return;
    }
    let core = false;
    list.forEach((urn, i) => {
      const found = typeof urn === 'string' ? findUrn(this.resourceType, urn, leniencies) : null;
      if (found === this.resourceType.schema.id) core = true;
      if (typeof urn !== 'string') faults.addSyntax(pointTo(pointer, i), 'must be a URN');
      else if (found === null && leniencies.unknownAttributes === 'refuse') {
        faults.addSyntax(pointTo(pointer, i), `is not a schema of a ${this.resourceType.name}`);
      }
    });
    if (!core && (list.length > 0 || leniencies.missingSchemas === 'refuse')) {
      faults.addSyntax(pointer, `must name ${this.resourceType.schema.id}`);
    }
  }
}
