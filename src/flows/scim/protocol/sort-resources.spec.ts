import { describe, expect, it } from '@jest/globals';
import { Problem } from '../../../platform/problem.js';
import { groupResourceType, userResourceType } from './resource-types.js';
import { compareSortKeys, readSort, sortKeyOf } from './sort-resources.js';
import type { ResourceJson } from './stored-values.js';

function order(resources: ResourceJson[], sortBy: string, sortOrder?: string): unknown[] {
  const sort = readSort(userResourceType, sortBy, sortOrder);
  return resources
    .map((resource) => sortKeyOf(resource, sort))
    .sort((left, right) => compareSortKeys(left, right, sort.descending))
    .map(({ id }) => id);
}

describe('SCIM 56 sorting', () => {
  const people: ResourceJson[] = [
    { id: '1', userName: 'bob', externalId: 'b' },
    { id: '2', userName: 'Alice', externalId: 'B' },
    { id: '3', userName: 'carol' },
    { id: '5', userName: 'BOB', externalId: 'a' },
    { id: '4', userName: 'bob', externalId: 'b' },
  ];

  it('is ascending unless asked otherwise, without regard to case where that does not count, ties by id', () => {
    expect(order(people, 'USERNAME')).toEqual(['2', '1', '4', '5', '3']);
    expect(order(people, 'userName', 'Ascending')).toEqual(['2', '1', '4', '5', '3']);
    expect(order(people, 'userName', 'descending')).toEqual(['3', '5', '4', '1', '2']);
  });

  it('keeps to case where that counts, and puts the unassigned last when ascending, first when descending', () => {
    expect(order(people, 'externalId')).toEqual(['2', '5', '1', '4', '3']);
    expect(order(people, 'externalId', 'descending')).toEqual(['3', '4', '1', '5', '2']);
  });

  it('goes by the primary value of several, or else the first', () => {
    const resources: ResourceJson[] = [
      { id: '1', emails: [{ value: 'a@x' }, { value: 'z@x', primary: true }] },
      { id: '2', emails: [{ value: 'm@x' }, { value: 'a@x' }] },
      { id: '3', emails: [] },
    ];
    expect(order(resources, 'emails')).toEqual(['2', '1', '3']);
    expect(order(resources, 'emails.value')).toEqual(['2', '1', '3']);
  });

  it('compares times as instants and booleans as false before true', () => {
    const resources: ResourceJson[] = [
      { id: '1', active: true, meta: { created: '2026-01-01T00:30:00Z' } },
      { id: '2', active: false, meta: { created: '2026-01-01T01:00:00+01:00' } },
    ];
    expect(order(resources, 'meta.created')).toEqual(['2', '1']);
    expect(order(resources, 'active')).toEqual(['2', '1']);
  });

  it.each(['nosuch', 'name', 'meta', 'addresses', 'password', 'department', 'userName['])('%s is refused', (sortBy) => {
    expect(() => readSort(userResourceType, sortBy, undefined)).toThrow(Problem);
  });

  it('an order that is none is refused', () => {
    expect(() => readSort(userResourceType, 'userName', 'up')).toThrow('sortOrder is ascending or descending');
  });

  it('at the root an attribute of another type is unassigned', () => {
    const sort = readSort(groupResourceType, 'userName', undefined, [userResourceType]);
    expect(sortKeyOf({ id: 'g', displayName: 'x' }, sort)).toEqual({ value: null, id: 'g' });
    expect(() => readSort(groupResourceType, 'nosuch', undefined, [userResourceType])).toThrow(Problem);
  });
});
