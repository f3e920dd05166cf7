import { describe, expect, it } from '@jest/globals';
import {
  ada,
  changesOfAda,
  codeOf,
  extensionWith,
  homeMail,
  type Operation,
  patchUser,
  workMail,
} from '../../../../test/support/scim-patch.js';
import { processorMsOf } from '../../../../test/support/processor-time.js';
import { ENTERPRISE_SCHEMA_URN } from './enterprise-schema.js';
import { leniencyOf } from './leniencies.js';
import { OPERATIONS_MAX } from './patch-request.js';

/** Well under a second each, where nothing is wrong; unbounded they take minutes. */
const PROCESSOR_MS_MAX = 15_000;
const entra = leniencyOf('entra');
const okta = leniencyOf('okta');

describe('PATCH of a user, by real clients', () => {
  it.each<[name: string, operations: Operation[], changes: Record<string, unknown>]>([
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
      { emails: [workMail, homeMail, { type: 'other', value: 'x@y' }] },
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
            [`${ENTERPRISE_SCHEMA_URN}:department`]: 'X',
            [`${ENTERPRISE_SCHEMA_URN}.division`]: 'Y',
            'emails[type eq "work"].value': 'x@y',
          },
        },
      ],
      {
        displayName: 'A',
        name: { givenName: 'B', familyName: 'Lovelace' },
        ...extensionWith({ department: 'X', division: 'Y' }),
        emails: [{ ...workMail, value: 'x@y' }, homeMail],
      },
    ],
    [
      'SCIM 46 a text as a list of one value, as old applications send it',
      [
        { op: 'Replace', path: 'displayName', value: [{ $ref: null, value: 'A' }] },
        { op: 'Add', value: { active: [{ value: 'False' }], title: { $ref: null, value: null } } },
      ],
      { displayName: 'A', active: false },
    ],
    [
      'SCIM 25 a bare manager',
      [{ op: 'Add', path: `${ENTERPRISE_SCHEMA_URN}:manager`, value: '27' }],
      extensionWith({ manager: { value: '27' } }),
    ],
    [
      'SCIM 25 a manager in a list',
      [{ op: 'Replace', path: `${ENTERPRISE_SCHEMA_URN}:manager`, value: [{ $ref: null, value: '27' }] }],
      extensionWith({ manager: { value: '27' } }),
    ],
    [
      'SCIM 25 an empty manager',
      [{ op: 'Replace', path: `${ENTERPRISE_SCHEMA_URN}:manager`, value: '' }],
      { [ENTERPRISE_SCHEMA_URN]: { department: 'R&D' } },
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
        { op: 'Replace', path: 'emails[type eq "work"].shoe', value: 44 },
        { op: 'Replace', path: 'shoes[type eq "work"].size', value: 44 },
        { op: 'Replace', value: { shoe: 44, title: 'Dr' } },
      ],
      { title: 'Dr' },
    ],
    [
      'SCIM 40 values of unknown or readOnly parts alone',
      [
        { op: 'replace', value: { name: { initials: 'X' } } },
        { op: 'add', path: 'emails[type eq "work"]', value: { foo: 1 } },
        { op: 'replace', path: 'emails[type eq "work"]', value: { foo: 1 } },
        { op: 'add', path: 'emails[type eq "other"]', value: { foo: 1 } },
        { op: 'replace', path: 'emails', value: [{ foo: 1 }] },
        { op: 'replace', path: 'emails', value: { foo: 1 } },
        { op: 'replace', path: `${ENTERPRISE_SCHEMA_URN}:manager`, value: { displayName: 'Bob' } },
      ],
      {},
    ],
    [
      'SCIM 16 empty texts',
      [
        { op: 'replace', path: 'emails', value: [{ value: '' }] },
        { op: 'replace', path: 'name', value: { givenName: '' } },
      ],
      { emails: null, name: { familyName: 'Lovelace' } },
    ],
    [
      'numbers',
      [{ op: 'Add', path: `${ENTERPRISE_SCHEMA_URN}:employeeNumber`, value: 701984 }],
      extensionWith({ employeeNumber: '701984' }),
    ],
    [
      'Okta: id and schemas among the values',
      [{ op: 'replace', value: { id: 'other', schemas: [], active: false } }],
      { active: false },
    ],
  ])('%s', (_, operations, changes) => {
    for (const leniencies of [entra, okta]) expect(changesOfAda(operations, leniencies)).toEqual(changes);
  });

  it('SCIM 45 a filter that is no list of equalities creates nothing', () => {
    const path = 'phoneNumbers[type eq "mobile" or type eq "work"].value';
    expect(codeOf(() => patchUser(ada, [{ op: 'add', path, value: '1' }], entra))).toBe('scim_no_target');
  });

  it('SCIM 37 a bad path is refused under every preset', () => {
    expect(codeOf(() => patchUser(ada, [{ op: 'add', path: 'emails[', value: '1' }], entra))).toBe(
      'scim_invalid_filter',
    );
    expect(codeOf(() => patchUser(ada, [{ op: 'add', path: 'a b', value: '1' }], entra))).toBe('scim_invalid_path');
  });

  it('a PATCH of 10,000 operations is done within seconds, one of more is refused', () => {
    const operations = Array.from({ length: OPERATIONS_MAX }, (_, i) => ({
      op: 'add',
      path: 'roles',
      value: [{ value: `r${i % 900}` }],
    }));
    let patched = ada;
    expect(processorMsOf(() => (patched = patchUser(ada, operations)))).toBeLessThan(PROCESSOR_MS_MAX);
    expect(patched.roles).toHaveLength(900);
    expect(codeOf(() => patchUser(ada, [...operations, operations[0]]))).toBe('payload_too_large');
  });

  it('10,000 operations with filters over long lists are done within seconds, or refused', () => {
    const roles = Array.from({ length: 900 }, (_, i) => ({ value: `r${i}` }));
    const long = patchUser(ada, [{ op: 'add', path: 'roles', value: roles }]);
    const replace = (count: number) =>
      Array.from({ length: count }, (_, i) => ({
        op: 'replace',
        path: `roles[value eq "r${i % 900}"].type`,
        value: `t${i}`,
      }));
    const took = processorMsOf(() => {
      expect(codeOf(() => patchUser(long, replace(OPERATIONS_MAX)))).toBe('payload_too_large');
      expect(codeOf(() => patchUser(long, replace(250)))).toBe('none');
    });
    expect(took).toBeLessThan(PROCESSOR_MS_MAX);
  });

  const addresses = Array.from({ length: 1_000 }, (_, i) => ({ locality: `a${i}` }));
  const roles = Array.from({ length: 1_000 }, (_, i) => ({ value: `r${i}` }));
  const terms = Array.from({ length: 300 }, (_, i) => `region eq "x${i}"`).join(' or ');

  it.each<[string, number, (i: number) => Operation]>([
    [
      'changes of entries without a value',
      500,
      (i) => ({ op: 'replace', path: 'addresses.region', value: `x${i % 2}` }),
    ],
    ['long texts', 500, (i) => ({ op: 'replace', path: 'addresses.region', value: `${i}`.padEnd(10_000, 'x') })],
    ['long filters', 500, () => ({ op: 'remove', path: `addresses[${terms}]` })],
    ['removals of what is named', 100, () => ({ op: 'remove', path: 'addresses', value: addresses.slice(500) })],
    [
      'removals by value',
      30,
      () => ({ op: 'remove', path: 'roles', value: roles.map(({ value }) => ({ value, type: 'x' })) }),
    ],
    [
      'additions without a value',
      OPERATIONS_MAX,
      () => ({ op: 'add', path: 'addresses', value: [{ locality: 'a1' }] }),
    ],
    [
      'additions to two lists by turns',
      OPERATIONS_MAX,
      (i) => ({ op: 'add', path: i % 2 === 0 ? 'addresses' : 'roles', value: [{ type: 'x', display: 'y' }] }),
    ],
  ])('many %s over long lists are done within a second, or refused', (_, count, operation) => {
    const long = patchUser(ada, [{ op: 'add', value: { addresses, roles } }]);
    const operations = Array.from({ length: count }, (_each, i) => operation(i));
    const took = processorMsOf(() => {
      expect(['none', 'payload_too_large']).toContain(codeOf(() => patchUser(long, operations, entra)));
    });
    expect(took).toBeLessThan(PROCESSOR_MS_MAX);
  });

  it('SCIM 18 of entries that are all said to be primary, the one that was stays', () => {
    const home = patchUser(ada, [{ op: 'replace', path: 'emails[type eq "home"].primary', value: true }]);
    const all = { op: 'replace', path: 'emails.primary', value: true };
    expect(patchUser(home, [all])).toBe(home);
    expect(patchUser(patchUser(home, [{ ...all, value: false }]), [all]).emails).toMatchObject([
      { type: 'work', primary: true },
      { type: 'home', primary: false },
    ]);
  });

  it('SCIM 18 of two entries that become the same one stays, primary if either was', () => {
    const home = patchUser(ada, [{ op: 'replace', path: 'emails[type eq "home"].primary', value: true }]);
    const value = { value: 'ada@home.org' };
    expect(
      patchUser(home, [{ op: 'replace', path: 'emails', value: [{ ...value, type: 'work' }, value] }]).emails,
    ).toEqual([{ ...value, type: 'work' }, value]);
    const twins = [
      { op: 'add', path: 'emails[type eq "work"]', value },
      { op: 'replace', path: 'emails.type', value: 'x' },
    ];
    expect(patchUser(home, twins).emails).toEqual([{ ...value, type: 'x', primary: true }]);
  });

  it('SCIM 39 an entry without a value is there already, whether or not it is said to be primary', () => {
    const home = { locality: 'Vienna', type: 'home' };
    const there = patchUser(ada, [{ op: 'add', path: 'addresses', value: [home] }]);
    const again = patchUser(there, [{ op: 'add', path: 'addresses', value: [{ ...home, primary: true }] }]);
    expect(again.addresses).toEqual([{ ...home, primary: true }]);
  });

  it('a user who becomes larger than what is kept of one person is refused', () => {
    const grow = (n: number) => ({ op: 'add', path: 'roles', value: [{ value: `${n}`.padEnd(9_000, 'x') }] });
    expect(codeOf(() => patchUser(ada, [1, 2, 3, 4, 5].map(grow)))).toBe('none');
    expect(codeOf(() => patchUser(ada, [1, 2, 3, 4, 5, 6].map(grow)))).toBe('payload_too_large');
  });

  it('a list of more than 1,000 entries is refused, however it came together', () => {
    const operations = Array.from({ length: 1_001 }, (_, i) => ({
      op: 'add',
      path: 'roles',
      value: [{ value: `${i}` }],
    }));
    expect(codeOf(() => patchUser(ada, operations))).toBe('payload_too_large');
  });
});
