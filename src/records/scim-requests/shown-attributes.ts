import { isSecretName } from './mask-text.js';

/** `User` and `Group` call different things `displayName`. Null: not known, so that nothing of either is shown. */
export type ScimKind = 'User' | 'Group' | null;

/** How a value may be told: whole, as an identifier, masked, or not at all. */
export type Telling = 'shown' | 'identifier' | 'masked' | 'hidden';

/**
 * Words of the protocol (RFC 7644) and of resources that say nothing of a person. By path, in lower case. Flags are always
 * shown, whatever they are called.
 */
const SHOWN = new Set([
  'schemas',
  'meta.resourcetype',
  'meta.created',
  'meta.lastmodified',
  'meta.location',
  'meta.version',
  'op',
  'method',
  'status',
  'version',
  'location',
  'scimtype',
  'failonerrors',
  'totalresults',
  'itemsperpage',
  'startindex',
  'count',
  'sortorder',
  'members.type',
  'members.$ref',
  'groups.type',
  'groups.$ref',
  'manager.$ref',
]);

/** What one recognises a record by, and what roles follow from. */
const IDENTIFIERS = new Set([
  'id',
  'externalid',
  'username',
  'bulkid',
  'members',
  'members.value',
  'groups',
  'groups.value',
  'groups.display',
  'manager',
  'manager.value',
  'roles',
  'roles.value',
  'roles.display',
  'entitlements',
  'entitlements.value',
  'entitlements.display',
]);

const LABELS = /^[a-z0-9]+\.type$/;

/** Most bodies have the same names. */
const known = new Map<string, readonly string[]>();
const KNOWN_MAX = 1000;
const KNOWN_CHARS_MAX = 150;
/** Of a longer name the two ends are looked at: each value below it is held against them. */
const END_CHARS = 150;

/** The path of an attribute without its URN, in lower case: `urn:…:User:name.givenName` is `name`, `givenname`. */
export function segmentsOf(name: string): readonly string[] {
  let segments = known.get(name);
  if (segments === undefined) {
    segments = readSegments(name);
    if (known.size < KNOWN_MAX && name.length <= KNOWN_CHARS_MAX) known.set(name, segments);
  }
  return segments;
}

function readSegments(given: string): string[] {
  const name = given.length <= 2 * END_CHARS ? given : given.slice(0, END_CHARS) + given.slice(-END_CHARS);
  const plain = name.replace(/\[[^\]]*\]?/g, '').replace(/^urn:.*:(?=[^:]*$)/i, '');
  // A whole extension is what its attributes stand in, and no attribute itself.
  if (/^urn:/i.test(name) && /^(user|group)$/i.test(plain)) return [];
  return plain
    .toLowerCase()
    .replace(/^(user|group)\./, '')
    .split('.')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

export function tellingOf(at: readonly string[], kind: ScimKind): Telling {
  if (at.some(isSecretName)) return 'hidden';
  const path = at.join('.');
  if (SHOWN.has(path) || LABELS.test(path)) return 'shown';
  if (IDENTIFIERS.has(path) || (path === 'displayname' && kind === 'Group')) return 'identifier';
  return 'masked';
}

/** Of which resource a path speaks: `/scim/v2/Users/…`, `/Groups`. */
export function kindOfPath(path: string): ScimKind {
  const name = /\/(users|groups|me)(?![^/?.])/i.exec(path)?.[1]?.toLowerCase();
  if (name === undefined) return null;
  return name === 'groups' ? 'Group' : 'User';
}

/** Of which resource a body says that it is one; null where it does not. */
export function kindOfSchemas(schemas: unknown): ScimKind {
  const names = Array.isArray(schemas) ? schemas.filter((each) => typeof each === 'string') : [];
  if (names.some((name) => /:Group$/i.test(name))) return 'Group';
  return names.some((name) => /:User$/i.test(name)) ? 'User' : null;
}
