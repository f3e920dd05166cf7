import { describe, expect, it } from '@jest/globals';
import { ENTERPRISE_SCHEMA_URN as ENTERPRISE } from './enterprise-schema.js';
import { findAttribute, findSchemaUrn, findSubAttribute } from './find-attribute.js';
import { groupResourceType, userResourceType } from './resource-types.js';
import { USER_SCHEMA_URN as USER } from './user-schema.js';

describe('SCIM 15 attribute names and URNs are found without regard to case', () => {
  it.each([
    ['username', 'userName', null],
    ['USERNAME', 'userName', null],
    ['Name.GivenName', 'name.givenName', null],
    ['ID', 'id', null],
    ['meta.LASTMODIFIED', 'meta.lastModified', null],
    [`${USER.toUpperCase()}:USERNAME`, 'userName', null],
    [`${USER}:name.familyName`, 'name.familyName', null],
    [`${USER}:externalid`, 'externalId', null],
    [`${ENTERPRISE.toUpperCase()}:Department`, `${ENTERPRISE}:department`, ENTERPRISE],
    [`${ENTERPRISE}:manager.displayname`, `${ENTERPRISE}:manager.displayName`, ENTERPRISE],
    [`${ENTERPRISE}.department`, `${ENTERPRISE}:department`, ENTERPRISE],
    ['emails.$ref', null, null],
    ['groups.$REF', 'groups.$ref', null],
  ])('%s', (asked, path, extension) => {
    const found = findAttribute(userResourceType, asked);
    expect(found?.path ?? null).toBe(path);
    expect(found?.extension ?? null).toBe(extension);
  });

  it.each(['', '.', 'nosuch', 'userName.value', 'name.', '.name', 'name.givenName.x', 'department', USER, ENTERPRISE])(
    'SCIM 15 %j is no attribute of a user',
    (asked) => {
      expect(findAttribute(userResourceType, asked)).toBeNull();
    },
  );

  it('SCIM 15 a group has no attributes of a user', () => {
    expect(findAttribute(groupResourceType, 'userName')).toBeNull();
    expect(findAttribute(groupResourceType, `${USER}:displayName`)).toBeNull();
    expect(findAttribute(groupResourceType, 'MEMBERS.VALUE')?.path).toBe('members.value');
  });

  it('SCIM 15 a schema is found by its URN and named in canonical case', () => {
    expect(findSchemaUrn(userResourceType, ENTERPRISE.toUpperCase())).toBe(ENTERPRISE);
    expect(findSchemaUrn(userResourceType, USER.toLowerCase())).toBe(USER);
    expect(findSchemaUrn(groupResourceType, USER)).toBeNull();
  });

  it('SCIM 15 a sub-attribute is found in its attribute', () => {
    const emails = findAttribute(userResourceType, 'emails')?.attribute;
    expect(emails && findSubAttribute(emails, 'VALUE')?.name).toBe('value');
    expect(emails && findSubAttribute(emails, 'nosuch')).toBeNull();
  });
});
