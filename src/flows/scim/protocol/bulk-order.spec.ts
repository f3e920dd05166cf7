import { describe, expect, it } from '@jest/globals';
import { processorMsOf } from '../../../../test/support/processor-time.js';
import { codeOf, type Operation } from '../../../../test/support/scim-patch.js';
import { Problem } from '../../../platform/problem.js';
import { type BulkOutcome, BulkProgress, type BulkResult, type BulkStep, toBulkResponse } from './bulk-order.js';
import { BULK_REQUEST_URN, readBulk } from './bulk-request.js';
import { type Leniencies, leniencyOf } from './leniencies.js';

const rfc = leniencyOf('rfc');
const limits = { operationsMax: 1_000, payloadBytesMax: 1_048_576 };
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

function user(bulkId: string, manager?: string): Operation {
  const data = { userName: bulkId, ...(manager ? { [ENTERPRISE]: { manager: { value: `bulkId:${manager}` } } } : {}) };
  return { method: 'POST', path: '/Users', bulkId, data };
}

function group(bulkId: string, ...members: string[]): Operation {
  const data = { displayName: bulkId, members: members.map((name) => ({ value: `bulkId:${name}` })) };
  return { method: 'POST', path: '/Groups', bulkId, data };
}

/** Carries a request out; what is made gets the id `id-…`. `failing`: the bulkIds of operations that fail. */
function run(
  operations: unknown,
  options: { failOnErrors?: number; failing?: string[]; leniencies?: Leniencies } = {},
) {
  const { failOnErrors, failing = [], leniencies = rfc } = options;
  const body = { schemas: [BULK_REQUEST_URN], Operations: operations, failOnErrors };
  const progress = new BulkProgress(readBulk(body, leniencies, limits), (type, id) => `/${type}/${id}`);
  const steps: BulkStep[] = [];
  for (let step = progress.next(); step; step = progress.next()) {
    steps.push(step);
    progress.settle(step, outcomeOf(step, failing));
  }
  const results = progress.listResults((problem) => ({ detail: problem.detail }));
  return { steps, results };
}

function outcomeOf({ operation, method, id }: BulkStep, failing: string[]): BulkOutcome {
  const name = operation.bulkId ?? '';
  if (failing.includes(name)) return { problem: new Problem('scim_uniqueness', 'taken') };
  const made = id ?? `id-${name}`;
  return { status: method === 'POST' ? 201 : 200, id: made, location: `/x/${made}`, version: 'W/"1"' };
}

const statuses = (results: BulkResult[]) => results.map(({ bulkId, status }) => `${bulkId} ${status}`);
const order = (steps: BulkStep[]) => steps.map(({ method, operation }) => `${method} ${operation.bulkId}`);

const codeOfBulk = (body: unknown) => codeOf(() => readBulk(body, rfc, limits));

describe('a bulk request', () => {
  it.each<[string, unknown, string]>([
    ['a list', [], 'scim_invalid_syntax'],
    ['no schemas', { Operations: [] }, 'scim_invalid_syntax'],
    ['another schema', { schemas: ['x'], Operations: [] }, 'scim_invalid_syntax'],
    ['no operations', { schemas: [BULK_REQUEST_URN] }, 'scim_invalid_syntax'],
    [
      'a failOnErrors of text',
      { schemas: [BULK_REQUEST_URN], Operations: [], failOnErrors: 'x' },
      'scim_invalid_syntax',
    ],
    ['too many operations', { schemas: [BULK_REQUEST_URN], Operations: Array(1_001).fill({}) }, 'payload_too_large'],
  ])('SCIM 61 with %s is refused', (_, body, code) => {
    expect(codeOfBulk(body)).toBe(code);
  });

  it.each<[string, unknown]>([
    ['no object', 5],
    ['no method', { path: '/Users', bulkId: 'x', data: {} }],
    ['GET', { method: 'GET', path: '/Users/1' }],
    ['POST without bulkId', { method: 'POST', path: '/Users', data: {} }],
    ['a bulkId that is a number', { method: 'POST', path: '/Users', bulkId: 5, data: {} }],
    ['POST to an id', { method: 'POST', path: '/Users/1', bulkId: 'x', data: {} }],
    ['PUT to a list', { method: 'PUT', path: '/Users', data: {} }],
    ['another path', { method: 'DELETE', path: '/Bulk/1' }],
    ['a path with a query', { method: 'DELETE', path: '/Users/1?x' }],
    ['no data', { method: 'PATCH', path: '/Users/1' }],
    ['a version that is a number', { method: 'DELETE', path: '/Users/1', version: 1 }],
  ])('SCIM 61 an operation with %s fails alone', (_, operation) => {
    const { results } = run([operation, user('a')]);
    expect(results.map(({ status }) => status)).toEqual(['400', '201']);
  });

  it('SCIM 61 what fails before it is tried has its location too, but for a POST that made nothing', () => {
    const { results } = run([
      { method: 'PUT', path: '/Users/1', data: null },
      { method: 'PATCH', path: '/Groups/2', bulkId: 5, data: {} },
      { method: 'DELETE', path: '/Users/3', version: 1 },
      { method: 'PATCH', path: '/Groups/4', data: { members: [{ value: 'bulkId:none' }] } },
      { method: 'DELETE', path: '/Users/bulkId:none' },
      user('x'),
      { method: 'POST', path: '/Users', bulkId: 'x' },
    ]);
    results.splice(5, 1);
    const locations = ['/User/1', '/Group/2', '/User/3', '/Group/4', undefined, undefined];
    expect(results.map(({ location }) => location)).toEqual(locations);
    expect(results.every(({ status }) => status.startsWith('4'))).toBe(true);
  });

  it('SCIM 61 a bulkId is one operation’s alone', () => {
    expect(statuses(run([user('a'), user('a')]).results)).toEqual(['a 201', 'a 400']);
    const leniencies = leniencyOf('jumpcloud');
    expect(statuses(run([user('a'), user('a')], { leniencies }).results)).toEqual(['a 201', 'a 201']);
    const referred = run([user('a'), user('a'), group('g', 'a')], { leniencies });
    expect(statuses(referred.results)).toEqual(['a 201', 'a 400', 'g 201']);
  });

  it('SCIM 61 paths may begin with the address of the service', () => {
    const paths = ['/Users/1', 'Users/1', '/scim/v2/users/1', 'https://x.org/scim/v2/Users/1', '/Users/1/'];
    const { steps } = run(paths.map((path) => ({ method: 'delete', path, version: 'W/"2"' })));
    expect(steps.map(({ method, id, version }) => [method, id, version])).toEqual(
      paths.map(() => ['DELETE', '1', 'W/"2"']),
    );
  });
});

describe('the order of a bulk request', () => {
  it('SCIM 61 forward references are made first, and resolved in data and path', () => {
    const operations = [
      group('g', 'a', 'b'),
      {
        method: 'PATCH',
        path: '/Groups/bulkId:g',
        data: { Operations: [{ op: 'remove', path: 'members[value eq "bulkId:b"]' }] },
      },
      user('a'),
      { ...user('b'), data: { userName: 'b', x: { $ref: '../Users/bulkId:a', note: 'bulk bulkId:a' } } },
    ];
    const { steps, results } = run(operations);
    expect(order(steps)).toEqual(['POST a', 'POST b', 'POST g', 'PATCH null']);
    expect(steps[1]?.data).toEqual({ userName: 'b', x: { $ref: '../Users/id-a', note: 'bulk bulkId:a' } });
    expect(steps[2]?.data).toEqual({ displayName: 'g', members: [{ value: 'id-a' }, { value: 'id-b' }] });
    expect(steps[3]).toMatchObject({ id: 'id-g', data: { Operations: [{ path: 'members[value eq "id-b"]' }] } });
    expect(results.map(({ method, status }) => `${method} ${status}`)).toEqual([
      'POST 201',
      'PATCH 200',
      'POST 201',
      'POST 201',
    ]);
    expect(toBulkResponse(results).Operations[0]).toEqual({
      method: 'POST',
      bulkId: 'g',
      location: '/x/id-g',
      version: 'W/"1"',
      status: '201',
    });
  });

  it('SCIM 61 managers in a circle are made first, and completed after', () => {
    const { steps, results } = run([user('a', 'b'), user('b', 'c'), user('c', 'a'), user('d', 'd')]);
    expect(order(steps)).toEqual(['POST a', 'POST c', 'POST b', 'PUT a', 'POST d', 'PUT d']);
    expect(steps[0]?.data).toEqual({ userName: 'a', [ENTERPRISE]: {} });
    expect(steps[3]).toMatchObject({ id: 'id-a', data: { [ENTERPRISE]: { manager: { value: 'id-b' } } } });
    expect(statuses(results)).toEqual(['a 201', 'b 201', 'c 201', 'd 201']);
  });

  it('SCIM 61 groups in a circle are 409, and so is what refers to them', () => {
    const { results } = run([user('u'), group('a', 'b', 'u'), group('b', 'a'), group('c', 'a'), group('d', 'u')]);
    expect(statuses(results)).toEqual(['u 201', 'a 409', 'b 409', 'c 409', 'd 201']);
  });

  it('SCIM 61 what people say of their groups makes no circle: it is readOnly', () => {
    const member = { ...user('u'), data: { userName: 'u', groups: [{ value: 'bulkId:g' }] } };
    const { steps, results } = run([member, group('g', 'u')]);
    expect(steps[0]?.data).toEqual({ userName: 'u', groups: [] });
    expect(statuses(results)).toEqual(['u 201', 'g 201']);
  });

  it('SCIM 61 a reference to nothing, or to what failed, is 409', () => {
    const { results } = run([group('g', 'none'), user('a'), group('h', 'a'), user('b', 'a')], { failing: ['a'] });
    expect(statuses(results)).toEqual(['g 409', 'a 409', 'h 409', 'b 409']);
    expect(results[0]?.response).toEqual({
      detail: 'Not resolved: `bulkId:none` names nothing that this request made.',
    });
  });

  it('SCIM 61 of a circle of which one fails, the others are told', () => {
    const { results } = run([user('a', 'b'), user('b', 'a')], { failing: ['b'] });
    expect(statuses(results)).toEqual(['a 409', 'b 409']);
    const first = run([user('a', 'b'), user('b', 'a')], { failing: ['a'] });
    expect(statuses(first.results)).toEqual(['a 409', 'b 409']);
    expect(order(first.steps)).toEqual(['POST a']);
  });

  it('SCIM 61 what changes a resource that is there may be referred to before its turn', () => {
    const change = { method: 'PUT', path: '/Users/7', bulkId: 'a', data: { userName: 'a', m: { value: 'bulkId:b' } } };
    expect(order(run([user('b', 'a'), change]).steps)).toEqual(['POST b', 'PUT a']);
  });

  it('SCIM 61 after failOnErrors errors the rest is not processed, and is absent', () => {
    const operations = [user('a'), { method: 'x' }, user('b'), user('c'), { method: 'y' }];
    expect(run(operations, { failOnErrors: 1 }).results).toHaveLength(2);
    expect(statuses(run(operations, { failOnErrors: 2, failing: ['b'] }).results)).toEqual([
      'a 201',
      'undefined 400',
      'b 409',
    ]);
    expect(run(operations).results).toHaveLength(5);
  });

  it('SCIM 61 who cannot be made is told why, though others wait for them in a circle', () => {
    const { steps, results } = run([user('a', 'b'), user('b', 'a')], { failing: ['a'] });
    expect(order(steps)).toEqual(['POST a']);
    expect(statuses(results)).toEqual(['a 409', 'b 409']);
    expect(results.map(({ response }) => response)).toMatchObject([
      { detail: 'taken' },
      { detail: expect.stringContaining('bulkId:a') },
    ]);
  });

  it('SCIM 61 whoever is changed by a bulkId can be referred to by that change too', () => {
    const change = { method: 'PUT', path: '/Users/bulkId:a', bulkId: 'p', data: { userName: 'a' } };
    const { steps } = run([group('g', 'p'), change, user('a')]);
    expect(order(steps)).toEqual(['POST a', 'PUT p', 'POST g']);
    expect(steps.map(({ id, data }) => [id, data])).toMatchObject([
      [null, { userName: 'a' }],
      ['id-a', { userName: 'a' }],
      [null, { members: [{ value: 'id-a' }] }],
    ]);
  });

  it('a chain of 1,000 references, back to front and in a circle, is ordered within seconds', () => {
    const chain = Array.from({ length: 1_000 }, (_, i) => user(`u${i}`, `u${(i + 1) % 1_000}`));
    const took = processorMsOf(() => {
      const { steps, results } = run(chain);
      expect([steps.length, results.length]).toEqual([1_001, 1_000]);
    });
    expect(took).toBeLessThan(15_000);
  });
});
