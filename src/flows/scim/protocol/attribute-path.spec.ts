import { describe, expect, it } from '@jest/globals';
import { Problem } from '../../../platform/problem.js';
import { parseAttributePath } from './attribute-path.js';
import { ENTERPRISE_SCHEMA_URN as ENTERPRISE } from './enterprise-schema.js';
import { groupResourceType, userResourceType } from './resource-types.js';
import type { ResourceType } from './schema.js';
import { USER_SCHEMA_URN as USER } from './user-schema.js';

describe('SCIM 37 the grammar of paths', () => {
  it.each([
    ['userName', 'userName', null],
    [' NAME.familyname ', 'name.familyName', null],
    [`${USER}:name.familyName`, 'name.familyName', null],
    [`${ENTERPRISE}:department`, `${ENTERPRISE}:department`, ENTERPRISE],
    [`${ENTERPRISE}:manager.value`, `${ENTERPRISE}:manager.value`, ENTERPRISE],
    [`${ENTERPRISE}.manager`, `${ENTERPRISE}:manager`, ENTERPRISE],
    [`${ENTERPRISE}.manager.value`, `${ENTERPRISE}:manager.value`, ENTERPRISE],
    [`${USER}.name.familyName`, 'name.familyName', null],
    ['emails', 'emails', null],
    ['emails.value', 'emails.value', null],
  ])('%s is an attribute', (text, path, extension) => {
    expect(parseAttributePath(userResourceType, text)).toMatchObject({
      kind: 'attribute',
      found: { path, extension },
      filter: null,
    });
  });

  it.each([ENTERPRISE, ENTERPRISE.toUpperCase()])('%s is a whole schema', (text) => {
    expect(parseAttributePath(userResourceType, text)).toEqual({ kind: 'schema', urn: ENTERPRISE });
  });

  it('attr[filter] and attr[filter].sub choose elements', () => {
    const whole = parseAttributePath(userResourceType, 'Emails[TYPE eq "Work"]');
    expect(whole).toMatchObject({
      found: { path: 'emails', subAttribute: null },
      filter: { kind: 'compare', operator: 'eq', value: 'Work', operand: 'work', target: { path: 'emails.type' } },
    });
    const sub = parseAttributePath(userResourceType, 'addresses[type eq "work" and primary eq true].streetaddress');
    expect(sub).toMatchObject({ found: { path: 'addresses.streetAddress' }, filter: { kind: 'and' } });
    const member = parseAttributePath(groupResourceType, 'members[value eq "2819c223-7f76-453a-919d-413861904646"]');
    expect(member).toMatchObject({
      found: { path: 'members' },
      filter: { operand: '2819c223-7f76-453a-919d-413861904646' },
    });
  });

  it('reads brackets and points inside a text as text', () => {
    const path = parseAttributePath(userResourceType, 'emails[value eq "a].b\\"["].type');
    expect(path).toMatchObject({ found: { path: 'emails.type' }, filter: { value: 'a].b"[' } });
  });

  it.each<[string, ResourceType]>([
    ['', userResourceType],
    ['nosuch', userResourceType],
    ['department', userResourceType],
    ['userName.value', userResourceType],
    ['name.', userResourceType],
    ['.name', userResourceType],
    ['name given', userResourceType],
    ['/userName', userResourceType],
    ['userName[value eq "x"]', userResourceType],
    ['name[givenName eq "x"]', userResourceType],
    ['emails.value[type eq "x"]', userResourceType],
    ['[type eq "x"]', userResourceType],
    ['emails[type eq "work"].nosuch', userResourceType],
    ['emails[type eq "work"].', userResourceType],
    ['emails[type eq "work"]value', userResourceType],
    ['emails[type eq "work"].value.x', userResourceType],
    ['emails[type eq "work"] and title pr', userResourceType],
    [`${ENTERPRISE}:`, userResourceType],
    [`${ENTERPRISE}:nosuch`, userResourceType],
    ['urn:example:other:department', userResourceType],
    ['x'.repeat(10_000), userResourceType],
    [ENTERPRISE, groupResourceType],
    ['userName', groupResourceType],
  ])('%j is 400 invalidPath', (text, type) => {
    expect(refusalOf(type, text)).toBe('invalidPath');
  });

  it.each([
    'emails[type eq]',
    'emails[type eq "work"',
    'emails[type]',
    'emails[]',
    'emails[nosuch eq "x"]',
    'emails[primary gt true]',
    'emails[primary eq "true"]',
    'emails[emails.type eq "work"]',
    'emails[type eq work]',
    `emails[${'('.repeat(1000)}type eq "work"${')'.repeat(1000)}]`,
  ])('%j is 400 invalidFilter', (text) => {
    expect(refusalOf(userResourceType, text)).toBe('invalidFilter');
  });

  it('forgives values without quotes where the preset does', () => {
    const path = parseAttributePath(userResourceType, 'emails[type eq work].value', { unquotedFilters: true });
    expect(path).toMatchObject({ found: { path: 'emails.value' }, filter: { value: 'work' } });
  });
});

function refusalOf(type: ResourceType, text: string): string | null {
  try {
    parseAttributePath(type, text);
    return null;
  } catch (error) {
    if (error instanceof Problem) return error.scimType;
    throw error;
  }
}
