import { describe, expect, it } from '@jest/globals';
import { processorMsOf } from '../../../../test/support/processor-time.js';
import fc from 'fast-check';
import { codeOf, type Operation } from '../../../../test/support/scim-patch.js';
import { type GroupChanges, readGroup, readGroupPatch } from './group-changes.js';
import { GROUP_SCHEMA_URN } from './group-schema.js';
import { type Leniencies, leniencyOf } from './leniencies.js';
import { matchElement } from './match-filter.js';
import { OPERATIONS_MAX, PATCH_SCHEMA_URN } from './patch-request.js';

const rfc = leniencyOf('rfc');
const entra = leniencyOf('entra');
const okta = leniencyOf('okta');

function changesOf(operations: Operation[], leniencies: Leniencies = rfc): GroupChanges {
  return readGroupPatch({ schemas: [PATCH_SCHEMA_URN], Operations: operations }, leniencies, 'g1');
}

/** Ids alone, for what the tests are about. */
function idsOf({ add, members, removeWhere, expected, ...rest }: GroupChanges): Record<string, unknown> {
  const ids: Record<string, unknown> = { ...rest };
  if (expected.length > 0) ids.expected = expected.map((each) => each.id);
  if (rest.remove.length === 0) delete ids.remove;
  if (add.length > 0) ids.add = add.map(({ value }) => value);
  if (members) ids.members = members.map(({ value }) => value);
  if (removeWhere.length > 0) ids.removeWhere = removeWhere.length;
  return ids;
}

describe('PATCH of a group', () => {
  it.each<[string, Operation[], Record<string, unknown>]>([
    ['SCIM 47 adds', [{ op: 'add', path: 'members', value: [{ value: 'a' }, { value: 'b' }] }], { add: ['a', 'b'] }],
    ['SCIM 38 adds without a path', [{ op: 'add', value: { members: [{ value: 'a' }] } }], { add: ['a'] }],
    ['SCIM 42 removes by value', [{ op: 'remove', path: 'members[value eq "a"]' }], { remove: ['a'] }],
    [
      'SCIM 42 removes by values',
      [{ op: 'remove', path: 'members[value eq "a" or value eq "b"]' }],
      { remove: ['a', 'b'] },
    ],
    ['SCIM 42 removes by another filter', [{ op: 'remove', path: 'members[value sw "a"]' }], { removeWhere: 1 }],
    ['SCIM 43 removes a list', [{ op: 'Remove', path: 'members', value: [{ value: 'a' }] }], { remove: ['a'] }],
    ['SCIM 43 removes nobody of an empty list', [{ op: 'remove', path: 'members', value: [] }], {}],
    ['SCIM 43 removes all', [{ op: 'remove', path: 'members' }], { members: [] }],
    ['SCIM 44 replaces', [{ op: 'replace', path: 'members', value: [{ value: 'a' }] }], { members: ['a'] }],
    ['SCIM 44 replaces by nobody', [{ op: 'replace', path: 'members', value: [] }], { members: [] }],
    [
      'pain 5: a rename leaves the members alone',
      [{ op: 'replace', value: { id: 'g1', displayName: 'B' } }],
      { displayName: 'B' },
    ],
    ['externalId', [{ op: 'add', path: 'externalId', value: 'x' }], { externalId: 'x' }],
    ['externalId removed', [{ op: 'remove', path: 'externalId' }], { externalId: null }],
    [
      'Microsoft: adds and removes the same',
      [
        { op: 'add', path: 'members', value: [{ value: 'a' }] },
        { op: 'remove', path: 'members[value eq "a"]' },
      ],
      { remove: ['a'] },
    ],
    [
      'removes and adds the same',
      [
        { op: 'remove', path: 'members[value eq "a"]' },
        { op: 'add', path: 'members', value: [{ value: 'a' }] },
      ],
      { add: ['a'] },
    ],
    [
      'replaces, then adds and removes',
      [
        { op: 'replace', path: 'members', value: [{ value: 'a' }, { value: 'b' }] },
        { op: 'add', path: 'members', value: [{ value: 'c' }] },
        { op: 'remove', path: 'members[value eq "a"]' },
      ],
      { members: ['b', 'c'], remove: undefined },
    ],
    ['says again who a member is', [{ op: 'replace', path: 'members[value eq "a"].value', value: 'a' }], {}],
    [
      'replaces one',
      [{ op: 'replace', path: 'members[value eq "a"]', value: { value: 'b' } }],
      { remove: ['a'], add: ['b'], expected: ['a'] },
    ],
    [
      'replaces one who was added before',
      [
        { op: 'add', path: 'members', value: [{ value: 'a' }] },
        { op: 'replace', path: 'members[value eq "a"]', value: { value: 'b' } },
      ],
      { remove: ['a'], add: ['b'] },
    ],
  ])('%s', (_, operations, expected) => {
    const wanted = Object.fromEntries(Object.entries(expected).filter(([, value]) => value !== undefined));
    expect(idsOf(changesOf(operations))).toEqual(wanted);
  });

  it.each<[string, Operation]>([
    ['a bare id', { op: 'Add', path: 'members', value: 'a' }],
    ['bare ids', { op: 'Add', path: 'members', value: ['a'] }],
    ['$ref null', { op: 'Add', path: 'members', value: [{ $ref: null, value: 'a' }] }],
    ['a lone object', { op: 'Add', path: 'members', value: { value: 'a', type: 'User' } }],
    ['its full name', { op: 'Add', path: `${GROUP_SCHEMA_URN}:members`, value: [{ Value: 'a' }] }],
  ])('SCIM 46 a member may come as %s', (_, operation) => {
    for (const leniencies of [entra, okta]) expect(idsOf(changesOf([operation], leniencies))).toEqual({ add: ['a'] });
  });

  it('SCIM 46 a member may be called something, where that is kept', () => {
    const operation = { op: 'add', path: 'members', value: [{ displayName: 'new User', value: 'a' }] };
    expect(changesOf([operation], entra).add).toEqual([{ value: 'a', display: 'new User' }]);
    expect(changesOf([operation], okta).add).toEqual([{ value: 'a', display: null }]);
  });

  it('SCIM 40 members of which nothing is understood change nothing', () => {
    const value = [{ display: 'Ada' }];
    for (const op of ['add', 'replace', 'remove'])
      expect(idsOf(changesOf([{ op, path: 'members', value }]))).toEqual({});
    const operation = { op: 'replace', path: 'members[value eq "a"]', value: { display: 'Ada' } };
    expect(idsOf(changesOf([operation]))).toEqual({ expected: ['a'] });
    expect(idsOf(changesOf([{ op: 'replace', value: { members: [{ foo: 1 }] } }], okta))).toEqual({});
  });

  it.each<[string, Operation, string]>([
    ['a nested group', { op: 'add', path: 'members', value: [{ value: 'g', type: 'Group' }] }, 'scim_invalid_value'],
    ['a member without a value', { op: 'add', path: 'members', value: [{ type: 'User' }] }, 'scim_invalid_value'],
    ['an id with NUL in it', { op: 'add', path: 'members', value: [{ value: 'a\0' }] }, 'scim_invalid_value'],
    ['a bare id under rfc', { op: 'add', path: 'members', value: ['a'] }, 'scim_invalid_value'],
    ['a removed name', { op: 'remove', path: 'displayName' }, 'scim_mutability'],
    ['an empty name', { op: 'replace', path: 'displayName', value: '' }, 'scim_invalid_value'],
    [
      'another value of a member',
      { op: 'replace', path: 'members[value eq "a"].value', value: 'b' },
      'scim_mutability',
    ],
    ['the value of every member', { op: 'remove', path: 'members.value' }, 'scim_mutability'],
    [
      'the display of a member',
      { op: 'replace', path: 'members[value eq "a"].display', value: 'b' },
      'scim_mutability',
    ],
    ['another id', { op: 'replace', value: { id: 'g2' } }, 'scim_mutability'],
  ])('%s is refused', (_, operation, code) => {
    expect(codeOf(() => changesOf([operation]))).toBe(code);
  });

  it('SCIM 45 who is not there any more cannot be replaced, but where that is forgiven', () => {
    const replace = { op: 'replace', path: 'members[value eq "a"]', value: { value: 'b' } };
    for (const value of [[], [{ value: 'c' }]]) {
      const operations = [{ op: 'replace', path: 'members', value }, replace];
      expect(codeOf(() => changesOf(operations))).toBe('scim_no_target');
      expect(codeOf(() => changesOf(operations, entra))).toBe('none');
    }
    expect(codeOf(() => changesOf([{ op: 'remove', path: 'members[value eq "a"]' }, replace]))).toBe('scim_no_target');
    expect(idsOf(changesOf([replace], entra))).toEqual({ remove: ['a'], add: ['b'] });
    for (const leniencies of [leniencyOf('rfc'), entra]) {
      expect(codeOf(() => changesOf([{ ...replace, op: 'add' }], leniencies))).toBe('scim_no_target');
    }
  });

  it('SCIM 43 where a removal without a value is known to come by mistake, it is refused', () => {
    const operation = { op: 'remove', path: 'members' };
    expect(codeOf(() => changesOf([operation], leniencyOf('entra-legacy')))).toBe('scim_no_target');
  });

  it('10,000 operations, and one operation with 50,000 members, are read within seconds', () => {
    const operations = Array.from({ length: OPERATIONS_MAX }, (_, i) => ({
      op: 'add',
      path: 'members',
      value: [{ value: `u${i}` }],
    }));
    const value = Array.from({ length: 50_000 }, (_, i) => ({ value: `u${i}` }));
    const took = processorMsOf(() => {
      expect(changesOf(operations).add).toHaveLength(OPERATIONS_MAX);
      expect(changesOf([{ op: 'add', path: 'members', value }]).add).toHaveLength(50_000);
    });
    expect(took).toBeLessThan(15_000);
  });
});

describe('PATCH of a group by filters', () => {
  const value = Array.from({ length: 100_000 }, (_, i) => ({ value: `u${i}`, display: `d${i}` }));
  const removals = (count: number, textOf: (i: number) => string): Operation[] =>
    Array.from({ length: count }, (_, i) => ({ op: 'remove', path: `members[display sw "${textOf(i)}"]` }));

  it('10,000 times the same one over 100,000 members is one', () => {
    const operations = [{ op: 'add', path: 'members', value }, ...removals(OPERATIONS_MAX - 1, () => 'd1')];
    const { add, removeWhere, remove } = changesOf(operations, entra);
    expect([add.length, removeWhere.length, remove.length]).toEqual([100_000 - 11_111, 1, 11_111]);
  });

  it('many of them over many members are refused', () => {
    const add = { op: 'add', path: 'members', value: value.slice(0, 5_000) };
    expect(codeOf(() => changesOf([add, ...removals(399, String)], entra))).toBe('none');
    expect(codeOf(() => changesOf([add, ...removals(401, String)], entra))).toBe('payload_too_large');
  });

  it('one that was asked before is asked again of who came since', () => {
    const add = { op: 'add', path: 'members', value: [{ value: 'a', display: 'd1' }] };
    const [remove] = removals(1, () => 'd');
    expect(idsOf(changesOf([add, remove, remove, add, remove] as Operation[], entra))).toEqual({
      remove: ['a'],
      removeWhere: 1,
    });
    expect(idsOf(changesOf([remove, add] as Operation[], entra))).toEqual({ add: ['a'], removeWhere: 1 });
  });
});

describe('POST and PUT of a group', () => {
  const schemas = [GROUP_SCHEMA_URN];

  it('SCIM 32 what is left out is cleared', () => {
    expect(readGroup({ schemas, displayName: 'A' }, rfc)).toEqual({ displayName: 'A', externalId: null, members: [] });
  });

  it('SCIM 26 members are named once', () => {
    const body = {
      schemas,
      displayName: 'A',
      externalId: 'x',
      Members: [{ value: 'a' }, { value: 'a' }, { value: 'b' }],
    };
    expect(readGroup(body, rfc)).toEqual({
      displayName: 'A',
      externalId: 'x',
      members: [
        { value: 'a', display: null },
        { value: 'b', display: null },
      ],
    });
  });

  it.each<[string, Record<string, unknown>]>([
    ['wrapped in its URN', { schemas, [GROUP_SCHEMA_URN]: { displayName: 'A', members: [{ value: 'a' }] } }],
    ['of flat keys', { [`${GROUP_SCHEMA_URN}:displayName`]: 'A', [`${GROUP_SCHEMA_URN}:members`]: [{ value: 'a' }] }],
    ['with members as bare ids', { displayName: 'A', [GROUP_SCHEMA_URN.toLowerCase()]: { Members: ['a'] } }],
  ])('pain 16: a body %s keeps its members', (_, body) => {
    for (const leniencies of [entra, okta]) {
      expect(readGroup(body, leniencies).members).toEqual([{ value: 'a', display: null }]);
    }
    expect(codeOf(() => readGroup({ schemas, ...body }, rfc))).toBe('scim_invalid_syntax');
  });

  it('more than a thousand members are read', () => {
    const members = Array.from({ length: 5_000 }, (_, i) => ({ value: `u${i}` }));
    expect(readGroup({ schemas, displayName: 'A', members }, rfc).members).toHaveLength(5_000);
  });

  it('SCIM 26 groups do not nest, and a member has a value', () => {
    const refuse = (members: unknown) => codeOf(() => readGroup({ schemas, displayName: 'A', members }, rfc));
    expect(refuse([{ value: 'g', type: 'group' }])).toBe('scim_invalid_value');
    expect(refuse([{ display: 'x' }, { type: 'User' }])).toBe('scim_invalid_value');
    expect(codeOf(() => readGroup({ schemas, members: [] }, rfc))).toBe('scim_invalid_value');
    expect(codeOf(() => readGroup({ schemas, displayName: 'A', members: [], Members: [] }, rfc))).toBe(
      'scim_invalid_syntax',
    );
    expect(codeOf(() => readGroup('x', rfc))).toBe('scim_invalid_syntax');
  });
});

const ids = ['a', 'b', 'ab', 'ba'];
const id = fc.constantFrom(...ids);
const list = fc.array(
  id.map((value) => ({ value })),
  { maxLength: 3 },
);
const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ op: fc.constantFrom('add', 'replace', 'remove'), path: fc.constant('members'), value: list }),
  fc.constant({ op: 'remove', path: 'members' }),
  id.map((value) => ({ op: 'remove', path: `members[value eq "${value}"]` })),
  id.map((value) => ({ op: 'remove', path: `members[value sw "${value}"]` })),
);

/** What a server makes of the members by the changes. */
function carryOut(members: ReadonlySet<string>, changes: GroupChanges): Set<string> {
  const after = new Set(changes.members ? [] : members);
  for (const value of after) {
    if (changes.removeWhere.some((filter) => matchElement(filter, { value, type: 'User' }))) after.delete(value);
  }
  for (const value of changes.remove) after.delete(value);
  for (const { value } of changes.members ?? changes.add) after.add(value);
  return after;
}

describe('PATCH of a group, as a property', () => {
  it('SCIM 35 the net change of many operations is what they do one by one, and doing it again changes nothing', () => {
    fc.assert(
      fc.property(fc.uniqueArray(id), fc.array(operation, { minLength: 1, maxLength: 6 }), (start, operations) => {
        let members: ReadonlySet<string> = new Set(start);
        for (const one of operations) members = carryOut(members, changesOf([one]));
        const net = changesOf(operations);
        const together = carryOut(new Set(start), net);
        expect([...together].sort()).toEqual([...members].sort());
        expect(carryOut(together, net)).toEqual(together);
      }),
    );
  });
});
