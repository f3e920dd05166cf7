import { describe, expect, it } from '@jest/globals';
import { Problem } from '../../../platform/problem.js';
import { type FilterLeniencies, parseFilter } from './filter.js';
import { matchFilter } from './match-filter.js';
import { resolveFilter } from './resolve-filter.js';
import { groupResourceType, userResourceType } from './resource-types.js';
import type { ResourceJson } from './stored-values.js';

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const ada: ResourceJson = {
  userName: 'Ada@Example.com',
  active: true,
  [ENTERPRISE]: { employeeNumber: '701984' },
};

const holds = (text: string, leniencies: FilterLeniencies = {}): boolean =>
  matchFilter(resolveFilter(parseFilter(text, leniencies), userResourceType, leniencies), ada);

describe('what no filter may ask', () => {
  it.each([
    // SCIM 52: never a silent empty answer.
    'nosuch eq "x"',
    'nosuch pr',
    'nosuch eq null',
    'department eq "x"',
    'members pr',
    'emails[nosuch eq "x"]',
    'emails[type eq "work"].nosuch eq "x"',
    'userName.value eq "x"',
    'urn:example:User:userName eq "x"',
    'userName[value eq "x"]',
    'emails.value[type eq "x"]',
    'name eq "x"',
    'meta co "x"',
    'addresses eq "x"',
    // SCIM 50: operators that do not fit.
    'active gt true',
    'active ge true',
    'active lt false',
    'active le false',
    'active co "t"',
    'emails.primary gt true',
    'emails[primary le true]',
    'x509Certificates.value gt "M"',
    'x509Certificates ge "M"',
    'userName gt null',
    'userName co null',
    'meta.created sw "2026"',
    // Values of another type.
    'active eq "true"',
    'active eq 1',
    'userName eq true',
    'userName eq 1',
    'meta.created gt "yesterday"',
    'meta.created gt "2026-02-30T00:00:00Z"',
    'meta.created gt 2026',
    // SCIM 53 and 21: secrets.
    'password eq "x"',
    'password pr',
    'password eq null',
    'urn:ietf:params:scim:schemas:core:2.0:User:password sw "a"',
    'not (password eq "x")',
    'userName eq "ada@example.com" and password sw "a"',
  ])('%s is 400 invalidFilter', (text) => {
    expect(refusalOf(() => holds(text))).toBe('invalidFilter');
  });

  it('SCIM 53 a refused filter repeats no value', () => {
    expect(() => holds('password eq "hunter2"')).toThrow(/^(?!.*hunter2)/);
    expect(() => holds('active eq "hunter2"')).toThrow(/^(?!.*hunter2)/);
  });
});

describe('SCIM 52 at the root, where a query reads several types', () => {
  const mixed = (text: string, resource: ResourceJson): boolean =>
    matchFilter(resolveFilter(parseFilter(text), groupResourceType, { otherTypes: [userResourceType] }), resource);
  const group: ResourceJson = { id: 'g', displayName: 'Finance', meta: { resourceType: 'Group' } };

  it.each([
    ['userName eq "x"', false],
    ['userName pr', false],
    ['userName ne "x"', true],
    ['userName eq null', true],
    ['userName ne null', false],
    ['not (userName pr)', true],
    ['emails[type eq "work"]', false],
    ['userName eq "x" or displayName eq "finance"', true],
    ['meta.resourceType eq "Group"', true],
  ])('an attribute of another type is unassigned: %s: %s', (text, expected) => {
    expect(mixed(text, group)).toBe(expected);
  });

  it('what no type has is refused all the same', () => {
    expect(refusalOf(() => mixed('nosuch eq "x"', group))).toBe('invalidFilter');
  });
});

describe('leniencies', () => {
  it.each<[string, FilterLeniencies, boolean]>([
    ['active eq "True"', { stringBooleans: true }, true],
    ['active eq "false"', { stringBooleans: true }, false],
    ['active eq True', { unquotedFilters: true }, true],
    ['userName eq ada@example.com', { unquotedFilters: true }, true],
    [`${ENTERPRISE}:employeeNumber eq 701984`, { unquotedFilters: true }, true],
    [`${ENTERPRISE}:employeeNumber eq 701984`, { numbersAsTexts: true }, true],
  ])('%s', (text, leniencies, expected) => {
    expect(holds(text, leniencies)).toBe(expected);
    expect(refusalOf(() => holds(text))).toBe('invalidFilter');
  });

  it('a boolean that is none is refused even so', () => {
    expect(refusalOf(() => holds('active eq "yes"', { stringBooleans: true }))).toBe('invalidFilter');
  });
});

function refusalOf(work: () => unknown): string | null {
  try {
    work();
    return null;
  } catch (error) {
    if (error instanceof Problem) return error.scimType;
    throw error;
  }
}
