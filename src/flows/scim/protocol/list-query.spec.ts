import { describe, expect, it } from '@jest/globals';
import { Problem } from '../../../platform/problem.js';
import {
  COUNT_DEFAULT,
  COUNT_MAX,
  SEARCH_REQUEST_URN,
  readSearchRequest,
  readUrlQuery,
  resolveListRequest,
  viewListResponse,
} from './list-query.js';
import { groupResourceType, userResourceType } from './resource-types.js';

const search = (members: Record<string, unknown>): unknown => ({ schemas: [SEARCH_REQUEST_URN], ...members });

describe('SCIM 55 pages by index', () => {
  it.each<[Record<string, unknown>, number, number]>([
    [{}, 1, COUNT_DEFAULT],
    [{ startIndex: '5', count: '10' }, 5, 10],
    [{ startIndex: '0' }, 1, COUNT_DEFAULT],
    [{ startIndex: '-7' }, 1, COUNT_DEFAULT],
    [{ count: '0' }, 1, 0],
    [{ count: '-1' }, 1, 0],
    [{ count: '1000000000' }, 1, COUNT_MAX],
    [{ count: '1e9' }, 1, COUNT_MAX],
    [{ COUNT: ' 3 ', StartIndex: '2' }, 2, 3],
    [{ count: '' }, 1, COUNT_DEFAULT],
    [{ startIndex: '99999999999999999999' }, 2 ** 31 - 1, COUNT_DEFAULT],
    [{ unknown: 'x' }, 1, COUNT_DEFAULT],
  ])('%j', (parameters, startIndex, count) => {
    expect(readUrlQuery(parameters).page).toEqual({ by: 'index', startIndex, count });
    expect(readSearchRequest(search(parameters)).page).toEqual({ by: 'index', startIndex, count });
  });

  it.each([
    { count: 'ten' },
    { count: '1.5' },
    { startIndex: 'x' },
    { count: '0x10' },
    { count: '1e999' },
    { count: 'NaN' },
  ])('%j is 400 invalidValue', (parameters) => {
    expect(problemOf(() => readUrlQuery(parameters))?.scimType).toBe('invalidValue');
    expect(problemOf(() => readSearchRequest(search(parameters)))?.scimType).toBe('invalidValue');
  });

  it('names every fault at once, each where it is', () => {
    const problem = problemOf(() => readUrlQuery({ count: 'x', startIndex: 'y', filter: ['a pr', 'b pr'] }));
    expect(problem?.options.faults?.map(({ pointer }) => pointer)).toEqual(['?filter', '?startIndex', '?count']);
  });
});

describe('SCIM 59 pages by cursor', () => {
  it('an empty cursor asks for the first page, any other for one further on', () => {
    expect(readUrlQuery({ cursor: '' }).page).toEqual({ by: 'cursor', cursor: null, count: COUNT_DEFAULT });
    expect(readUrlQuery({ cursor: 'abc', count: '5' }).page).toEqual({ by: 'cursor', cursor: 'abc', count: 5 });
    expect(readSearchRequest(search({ cursor: '', count: 7 })).page).toEqual({ by: 'cursor', cursor: null, count: 7 });
    expect(readUrlQuery({ cursor: '', count: '1000000' }).page).toMatchObject({ count: COUNT_MAX });
  });

  it.each(['0', '-1', 'ten', '1.5'])('count %s is 400 invalidCount', (count) => {
    expect(problemOf(() => readUrlQuery({ cursor: '', count }))?.scimType).toBe('invalidCount');
    expect(problemOf(() => readSearchRequest(search({ cursor: '', count })))?.scimType).toBe('invalidCount');
  });

  it('a cursor and a startIndex do not go together', () => {
    expect(problemOf(() => readUrlQuery({ cursor: '', startIndex: '1' }))?.scimType).toBe('invalidValue');
  });
});

describe('SCIM 57 attributes in a URL', () => {
  it.each([
    [{ attributes: ['userName', 'emails,id'] }, 'userName,emails,id'],
    [{ attributes: 'userName', Attributes: ['emails', 'id'] }, 'userName,emails,id'],
    [{ attributes: ['userName'], ATTRIBUTES: 'emails' }, 'userName,emails'],
  ])('%j name what all their parts name', (parameters, attributes) => {
    expect(readUrlQuery(parameters).attributes).toBe(attributes);
  });

  it('what is left out may come in several parts too, and nothing else may', () => {
    expect(readUrlQuery({ excludedAttributes: ['a', 'b'] }).excludedAttributes).toBe('a,b');
    for (const name of ['filter', 'sortBy', 'sortOrder', 'startIndex', 'count', 'cursor']) {
      expect(problemOf(() => readUrlQuery({ [name]: ['1', '2'] }))?.scimType).toBe('invalidValue');
    }
  });
});

describe('SCIM 58 a SearchRequest', () => {
  it('says what a URL says', () => {
    const inBody = search({
      attributes: ['userName'],
      filter: 'userName sw "a"',
      sortBy: 'userName',
      sortOrder: 'descending',
      startIndex: 3,
      count: 4,
    });
    const inUrl = {
      attributes: 'userName',
      filter: 'userName sw "a"',
      sortBy: 'userName',
      sortOrder: 'descending',
      startIndex: '3',
      count: '4',
    };
    expect(readSearchRequest(inBody)).toEqual({ ...readUrlQuery(inUrl), attributes: ['userName'] });
  });

  it('takes null for what is not said, and its names in any case', () => {
    const body = { Schemas: [SEARCH_REQUEST_URN.toUpperCase()], Filter: 'title pr', sortBy: null, count: null };
    expect(readSearchRequest(body)).toMatchObject({ filter: 'title pr', sortBy: null, page: { count: COUNT_DEFAULT } });
  });

  it.each([undefined, null, [], 'x', {}, { schemas: [] }, { schemas: SEARCH_REQUEST_URN }, { schemas: ['urn:x', 1] }])(
    '%j is 400 invalidSyntax',
    (body) => {
      expect(problemOf(() => readSearchRequest(body))?.scimType).toBe('invalidSyntax');
    },
  );

  it.each([{ filter: 1 }, { attributes: { a: 1 } }, { attributes: [1] }, { sortBy: [] }, { count: {} }, { cursor: 1 }])(
    '%j is 400 invalidValue',
    (members) => {
      expect(problemOf(() => readSearchRequest(search(members)))?.scimType).toBe('invalidValue');
    },
  );
});

describe('what a query means for a type', () => {
  it('is looked up in its schemas', () => {
    const request = readUrlQuery({ filter: 'USERNAME eq "A"', sortBy: 'emails', attributes: 'userName' });
    expect(resolveListRequest(request, userResourceType)).toMatchObject({
      filter: { target: { path: 'userName' }, operand: 'a' },
      sort: { target: { path: 'emails.value' }, descending: false },
    });
    expect(resolveListRequest(readUrlQuery({}), userResourceType)).toMatchObject({ filter: null, sort: null });
    expect(problemOf(() => resolveListRequest(request, groupResourceType))?.scimType).toBe('invalidFilter');
    expect(resolveListRequest(request, groupResourceType, {}, [userResourceType])).toMatchObject({
      filter: { kind: 'constant', holds: false },
      sort: { target: null },
    });
  });

  it.each([
    [{ filter: '' }, 'invalidFilter'],
    [{ sortBy: 'nosuch' }, 'invalidPath'],
    [{ sortBy: 'userName', sortOrder: 'up' }, 'invalidValue'],
    [{ attributes: 'id', excludedAttributes: 'meta' }, 'invalidValue'],
  ])('%j is 400 %s', (parameters, scimType) => {
    expect(problemOf(() => resolveListRequest(readUrlQuery(parameters), userResourceType))?.scimType).toBe(scimType);
  });
});

describe('SCIM 54 a page without resources', () => {
  it('is a ListResponse with an empty list', () => {
    expect(viewListResponse({ totalResults: 0, resources: [], startIndex: 1 })).toEqual({
      schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
      totalResults: 0,
      startIndex: 1,
      itemsPerPage: 0,
      Resources: [],
    });
    expect(viewListResponse({ totalResults: 3, resources: [{}], nextCursor: 'n' })).not.toHaveProperty('startIndex');
  });
});

function problemOf(work: () => unknown): Problem | null {
  try {
    work();
    return null;
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
}
