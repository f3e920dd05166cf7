import { describe, expect, it } from '@jest/globals';
import { toSqlFilter } from './filter-sql.js';
import { parseFilter } from './protocol/filter.js';
import { resolveFilter } from './protocol/resolve-filter.js';
import { userResourceType } from './protocol/resource-types.js';
import { indexedUserAttributes } from './user-list-source.js';

const translate = (text: string) =>
  toSqlFilter(resolveFilter(parseFilter(text), userResourceType), indexedUserAttributes, 'c-1');

describe('a filter as SQL', () => {
  it.each([
    ['userName eq "ADA"', '(s.userNameKey IS NOT NULL AND s.userNameKey = ?)', ['ada'], true],
    ['id eq "X"', '(s.identityId IS NOT NULL AND s.identityId = ?)', ['X'], true],
    ['active eq false', '(s.active IS NOT NULL AND s.active = ?)', [0], true],
    [
      'meta.lastModified ge "1970-01-01T00:00:01Z"',
      '(s.modifiedAt IS NOT NULL AND s.modifiedAt >= ?)',
      [1_000_000],
      true,
    ],
    ['displayName pr', 's.displayNameKey IS NOT NULL', [], true],
    ['displayName ew "é!"', '(s.displayNameKey IS NOT NULL AND SUBSTR(s.displayNameKey, ?) = ?)', [-2, 'é!'], true],
    ['not (active eq true)', 'NOT ((s.active IS NOT NULL AND s.active = ?))', [1], true],
    ['userName pr', '1 = 1', [], true],
    ['title eq "x"', '1 = 1', [], false],
    ['not (title eq "x")', '1 = 1', [], false],
    ['title eq "x" or active eq true', '1 = 1', [], false],
    ['title eq "x" and active eq true', '(1 = 1) AND ((s.active IS NOT NULL AND s.active = ?))', [1], false],
  ])('%s', (filter, where, values, isExact) => {
    expect(translate(filter)).toEqual({ where, values, isExact });
  });

  it.each([
    ['emails.value eq "A@X"', 'scim_emails', ['c-1', 'a@x']],
    ['emails[type eq "work" and value eq "A@X"]', 'scim_emails', ['c-1', 'a@x']],
    ['externalId eq "E"', 'externalId = ?', undefined],
    ['groups.value eq "g"', 'scim_members', ['c-1', 'g']],
  ])('%s is found by an index', (filter, part, values) => {
    const found = translate(filter);
    expect(found.where).toContain(part);
    if (values) expect(found.values).toEqual(values);
  });

  it.each([`'; DROP TABLE users; --`, '%', '_', '\\', '") OR (1=1', 's.active'])(
    'has nothing of the text %j in it',
    (text) => {
      for (const operator of ['eq', 'ne', 'co', 'sw', 'ew', 'gt']) {
        const { where, values } = translate(`userName ${operator} ${JSON.stringify(text)}`);
        expect(where.replace(/s\.userNameKey|IS (NOT )?NULL|AND|OR|INSTR|SUBSTR|[()?,<>= 0]/g, '')).toBe('');
        expect(values.some((value) => String(value).startsWith(text.toLowerCase()))).toBe(true);
      }
    },
  );

  it('a text that is longer than what the index holds is left to be looked at', () => {
    expect(translate(`userName eq "${'x'.repeat(300)}"`)).toEqual({ where: '1 = 1', values: [], isExact: false });
  });
});
