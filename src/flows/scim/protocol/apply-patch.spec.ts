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
import { Problem } from '../../../platform/problem.js';
import { ENTERPRISE_SCHEMA_URN } from './enterprise-schema.js';
import { leniencyOf } from './leniencies.js';
import { PATCH_SCHEMA_URN, readPatch } from './patch-request.js';
import { userResourceType } from './resource-types.js';
import { USER_SCHEMA_URN } from './user-schema.js';

describe('PATCH of a user, by the standard', () => {
  it.each<[name: string, operations: Operation[], changes: Record<string, unknown>]>([
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
      { emails: [workMail, { ...homeMail, value: 'x@y' }] },
    ],
    [
      'SCIM 37 attr[filter]',
      [{ op: 'replace', path: 'emails[type eq "home"]', value: { value: 'x@y' } }],
      { emails: [workMail, { value: 'x@y', type: 'home' }] },
    ],
    [
      'SCIM 37 URN:attr',
      [{ op: 'replace', path: `${ENTERPRISE_SCHEMA_URN}:department`, value: 'X' }],
      extensionWith({ department: 'X' }),
    ],
    [
      'SCIM 37 URN:attr.sub',
      [{ op: 'remove', path: `${ENTERPRISE_SCHEMA_URN}:manager.$ref` }],
      extensionWith({ manager: { value: '26' } }),
    ],
    [
      'SCIM 37 URN alone',
      [{ op: 'add', path: ENTERPRISE_SCHEMA_URN, value: { costCenter: '1', department: null } }],
      { [ENTERPRISE_SCHEMA_URN]: { manager: { value: '26', $ref: '../Users/26' }, costCenter: '1' } },
    ],
    [
      'SCIM 37 core URN:attr',
      [{ op: 'replace', path: `${USER_SCHEMA_URN}:userName`, value: 'bea' }],
      { userName: 'bea' },
    ],
    ['SCIM 37 removal of a URN', [{ op: 'remove', path: ENTERPRISE_SCHEMA_URN }], { [ENTERPRISE_SCHEMA_URN]: null }],
    [
      'SCIM 38 add without path merges',
      [{ op: 'add', value: { title: 'Dr', name: { middleName: 'K' }, [ENTERPRISE_SCHEMA_URN]: { division: 'D' } } }],
      {
        title: 'Dr',
        name: { givenName: 'Ada', familyName: 'Lovelace', middleName: 'K' },
        ...extensionWith({ division: 'D' }),
      },
    ],
    [
      'SCIM 39 add to a list appends',
      [{ op: 'add', path: 'emails', value: [{ value: 'x@y', type: 'other' }] }],
      { emails: [workMail, homeMail, { value: 'x@y', type: 'other' }] },
    ],
    [
      'SCIM 39 add of a lone object appends',
      [{ op: 'add', path: 'emails', value: { value: 'x@y' } }],
      { emails: [workMail, homeMail, { value: 'x@y' }] },
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
      'SCIM 40 a value that says nothing',
      [
        { op: 'add', path: 'name', value: {} },
        { op: 'replace', path: 'name', value: {} },
        { op: 'replace', value: { name: {} } },
        { op: 'add', path: 'emails', value: [{}] },
        { op: 'replace', path: 'emails', value: [{}] },
        { op: 'replace', path: 'emails[type eq "work"]', value: {} },
        { op: 'replace', path: `${ENTERPRISE_SCHEMA_URN}:manager`, value: { displayName: 'Bob' } },
        { op: 'add', path: ENTERPRISE_SCHEMA_URN, value: { manager: { displayName: 'Bob' } } },
      ],
      {},
    ],
    ['SCIM 40 null beside it', [{ op: 'replace', path: 'name', value: null }], { name: null }],
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
    ['SCIM 42 removal by filter', [{ op: 'remove', path: 'emails[type eq "work"]' }], { emails: [homeMail] }],
    [
      'SCIM 42 removal of a part by filter',
      [{ op: 'remove', path: 'emails[type eq "work"].primary' }],
      { emails: [{ value: 'ada@work.org', type: 'work' }, homeMail] },
    ],
    ['SCIM 42 removal of the last entry', [{ op: 'remove', path: 'emails[value co "@"]' }], { emails: null }],
    [
      'SCIM 43 removal with a value',
      [{ op: 'remove', path: 'emails', value: [{ value: 'ada@home.org' }] }],
      { emails: [workMail] },
    ],
    ['SCIM 43 removal with no value', [{ op: 'remove', path: 'emails' }], { emails: null }],
    ['SCIM 43 removal with an empty list', [{ op: 'remove', path: 'emails', value: [] }], {}],
    ['SCIM 44 replace of what is missing', [{ op: 'replace', path: 'title', value: 'Dr' }], { title: 'Dr' }],
    ['SCIM 44 replace of a list', [{ op: 'replace', path: 'emails', value: [homeMail] }], { emails: [homeMail] }],
    ['SCIM 44 replace by an empty list', [{ op: 'replace', path: 'emails', value: [] }], { emails: null }],
    ['SCIM 16 replace by null', [{ op: 'replace', path: 'active', value: null }], { active: null }],
    [
      'SCIM 18 a new primary',
      [{ op: 'add', path: 'emails', value: [{ ...homeMail, primary: true }] }],
      {
        emails: [
          { ...workMail, primary: false },
          { ...homeMail, primary: true },
        ],
      },
    ],
    [
      'SCIM 18 a new primary by filter',
      [{ op: 'replace', path: 'emails[type eq "home"].primary', value: true }],
      {
        emails: [
          { ...workMail, primary: false },
          { ...homeMail, primary: true },
        ],
      },
    ],
    [
      'SCIM 18 no doubles',
      [{ op: 'replace', path: 'emails[type eq "home"]', value: { ...workMail, primary: false } }],
      { emails: [workMail] },
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
      [{ op: 'replace', value: { id: 'id1', schemas: [USER_SCHEMA_URN], displayName: 'A' } }],
      { displayName: 'A' },
    ],
    [
      'SCIM 14 schemas follow from what is there',
      [
        { op: 'add', path: 'schemas', value: [ENTERPRISE_SCHEMA_URN] },
        { op: 'remove', path: 'schemas', value: [ENTERPRISE_SCHEMA_URN] },
      ],
      {},
    ],
    [
      'SCIM 39 an address in another case is the same',
      [
        { op: 'add', path: 'emails', value: [{ value: 'Ada@HOME.org', type: 'home' }] },
        { op: 'add', path: 'emails', value: [{ value: 'ADA@work.org', type: 'other' }] },
        { op: 'remove', path: 'emails', value: [{ value: 'ada@WORK.org', type: 'work' }] },
      ],
      {
        emails: [
          { value: 'Ada@HOME.org', type: 'home' },
          { value: 'ADA@work.org', type: 'other' },
        ],
      },
    ],
    [
      'SCIM 39 a certificate in another case is another',
      [{ op: 'add', path: 'x509Certificates', value: [{ value: 'QUJD' }, { value: 'qujd' }] }],
      { x509Certificates: [{ value: 'QUJD' }, { value: 'qujd' }] },
    ],
    [
      'SCIM 25 another manager has another address',
      [{ op: 'replace', path: `${ENTERPRISE_SCHEMA_URN}:manager`, value: { value: '27' } }],
      extensionWith({ manager: { value: '27' } }),
    ],
  ])('%s', (_, operations, changes) => {
    expect(changesOfAda(operations)).toEqual(changes);
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
    ['SCIM 41 removal of the schemas', [{ op: 'remove', path: 'schemas' }], 'scim_mutability'],
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
    expect(codeOf(() => patchUser(ada, operations))).toBe(code);
  });

  it('SCIM 35 an operation that fails leaves the resource untouched, and all faults are told', () => {
    const before = structuredClone(ada);
    const operations = [
      { op: 'replace', path: 'title', value: 'x' },
      { op: 'replace', path: 'emails[type eq "none"].value', value: 'x' },
    ];
    expect(codeOf(() => patchUser(ada, operations))).toBe('scim_no_target');
    expect(ada).toEqual(before);
    const faulty = [{ op: 'replace', path: 'active', value: 5 }, { op: 'x' }, { op: 'add', path: 'shoe', value: 1 }];
    try {
      patchUser(ada, faulty);
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
    ['another schema', { schemas: [USER_SCHEMA_URN], Operations: [{ op: 'remove', path: 'title' }] }],
    ['no schema', { Operations: [{ op: 'remove', path: 'title' }] }],
    ['no object', []],
  ])('SCIM 34 a body with %s is refused', (_, body) => {
    expect(codeOf(() => readPatch(userResourceType, body, leniencyOf('rfc'), 'id1'))).toBe('scim_invalid_syntax');
  });
});
