import type { StoredUser } from '../../plan/scim-entry.js';
import type { Json } from '../../plan/statement.js';
import { formatTime } from '../../platform/clock.js';
import { normaliseKey } from '../../platform/text-key.js';
import type { RowSet } from '../../provisioning/submission.js';
import { etagOf, markOf } from './etag.js';
import type { JsonObject } from './protocol/read-value.js';
import { listSchemas, type ScimResource } from './protocol/read-resource.js';
import { userResourceType } from './protocol/resource-types.js';

/** A group of a person, as the person shows it. */
export interface ShownGroup {
  id: string;
  displayName: string;
}

/** The whole resource as it is answered, before attributes are chosen (RFC 7643, section 3). `groups`: in order of id. */
export function toUserResource(id: string, stored: StoredUser, groups: readonly ShownGroup[], baseUrl: string) {
  const { externalId, ...attributes } = stored.resource;
  const resource: JsonObject = {
    schemas: listSchemas(userResourceType, stored.resource),
    id,
    ...(externalId === undefined ? {} : { externalId }),
    ...attributes,
  };
  if (groups.length > 0) {
    resource.groups = groups.map((group) => ({
      value: group.id,
      $ref: `${baseUrl}/Groups/${group.id}`,
      display: group.displayName,
      type: 'direct',
    }));
  }
  resource.meta = {
    resourceType: 'User',
    created: formatTime(stored.createdAt),
    lastModified: formatTime(stored.modifiedAt),
    location: locationOf(baseUrl, id),
    version: userEtagOf(stored, groups),
  };
  return resource;
}

/** Groups come and go, and are called otherwise, without a change of the user. */
export function userEtagOf(stored: StoredUser, groups: readonly ShownGroup[]): string {
  return etagOf(stored, markOf(groups.flatMap(({ id, displayName }) => [id, displayName])));
}

export function locationOf(baseUrl: string, id: string): string {
  return `${baseUrl}/Users/${id}`;
}

interface Place {
  tenantId: string;
  connectionId: string;
  identityId: string;
}

const USER_COLUMNS = [
  'identityId',
  'tenantId',
  'connectionId',
  'externalId',
  'userNameKey',
  'displayNameKey',
  'active',
  'createdAt',
  'modifiedAt',
];
/** Where the name stays what it was. */
const MOVING_USER_COLUMNS = ['externalId', 'displayNameKey', 'active', 'modifiedAt'];
const EMAIL_COLUMNS = ['identityId', 'valueKey', 'tenantId', 'connectionId'];

/** The rows of the index that lists and filters use. `before`: what was there, null if the person was not. */
export function indexRows(place: Place, before: StoredUser | null, after: StoredUser): RowSet[] {
  const { tenantId, connectionId, identityId } = place;
  const { resource, createdAt, modifiedAt } = after;
  const sets: RowSet[] = [
    {
      table: 'scim_users',
      by: ['identityId'],
      values: [identityId],
      columns: USER_COLUMNS,
      rows: [
        [
          identityId,
          tenantId,
          connectionId,
          typeof resource.externalId === 'string' ? resource.externalId : null,
          keyOf(resource.userName) ?? '',
          keyOf(resource.displayName),
          typeof resource.active === 'boolean' ? resource.active : null,
          createdAt,
          modifiedAt,
        ],
      ],
      isFirst: before === null,
      ...(before !== null && keyOf(before.resource.userName) === keyOf(resource.userName)
        ? { moving: MOVING_USER_COLUMNS }
        : {}),
    },
  ];
  const keys = emailKeys(resource);
  if (before !== null && emailKeys(before.resource).join('\n') === keys.join('\n')) return sets;
  sets.push({
    table: 'scim_emails',
    by: ['identityId'],
    values: [identityId],
    columns: EMAIL_COLUMNS,
    rows: keys.map((key) => [identityId, key, tenantId, connectionId]),
    isFirst: before === null,
  });
  return sets;
}

/** Characters of a key that stand in the index. */
export const NAME_KEY_MAX = 255;
export const EMAIL_KEY_MAX = 320;

/** A name as it stands in the index; what is longer than that is cut, and so is what is looked for. */
function toNameKey(text: string): string {
  return cut(normaliseKey(text), NAME_KEY_MAX);
}

/** The same for an address. */
function toEmailKey(text: string): string {
  return cut(normaliseKey(text), EMAIL_KEY_MAX);
}

function cut(key: string, charsMax: number): string {
  return key.length <= charsMax ? key : [...key].slice(0, charsMax).join('');
}

function keyOf(value: Json | undefined): string | null {
  return typeof value === 'string' && value !== '' ? toNameKey(value) : null;
}

/** Each once, in order. */
function emailKeys({ emails }: ScimResource): string[] {
  if (!Array.isArray(emails)) return [];
  const keys = emails.flatMap((email) => {
    const value = typeof email === 'object' && email !== null && !Array.isArray(email) ? email.value : null;
    return typeof value === 'string' && value !== '' ? [toEmailKey(value)] : [];
  });
  return [...new Set(keys)].sort();
}
