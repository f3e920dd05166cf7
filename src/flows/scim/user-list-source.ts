import type { IndexedAttributes } from './filter-sql.js';
import type { SortColumn } from './list-source.js';
import { EMAIL_KEY_MAX, NAME_KEY_MAX } from './stored-user.js';

/** Attributes of users that the table `scim_users s`, or one beside it, has indexes of. */
export const indexedUserAttributes: IndexedAttributes = {
  idColumn: 's.identityId',
  always: new Set(['id', 'schemas', 'userName', 'meta', 'meta.created', 'meta.lastModified', 'meta.version']),
  columns: {
    id: { kind: 'text', column: 's.identityId' },
    userName: { kind: 'key', column: 's.userNameKey', charsMax: NAME_KEY_MAX },
    displayName: { kind: 'key', column: 's.displayNameKey', charsMax: NAME_KEY_MAX },
    active: { kind: 'number', column: 's.active' },
    'meta.created': { kind: 'number', column: 's.createdAt' },
    'meta.lastModified': { kind: 'number', column: 's.modifiedAt' },
    externalId: { kind: 'text', column: 's.externalId' },
    'emails.value': {
      kind: 'elsewhere',
      select: 'SELECT e.identityId FROM scim_emails e WHERE e.connectionId = ? AND e.valueKey = ?',
      charsMax: EMAIL_KEY_MAX,
    },
    'groups.value': {
      kind: 'elsewhere',
      select: 'SELECT m.memberId FROM scim_members m WHERE m.connectionId = ? AND m.groupId = ?',
      charsMax: 256,
    },
  },
};

export const userSortColumns: Readonly<Record<string, SortColumn>> = {
  id: { column: 's.identityId', optional: false },
  userName: { column: 's.userNameKey', optional: false, unique: true },
  displayName: { column: 's.displayNameKey', optional: true },
  active: { column: 's.active', optional: true },
  'meta.created': { column: 's.createdAt', optional: false },
  'meta.lastModified': { column: 's.modifiedAt', optional: false },
};
