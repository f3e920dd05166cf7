import { type Ceilings, findRoleCeiling, mayGrantEntitlement } from './ceilings.js';
import { findDisplayNameFault, findEmailFault, findNameFault } from './record-text.js';
import { NAME_CHARS_MAX } from './record.js';
import type { FieldName, Json } from './statement.js';

/** A SCIM user as JSON (RFC 7643, section 4.1), with canonical names. */
type UserJson = Readonly<Record<string, Json>>;

const ENTERPRISE_URN = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

/**
 * The attributes of a person that SCIM states, and from where in the resource: rules read them as `claims.<name>`. Of
 * several addresses and telephone numbers it is the primary one, else the one of type `work`, else the first.
 */
export const userAttributes: Readonly<Record<string, { from: string; read: (user: UserJson) => Json | undefined }>> = {
  title: core('title'),
  userType: core('userType'),
  nickName: core('nickName'),
  profileUrl: core('profileUrl'),
  preferredLanguage: core('preferredLanguage'),
  locale: core('locale'),
  timezone: core('timezone'),
  middleName: part('name', 'middleName'),
  honorificPrefix: part('name', 'honorificPrefix'),
  honorificSuffix: part('name', 'honorificSuffix'),
  employeeNumber: part(ENTERPRISE_URN, 'employeeNumber'),
  costCenter: part(ENTERPRISE_URN, 'costCenter'),
  organization: part(ENTERPRISE_URN, 'organization'),
  division: part(ENTERPRISE_URN, 'division'),
  department: part(ENTERPRISE_URN, 'department'),
  manager: {
    from: 'manager.value of the enterprise extension',
    read: (user) => asObject(asObject(user[ENTERPRISE_URN])?.manager)?.value,
  },
  emails: all('emails'),
  phoneNumbers: all('phoneNumbers'),
  phoneNumber: { from: 'phoneNumbers', read: ({ phoneNumbers }) => choose(withValue(phoneNumbers))?.value },
  mobilePhone: {
    from: 'phoneNumbers of type mobile',
    read: ({ phoneNumbers }) => withValue(phoneNumbers).find((one) => hasType(one, 'mobile'))?.value,
  },
  streetAddress: address('streetAddress'),
  locality: address('locality'),
  region: address('region'),
  postalCode: address('postalCode'),
  country: address('country'),
  scimRoles: all('roles'),
  scimEntitlements: all('entitlements'),
};

const ATTRIBUTES = Object.entries(userAttributes).map(([name, { read }]) => ({ field: `attributes.${name}`, read }));

/**
 * What a SCIM user says of a person, in the fields of a statement: only what is assigned. Roles and entitlements that may
 * not be granted give nothing; they stand in `attributes.scimRoles` and `attributes.scimEntitlements`.
 */
export function readScimUser(user: UserJson, ceilings: Ceilings): Record<FieldName, Json> {
  const name = asObject(user.name);
  const email = choose(withValue(user.emails).filter(({ value }) => findEmailFault(value) === null))?.value;
  const roles = readTexts(user.roles).filter((key) => findRoleCeiling(ceilings, key) === null);
  const entitlements = readTexts(user.entitlements).filter(
    (text) => mayGrantEntitlement(ceilings, text) && findNameFault(text, NAME_CHARS_MAX) === null,
  );
  const stated: Record<FieldName, Json | undefined> = {
    userName: user.userName,
    displayName: readDisplayName(user.displayName) ?? readDisplayName(name?.formatted),
    givenName: name?.givenName,
    familyName: name?.familyName,
    email,
    // SCIM says nothing of it: null leaves it to the connection's `emailVerified`, whatever was said of another address.
    ...(email === undefined ? {} : { emailVerified: null }),
    active: user.active,
    // Stated to be none, where none of them is allowed: under other ceilings, some may have been.
    ...(withValue(user.roles).length === 0 ? {} : { roles }),
    ...(withValue(user.entitlements).length === 0 ? {} : { entitlements }),
  };
  const fields: Record<FieldName, Json> = {};
  const state = (field: FieldName, value: Json | undefined) => {
    if (value !== undefined && value !== '') fields[field] = value;
  };
  for (const field in stated) state(field, stated[field]);
  for (const { field, read } of ATTRIBUTES) state(field, read(user));
  return fields;
}

/** A text that cannot be shown as a name, such as an address of several lines, is none. */
function readDisplayName(value: Json | undefined): string | undefined {
  if (typeof value !== 'string' || value === '') return undefined;
  return findDisplayNameFault(value, NAME_CHARS_MAX) === null ? value : undefined;
}

/** The values of a list, each once. Entra ID writes an app role as JSON into the value: its own `value` is meant. */
function readTexts(list: Json | undefined): string[] {
  return [...new Set(withValue(list).map(({ value }) => readRole(value)))];
}

function readRole(text: string): string {
  if (!text.startsWith('{')) return text;
  try {
    const { value } = JSON.parse(text) as { value?: unknown };
    return typeof value === 'string' ? value : text;
  } catch {
    return text;
  }
}

type Entry = UserJson & { value: string };

function withValue(list: Json | undefined): Entry[] {
  return Array.isArray(list) ? list.filter(isEntry) : [];
}

function isEntry(entry: Json): entry is Entry {
  const value = asObject(entry)?.value;
  return typeof value === 'string' && value !== '';
}

function choose<T extends UserJson>(entries: readonly T[]): T | undefined {
  return entries.find(({ primary }) => primary === true) ?? entries.find((one) => hasType(one, 'work')) ?? entries[0];
}

function hasType({ type }: UserJson, name: string): boolean {
  return typeof type === 'string' && type.toLowerCase() === name;
}

function core(name: string) {
  return { from: name, read: (user: UserJson) => user[name] };
}

function part(parent: string, name: string) {
  const from = parent === ENTERPRISE_URN ? `${name} of the enterprise extension` : `${parent}.${name}`;
  return { from, read: (user: UserJson) => asObject(user[parent])?.[name] };
}

/** All the values of a list. */
function all(name: string) {
  const read = (user: UserJson): Json | undefined => {
    const texts = readTexts(user[name]);
    return texts.length === 0 ? undefined : texts;
  };
  return { from: name, read };
}

function address(name: string) {
  const read = ({ addresses }: UserJson): Json | undefined => {
    const list = Array.isArray(addresses) ? addresses.map(asObject).filter((entry) => entry !== undefined) : [];
    return choose(list)?.[name];
  };
  return { from: `addresses, ${name}`, read };
}

function asObject(value: Json | undefined): UserJson | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
}
