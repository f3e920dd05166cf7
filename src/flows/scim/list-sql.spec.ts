import { describe, expect, it } from '@jest/globals';
import type { ListSource } from './list-source.js';
import { findOrder, selectStretch } from './list-sql.js';
import { readSort } from './protocol/sort-resources.js';
import { userResourceType } from './protocol/resource-types.js';
import { indexedUserAttributes, userSortColumns } from './user-list-source.js';

const source: ListSource = {
  type: userResourceType,
  table: 'scim_users',
  idIndex: 'by_id',
  indexed: indexedUserAttributes,
  sortColumns: userSortColumns,
  read: async () => new Map(),
};
const ALL = { where: '1 = 1', values: [], isExact: true };

const select = (sortBy: string | null, way: string, after: { value: string | null; id: string } | null) => {
  const order = findOrder(source, sortBy === null ? null : readSort(userResourceType, sortBy, way));
  if (!order) throw new Error('not in the database');
  return selectStretch(source, 'c', ALL, order, { after, offset: 0, limit: 3, engine: 'mysql' });
};

describe('a stretch of a list', () => {
  it('SCIM 59 by id goes on by the index of ids alone', () => {
    expect(select(null, 'ascending', null).sql).not.toContain('FORCE INDEX');
    const { sql, values } = select(null, 'ascending', { value: null, id: 'x' });
    expect(sql).toContain('FORCE INDEX (by_id) WHERE s.connectionId = ? AND (1 = 1) AND (s.identityId > ?)');
    expect(values).toEqual(['c', 'x']);
  });

  it.each([
    [
      'ascending',
      'a',
      '((s.displayNameKey >= ? AND (s.displayNameKey > ? OR s.identityId > ?)) OR s.displayNameKey IS NULL)',
    ],
    ['ascending', null, '(s.displayNameKey IS NULL AND s.identityId > ?)'],
    ['descending', 'a', '(s.displayNameKey <= ? AND (s.displayNameKey < ? OR s.identityId < ?))'],
    ['descending', null, '((s.displayNameKey IS NULL AND s.identityId < ?) OR s.displayNameKey IS NOT NULL)'],
  ])('SCIM 56 %s after %j goes on where those without a value are last', (way, value, condition) => {
    expect(select('displayName', way, { value, id: 'x' }).sql).toContain(`AND ${condition} ORDER BY`);
  });

  it('SCIM 56 by userName, which no two have, the index has the order by itself', () => {
    const { sql, values } = select('userName', 'descending', { value: 'b', id: 'x' });
    expect(sql).toContain('AND (s.userNameKey < ?) ORDER BY s.userNameKey DESC LIMIT');
    expect(values).toEqual(['c', 'b']);
  });

  it('an order that no column has is left to be made by reading', () => {
    expect(findOrder(source, readSort(userResourceType, 'title', undefined))).toBeNull();
  });
});
