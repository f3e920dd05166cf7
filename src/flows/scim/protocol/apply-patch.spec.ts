import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Problem } from '../../../platform/problem.js';
import { applyPatch } from './apply-patch.js';
import { type Leniencies, leniencyOf } from './leniencies.js';
import { OPERATIONS_MAX, PATCH_SCHEMA_URN, readPatch } from './patch-request.js';
import type { ScimResource } from './read-resource.js';
import { userResourceType } from './resource-types.js';

const CORE = 'urn:ietf:params:scim:schemas:core:2.0:User';
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const rfc = leniencyOf('rfc');
const entra = leniencyOf('entra');
const okta = leniencyOf('okta');

type Operation = Record<string, unknown>;

const work = { value: 'ada@work.org', type: 'work', primary: true };
const home = { value: 'ada@home.org', type: 'home' };
const ada: ScimResource = {
  userName: 'ada',
  active: true,
  name: { givenName: 'Ada', familyName: 'Lovelace' },
  emails: [work, home],
  [ENTERPRISE]: { department: 'R&D', manager: { value: '26', $ref: '../Users/26' } },
};

function patch(resource: ScimResource, operations: unknown, leniencies: Leniencies = rfc): ScimResource {
  const body = { schemas: [PATCH_SCHEMA_URN], Operations: operations };
  return applyPatch(resource, readPatch(userResourceType, body, leniencies, 'id1'), leniencies);
}

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof Problem) return error.code;
    throw error;
  }
  return 'none';
}

/** What the operations change of Ada; null where that takes an attribute away. */
type Case = [name: string, operations: Operation[], changed: Record<string, unknown>];

function expectChanged([, operations, changed]: Case, leniencies: Leniencies): void {
  const expected: Record<string, unknown> = { ...ada, ...changed };
  for (const [name, value] of Object.entries(expected)) if (value === null) delete expected[name];
  expect(patch(ada, operations, leniencies)).toEqual(expected);
}

const extension = (parts: Record<string, unknown>) => ({ [ENTERPRISE]: { ...(ada[ENTERPRISE] as object), ...parts } });

describe('PATCH of a user, by the standard', () => {
  it.each<Case>([
    ['SCIM 34 op in any case', [{ OP: 'RePlace', PATH: 'ACTIVE', VALUE: false }], { active: false }],
    ['SCIM 37 attr', [{ op: 'add', path: 'title', value: 'Dr' }], { title: 'Dr' }],
    [
      'SCIM 37 attr.sub',
      [{ op: 'replace', path: 'name.givenName', value: 'A' }],
      { name: { givenName: 'A', familyName: 'Lovelace' } },
    ],
    [
      'SCIM 37 attr[filter].sub',
      [{ op: 'replace', path: 'emails[type eq "home"].value', value: 'x@y' }],
      { emails: [work, { ...home, value: 'x@y' }] },
    ],
    [
      'SCIM 37 attr[filter]',
      [{ op: 'replace', path: 'emails[type eq "home"]', value: { value: 'x@y' } }],
      { emails: [work, { value: 'x@y', type: 'home' }] },
    ],
    [
      'SCIM 37 URN:attr',
      [{ op: 'replace', path: `${ENTERPRISE}:department`, value: 'X' }],
      extension({ department: 'X' }),
    ],
    [
      'SCIM 37 URN:attr.sub',
      [{ op: 'remove', path: `${ENTERPRISE}:manager.$ref` }],
      extension({ manager: { value: '26' } }),
    ],
    [
      'SCIM 37 URN alone',
      [{ op: 'add', path: ENTERPRISE, value: { costCenter: '1', department: null } }],
      { [ENTERPRISE]: { manager: { value: '26', $ref: '../Users/26' }, costCenter: '1' } },
    ],
    ['SCIM 37 core URN:attr', [{ op: 'replace', path: `${CORE}:userName`, value: 'bea' }], { userName: 'bea' }],
    ['SCIM 37 removal of a URN', [{ op: 'remove', path: ENTERPRISE }], { [ENTERPRISE]: null }],
    [
      'SCIM 38 add without path merges',
      [{ op: 'add', value: { title: 'Dr', name: { middleName: 'K' }, [ENTERPRISE]: { division: 'D' } } }],
      {
        title: 'Dr',
        name: { givenName: 'Ada', familyName: 'Lovelace', middleName: 'K' },
        ...extension({ division: 'D' }),
      },
    ],
    [
      'SCIM 39 add to a list appends',
      [{ op: 'add', path: 'emails', value: [{ value: 'x@y', type: 'other' }] }],
      { emails: [work, home, { value: 'x@y', type: 'other' }] },
    ],
    [
      'SCIM 39 add of a lone object appends',
      [{ op: 'add', path: 'emails', value: { value: 'x@y' } }],
      { emails: [work, home, { value: 'x@y' }] },
    ],
    [
      'SCIM 40 replace of a complex value merges',
      [{ op: 'replace', path: 'name', value: { givenName: 'B' } }],
      { name: { givenName: 'B', familyName: 'Lovelace' } },
    ],
    [
      'SCIM 40 a null part goes',
      [{ op: 'replace', path: 'name', value: { givenName: null } }],
      { name: { familyName: 'Lovelace' } },
    ],
    [
      'SCIM 41 removal of the last part unassigns',
      [
        { op: 'remove', path: 'name.givenName' },
        { op: 'remove', path: 'name.familyName' },
      ],
      { name: null },
    ],
    [
      'SCIM 41 removal of what is not there',
      [
        { op: 'remove', path: 'title' },
        { op: 'remove', path: 'photos' },
        { op: 'remove', path: 'photos.value' },
      ],
      {},
    ],
    ['SCIM 42 removal by filter', [{ op: 'remove', path: 'emails[type eq "work"]' }], { emails: [home] }],
    [
      'SCIM 42 removal of a part by filter',
      [{ op: 'remove', path: 'emails[type eq "work"].primary' }],
      { emails: [{ value: 'ada@work.org', type: 'work' }, home] },
    ],
    ['SCIM 42 removal of the last entry', [{ op: 'remove', path: 'emails[value co "@"]' }], { emails: null }],
    [
      'SCIM 43 removal with a value',
      [{ op: 'remove', path: 'emails', value: [{ value: 'ada@home.org' }] }],
      { emails: [work] },
    ],
    ['SCIM 43 removal with no value', [{ op: 'remove', path: 'emails' }], { emails: null }],
    ['SCIM 43 removal with an empty list', [{ op: 'remove', path: 'emails', value: [] }], {}],
    ['SCIM 44 replace of what is missing', [{ op: 'replace', path: 'title', value: 'Dr' }], { title: 'Dr' }],
    ['SCIM 44 replace of a list', [{ op: 'replace', path: 'emails', value: [home] }], { emails: [home] }],
    ['SCIM 44 replace by an empty list', [{ op: 'replace', path: 'emails', value: [] }], { emails: null }],
    ['SCIM 16 replace by null', [{ op: 'replace', path: 'active', value: null }], { active: null }],
    [
      'SCIM 18 a new primary',
      [{ op: 'add', path: 'emails', value: [{ ...home, primary: true }] }],
      {
        emails: [
          { ...work, primary: false },
          { ...home, primary: true },
        ],
      },
    ],
    [
      'SCIM 18 a new primary by filter',
      [{ op: 'replace', path: 'emails[type eq "home"].primary', value: true }],
      {
        emails: [
          { ...work, primary: false },
          { ...home, primary: true },
        ],
      },
    ],
    [
      'SCIM 18 no doubles',
      [{ op: 'replace', path: 'emails[type eq "home"]', value: { ...work, primary: false } }],
      { emails: [{ ...work, primary: false }] },
    ],
    [
      'SCIM 35 in order',
      [
        { op: 'remove', path: 'title' },
        { op: 'add', path: 'title', value: 'a' },
        { op: 'replace', path: 'title', value: 'b' },
      ],
      { title: 'b' },
    ],
    ['SCIM 21 a password is kept nowhere', [{ op: 'replace', path: 'password', value: 'secret1' }], {}],
    [
      'SCIM 28 the same id is no change',
      [{ op: 'replace', value: { id: 'id1', schemas: [CORE], displayName: 'A' } }],
      { displayName: 'A' },
    ],
    [
      'SCIM 25 another manager has another address',
      [{ op: 'replace', path: `${ENTERPRISE}:manager`, value: { value: '27' } }],
      extension({ manager: { value: '27' } }),
    ],
  ])('%s', (...one) => {
    expectChanged(one, rfc);
  });

  it.each<[string, Operation[], string]>([
    ['SCIM 34 an unknown op', [{ op: 'move', path: 'title', value: 'x' }], 'scim_invalid_syntax'],
    ['SCIM 34 no op', [{ path: 'title', value: 'x' }], 'scim_invalid_syntax'],
    ['SCIM 37 a bad path', [{ op: 'replace', path: 'name..x', value: 'x' }], 'scim_invalid_path'],
    ['SCIM 37 an unknown path', [{ op: 'replace', path: 'shoe', value: 'x' }], 'scim_invalid_path'],
    ['SCIM 37 a path that is no text', [{ op: 'replace', path: 5, value: 'x' }], 'scim_invalid_path'],
    ['SCIM 37 a bad filter', [{ op: 'replace', path: 'emails[type eq].value', value: 'x' }], 'scim_invalid_filter'],
    [
      'SCIM 37 a filter on one value',
      [{ op: 'replace', path: 'name[givenName eq "x"]', value: 'x' }],
      'scim_invalid_path',
    ],
    ['SCIM 38 no path and no object', [{ op: 'add', value: 'x' }], 'scim_invalid_value'],
    ['SCIM 38 an unknown name', [{ op: 'add', value: { shoe: 44 } }], 'scim_invalid_syntax'],
    ['SCIM 38 a flat key', [{ op: 'add', value: { 'name.givenName': 'x' } }], 'scim_invalid_syntax'],
    ['no value', [{ op: 'add', path: 'title' }], 'scim_invalid_value'],
    ['SCIM 41 removal without a path', [{ op: 'remove' }], 'scim_no_target'],
    ['SCIM 41 removal of what is required', [{ op: 'remove', path: 'userName' }], 'scim_mutability'],
    ['SCIM 41 what is required becoming empty', [{ op: 'replace', path: 'userName', value: '' }], 'scim_invalid_value'],
    ['SCIM 41 removal of what is readOnly', [{ op: 'remove', path: 'id' }], 'scim_mutability'],
    ['SCIM 28 another id', [{ op: 'replace', path: 'id', value: 'x' }], 'scim_mutability'],
    ['SCIM 28 groups', [{ op: 'add', path: 'groups', value: [{ value: 'x' }] }], 'scim_mutability'],
    ['SCIM 28 meta', [{ op: 'replace', path: 'meta.created', value: 'x' }], 'scim_mutability'],
    [
      'SCIM 42 removal by a filter that meets nothing',
      [{ op: 'remove', path: 'emails[type eq "x"]' }],
      'scim_no_target',
    ],
    [
      'SCIM 45 replacement by a filter that meets nothing',
      [{ op: 'replace', path: 'emails[type eq "x"].value', value: 'x' }],
      'scim_no_target',
    ],
    ['SCIM 17 a text for a boolean', [{ op: 'replace', path: 'active', value: 'False' }], 'scim_invalid_value'],
    [
      'A11 a name that objects are born with',
      [JSON.parse('{"op":"add","value":{"__proto__":{"x":1}}}') as Operation],
      'scim_invalid_syntax',
    ],
  ])('%s is refused', (_, operations, code) => {
    expect(codeOf(() => patch(ada, operations))).toBe(code);
  });

  it('SCIM 35 an operation that fails leaves the resource untouched, and all faults are told', () => {
    const before = structuredClone(ada);
    const operations = [
      { op: 'replace', path: 'title', value: 'x' },
      { op: 'replace', path: 'emails[type eq "none"].value', value: 'x' },
    ];
    expect(codeOf(() => patch(ada, operations))).toBe('scim_no_target');
    expect(ada).toEqual(before);
    const faulty = [{ op: 'replace', path: 'active', value: 5 }, { op: 'x' }, { op: 'add', path: 'shoe', value: 1 }];
    try {
      patch(ada, faulty);
    } catch (error) {
      expect((error as Problem).options.faults?.map(({ pointer }) => pointer)).toEqual([
        '/Operations/0/value',
        '/Operations/1/op',
        '/Operations/2',
      ]);
    }
  });

  it.each<[string, unknown]>([
    ['no list', { schemas: [PATCH_SCHEMA_URN] }],
    ['an empty list', { schemas: [PATCH_SCHEMA_URN], Operations: [] }],
    ['another schema', { schemas: [CORE], Operations: [{ op: 'remove', path: 'title' }] }],
    ['no schema', { Operations: [{ op: 'remove', path: 'title' }] }],
    ['no object', []],
  ])('SCIM 34 a body with %s is refused', (_, body) => {
    expect(codeOf(() => readPatch(userResourceType, body, rfc, 'id1'))).toBe('scim_invalid_syntax');
  });
});

describe('PATCH of a user, by real clients', () => {
  it.each<Case & { 3?: Leniencies }>([
    ['pain 1: string booleans', [{ op: 'Replace', path: 'active', value: 'False' }], { active: false }],
    [
      'pain 1: string booleans of entries',
      [{ op: 'Add', path: 'roles', value: [{ value: 'x', primary: 'True' }] }],
      { roles: [{ value: 'x', primary: true }] },
    ],
    [
      'pain 3: create by a filter',
      [{ op: 'Add', path: 'phoneNumbers[type eq "mobile"].value', value: '1' }],
      { phoneNumbers: [{ type: 'mobile', value: '1' }] },
    ],
    [
      'pain 3: replace by a filter',
      [{ op: 'Replace', path: 'emails[type eq "other"].value', value: 'x@y' }],
      { emails: [work, home, { type: 'other', value: 'x@y' }] },
    ],
    [
      'SCIM 45 several terms',
      [{ op: 'Add', path: 'addresses[type eq "work" and primary eq "True"].country', value: 'AT' }],
      { addresses: [{ type: 'work', primary: true, country: 'AT' }] },
    ],
    ['SCIM 42 removal that meets nothing', [{ op: 'Remove', path: 'emails[type eq "x"].value' }], {}],
    [
      'pain 16: flat keys',
      [
        {
          op: 'Replace',
          value: {
            displayName: 'A',
            'name.givenName': 'B',
            [`${ENTERPRISE}:department`]: 'X',
            [`${ENTERPRISE}.division`]: 'Y',
            'emails[type eq "work"].value': 'x@y',
          },
        },
      ],
      {
        displayName: 'A',
        name: { givenName: 'B', familyName: 'Lovelace' },
        ...extension({ department: 'X', division: 'Y' }),
        emails: [{ ...work, value: 'x@y' }, home],
      },
    ],
    [
      'SCIM 25 a bare manager',
      [{ op: 'Add', path: `${ENTERPRISE}:manager`, value: '27' }],
      extension({ manager: { value: '27' } }),
    ],
    [
      'SCIM 25 a manager in a list',
      [{ op: 'Replace', path: `${ENTERPRISE}:manager`, value: [{ $ref: null, value: '27' }] }],
      extension({ manager: { value: '27' } }),
    ],
    [
      'SCIM 25 an empty manager',
      [{ op: 'Replace', path: `${ENTERPRISE}:manager`, value: '' }],
      { [ENTERPRISE]: { department: 'R&D' } },
    ],
    [
      'SCIM 46 a list of one',
      [
        { op: 'Replace', path: 'title', value: ['Dr'] },
        { op: 'Replace', path: 'active', value: ['False'] },
      ],
      { title: 'Dr', active: false },
    ],
    [
      'pain 16: unknown attributes do not hold up the others',
      [
        { op: 'Replace', path: 'urn:x:y:shoe', value: 44 },
        { op: 'Replace', value: { shoe: 44, title: 'Dr' } },
      ],
      { title: 'Dr' },
    ],
    [
      'numbers',
      [{ op: 'Add', path: `${ENTERPRISE}:employeeNumber`, value: 701984 }],
      extension({ employeeNumber: '701984' }),
    ],
    [
      'Okta: id and schemas among the values',
      [{ op: 'replace', value: { id: 'other', schemas: [], active: false } }],
      { active: false },
    ],
  ])('%s', (...one) => {
    expectChanged(one as Case, entra);
    expectChanged(one as Case, okta);
  });

  it('SCIM 45 a filter that is no list of equalities creates nothing', () => {
    const path = 'phoneNumbers[type eq "mobile" or type eq "work"].value';
    expect(codeOf(() => patch(ada, [{ op: 'add', path, value: '1' }], entra))).toBe('scim_no_target');
  });

  it('SCIM 37 a bad path is refused under every preset', () => {
    expect(codeOf(() => patch(ada, [{ op: 'add', path: 'emails[', value: '1' }], entra))).toBe('scim_invalid_filter');
    expect(codeOf(() => patch(ada, [{ op: 'add', path: 'a b', value: '1' }], entra))).toBe('scim_invalid_path');
  });

  it('a PATCH of 10,000 operations is done within seconds, one of more is refused', () => {
    const operations = Array.from({ length: OPERATIONS_MAX }, (_, i) => ({
      op: 'add',
      path: 'roles',
      value: [{ value: `r${i % 900}` }],
    }));
    const began = performance.now();
    expect(patch(ada, operations).roles).toHaveLength(900);
    expect(performance.now() - began).toBeLessThan(4_000);
    expect(codeOf(() => patch(ada, [...operations, operations[0]]))).toBe('payload_too_large');
  });

  it('10,000 operations with filters over long lists are done within seconds, or refused', () => {
    const roles = Array.from({ length: 900 }, (_, i) => ({ value: `r${i}` }));
    const long = patch(ada, [{ op: 'add', path: 'roles', value: roles }]);
    const replace = (count: number) =>
      Array.from({ length: count }, (_, i) => ({
        op: 'replace',
        path: `roles[value eq "r${i % 900}"].type`,
        value: `t${i}`,
      }));
    const began = performance.now();
    expect(codeOf(() => patch(long, replace(OPERATIONS_MAX)))).toBe('payload_too_large');
    expect(codeOf(() => patch(long, replace(450)))).toBe('none');
    expect(performance.now() - began).toBeLessThan(4_000);
  });

  it('a list of more than 1,000 entries is refused, however it came together', () => {
    const operations = Array.from({ length: 1_001 }, (_, i) => ({
      op: 'add',
      path: 'roles',
      value: [{ value: `${i}` }],
    }));
    expect(codeOf(() => patch(ada, operations))).toBe('payload_too_large');
  });
});

const type = fc.constantFrom('work', 'home', 'other');
const email = fc.record(
  { value: fc.constantFrom('a@x', 'b@x', 'c@x'), type, primary: fc.boolean(), display: fc.constantFrom('A', 'B') },
  { requiredKeys: ['value'] },
);
const op = fc.constantFrom('add', 'replace');
const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ op, path: fc.constant('emails'), value: fc.array(email, { maxLength: 3 }) }),
  fc.record({ op, path: type.map((one) => `emails[type eq "${one}"].value`), value: fc.constantFrom('a@x', 'd@x') }),
  fc.record({ op, path: type.map((one) => `emails[type eq "${one}"]`), value: email }),
  fc.record({ op, path: type.map((one) => `emails[type eq "${one}"].primary`), value: fc.boolean() }),
  fc.record({ op: fc.constant('remove'), path: type.map((one) => `emails[type eq "${one}"]`) }),
  fc.record({ op: fc.constant('remove'), path: fc.constant('emails'), value: fc.array(email, { maxLength: 2 }) }),
  fc.record({
    op,
    path: fc.constantFrom('title', 'name.givenName', `${ENTERPRISE}:manager`),
    value: fc.constantFrom('a', '', 'b'),
  }),
  fc.record({ op: fc.constant('remove'), path: fc.constantFrom('title', 'name', `${ENTERPRISE}:manager.value`) }),
);

describe('PATCH, as a property', () => {
  it('SCIM 35 several operations in one request do what they do one by one', () => {
    fc.assert(
      fc.property(fc.array(operation, { minLength: 1, maxLength: 8 }), (operations) => {
        const together = patch(ada, operations, entra);
        expect(operations.reduce<ScimResource>((resource, one) => patch(resource, [one], entra), ada)).toEqual(
          together,
        );
      }),
    );
  });

  it('SCIM 18 at most one entry is primary, and no two have the same value and type', () => {
    fc.assert(
      fc.property(fc.array(operation, { minLength: 1, maxLength: 8 }), (operations) => {
        const emails = (patch(ada, operations, entra).emails ?? []) as {
          value?: string;
          type?: string;
          primary?: boolean;
        }[];
        expect(emails.filter(({ primary }) => primary === true).length).toBeLessThan(2);
        const names = emails.filter(({ value }) => value !== undefined).map((one) => `${one.type} ${one.value}`);
        expect(new Set(names).size).toBe(names.length);
      }),
    );
  });

  it('SCIM 13, SCIM 39 to do again what an operation did changes nothing, and answers the same object', () => {
    const repeatable = operation.filter(({ op: name, path }) => name === 'add' || !String(path).includes('['));
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 4 }), repeatable, (operations, last) => {
        const start = operations.length === 0 ? ada : patch(ada, operations, entra);
        const once = patch(start, [last], entra);
        expect(patch(once, [last], entra)).toBe(once);
      }),
    );
  });
});
