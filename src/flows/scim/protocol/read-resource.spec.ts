import { describe, expect, it } from '@jest/globals';
import { Problem } from '../../../platform/problem.js';
import { type Leniencies, leniencyOf } from './leniencies.js';
import { listSchemas, readResource, type ScimResource } from './read-resource.js';
import { groupResourceType, userResourceType } from './resource-types.js';

const CORE = 'urn:ietf:params:scim:schemas:core:2.0:User';
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const rfc = leniencyOf('rfc');
const entra = leniencyOf('entra');

function readUser(body: Record<string, unknown>, leniencies: Leniencies = rfc): ScimResource {
  return readResource(userResourceType, { schemas: [CORE], userName: 'ada', ...body }, leniencies);
}

function refusal(work: () => unknown): { code: string; pointers: string[]; details: string[] } {
  try {
    work();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const faults = error.options.faults ?? [];
    return { code: error.code, pointers: faults.map((one) => one.pointer), details: faults.map((one) => one.detail) };
  }
  throw new Error('was not refused');
}

describe('reading a resource', () => {
  it('SCIM 15 names come out in canonical case whatever case they came in', () => {
    const read = readUser({
      DisplayName: 'Ada',
      Name: { GIVENNAME: 'Ada' },
      emails: [{ Primary: true, Value: 'ada@x.org', TYPE: 'work' }],
      [ENTERPRISE.toUpperCase()]: { Department: 'R&D', Manager: { Value: '26' } },
    });
    expect(read).toEqual({
      userName: 'ada',
      displayName: 'Ada',
      name: { givenName: 'Ada' },
      emails: [{ primary: true, value: 'ada@x.org', type: 'work' }],
      [ENTERPRISE]: { department: 'R&D', manager: { value: '26' } },
    });
    expect(listSchemas(userResourceType, read)).toEqual([CORE, ENTERPRISE]);
  });

  it('SCIM 14 schemas may come in any order and case, doubled, and name an extension that is not there', () => {
    const schemas = [ENTERPRISE, CORE.toUpperCase(), CORE];
    const read = readUser({ schemas });
    expect(listSchemas(userResourceType, read)).toEqual([CORE]);
  });

  it('SCIM 16 null, the empty list and objects of nothing are unassigned', () => {
    const read = readUser({
      title: null,
      emails: [],
      roles: [null],
      name: { givenName: null },
      [ENTERPRISE]: { department: null },
      'urn:ietf:params:scim:schemas:extension:enterprise:2.0:user': null,
    });
    expect(read).toEqual({ userName: 'ada' });
  });

  it('SCIM 29 what is readOnly is ignored, a client id too, and SCIM 21 a password is dropped', () => {
    const read = readUser({ id: 'mine', meta: { version: 'x' }, groups: [{ value: '1' }], password: 'secret1' });
    expect(read).toEqual({ userName: 'ada' });
    expect(refusal(() => readUser({ password: 5 })).pointers).toEqual(['/password']);
  });

  it('SCIM 31 every fault is named at once, with its place', () => {
    expect(
      refusal(() => readUser({ active: 'yes', title: 5, emails: { value: 'x' }, name: ['Ada'], profileUrl: 'a b' })),
    ).toEqual({
      code: 'scim_invalid_value',
      pointers: ['/active', '/title', '/emails', '/name', '/profileUrl'],
      details: ['must be true or false', 'must be a text', 'must be a list', 'must be a single value', 'must be a URI'],
    });
  });

  it.each<[string, unknown, string, string[]]>([
    ['a list', [], 'scim_invalid_syntax', ['']],
    ['no schemas', { userName: 'a' }, 'scim_invalid_syntax', ['/schemas']],
    ['no schema', { userName: 'a', schemas: [] }, 'scim_invalid_syntax', ['/schemas']],
    [
      'the schema of a group',
      { userName: 'a', schemas: [CORE.replace('User', 'Group')] },
      'scim_invalid_syntax',
      ['/schemas/0', '/schemas'],
    ],
    ['no userName', { schemas: [CORE] }, 'scim_invalid_value', ['/userName']],
    ['an empty userName', { schemas: [CORE], userName: '' }, 'scim_invalid_value', ['/userName']],
    ['an unknown attribute', { schemas: [CORE], userName: 'a', shoe: 44 }, 'scim_invalid_syntax', ['/shoe']],
    ['an unknown part', { schemas: [CORE], userName: 'a', name: { shoe: 44 } }, 'scim_invalid_syntax', ['/name/shoe']],
    [
      'an unknown extension',
      { schemas: [CORE], userName: 'a', 'urn:x:1/2': {} },
      'scim_invalid_syntax',
      ['/urn:x:1~12'],
    ],
    ['a name twice', { schemas: [CORE], userName: 'a', username: 'b' }, 'scim_invalid_syntax', ['/username']],
    [
      'a flat key',
      { schemas: [CORE], userName: 'a', 'name.givenName': 'b' },
      'scim_invalid_syntax',
      ['/name.givenName'],
    ],
    [
      'two primaries',
      {
        schemas: [CORE],
        userName: 'a',
        emails: [
          { value: 'a', primary: true },
          { value: 'b', primary: true },
        ],
      },
      'scim_invalid_value',
      ['/emails'],
    ],
    [
      'a certificate of no base64',
      { schemas: [CORE], userName: 'a', x509Certificates: [{ value: '%%' }] },
      'scim_invalid_value',
      ['/x509Certificates/0/value'],
    ],
    [
      'a text of 10,001 characters',
      { schemas: [CORE], userName: 'a', title: 'x'.repeat(10_001) },
      'scim_invalid_value',
      ['/title'],
    ],
    ['NUL', { schemas: [CORE], userName: 'a', title: 'x\0' }, 'scim_invalid_value', ['/title']],
    ['half a surrogate pair', { schemas: [CORE], userName: 'a', title: '\ud800' }, 'scim_invalid_value', ['/title']],
    ['a user name with a space behind it', { schemas: [CORE], userName: 'a ' }, 'scim_invalid_value', ['/userName']],
    [
      'an externalId of 256 characters',
      { schemas: [CORE], userName: 'a', externalId: 'x'.repeat(256) },
      'scim_invalid_value',
      ['/externalId'],
    ],
  ])('SCIM 31 %s is refused under rfc', (_, body, code, pointers) => {
    const refused = refusal(() => readResource(userResourceType, body, rfc));
    expect([refused.code, refused.pointers]).toEqual([code, pointers]);
  });

  it('A11 names that objects are born with are refused, even where unknown attributes are ignored', () => {
    const body = JSON.parse('{"__proto__": {"active": false}, "name": {"constructor": 1}}') as Record<string, unknown>;
    const whole = Object.assign(Object.create(null) as Record<string, unknown>, { userName: 'a' });
    for (const name of Object.keys(body)) Object.defineProperty(whole, name, { value: body[name], enumerable: true });
    expect(refusal(() => readResource(userResourceType, whole, entra)).pointers).toEqual([
      '/__proto__',
      '/name/constructor',
    ]);
  });

  it('a resource larger than 48 KiB is refused', () => {
    const addresses = Array.from({ length: 20 }, (_, i) => ({ type: `t${i}`, formatted: 'ü'.repeat(2_000) }));
    expect(refusal(() => readUser({ addresses })).code).toBe('payload_too_large');
  });

  it('SCIM 18 of two entries with one value and type, one stays', () => {
    const emails = [
      { value: 'a@x', type: 'work' },
      { value: 'a@x', type: 'home' },
      { value: 'a@x', type: 'Work', primary: true },
    ];
    expect(readUser({ emails }).emails).toEqual([
      { value: 'a@x', type: 'Work', primary: true },
      { value: 'a@x', type: 'home' },
    ]);
  });

  it('SCIM 17, SCIM 25, SCIM 38 under entra the dialects mean what the standard form means', () => {
    const standard = readUser({
      schemas: [CORE, ENTERPRISE],
      active: false,
      name: { givenName: 'Ada', familyName: 'L' },
      roles: [{ value: 'editor', primary: true }],
      [ENTERPRISE]: { department: 'R&D', employeeNumber: '7', manager: { value: '26' } },
    });
    const dialects: Record<string, unknown>[] = [
      {
        active: 'False',
        name: { givenName: 'Ada' },
        'name.familyName': 'L',
        roles: { value: 'editor', primary: 'True' },
        [`${ENTERPRISE}:department`]: 'R&D',
        [`${ENTERPRISE}.manager`]: '26',
        [ENTERPRISE]: { employeeNumber: 7 },
        title: '',
        shoe: 44,
      },
      {
        schemas: ['urn:scim:schemas:core:1.0', 'urn:unheard:of'],
        active: ['false'],
        name: [{ givenName: 'Ada', familyName: 'L' }],
        roles: [{ value: 'editor', primary: 'true' }],
        'urn:scim:schemas:extension:enterprise:1.0': {
          department: 'R&D',
          employeeNumber: '7',
          manager: [{ value: '26' }],
        },
      },
      {
        schemas: null,
        [CORE]: { active: false, 'name.givenName': 'Ada', 'name.familyName': 'L', roles: 'editor' },
        [`${ENTERPRISE}:manager.value`]: '26',
        [ENTERPRISE]: { department: 'R&D', employeeNumber: '7', manager: '' },
      },
    ];
    const [first, second] = dialects.map((body) => readUser(body, entra));
    expect(first).toEqual(standard);
    expect(second).toEqual(standard);
    expect(readUser(dialects[2] ?? {}, entra)[ENTERPRISE]).toEqual(standard[ENTERPRISE]);
  });

  it('SCIM 26 a group needs a displayName', () => {
    const schemas = ['urn:ietf:params:scim:schemas:core:2.0:Group'];
    expect(refusal(() => readResource(groupResourceType, { schemas }, rfc)).pointers).toEqual(['/displayName']);
  });
});
