import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { processorMsOf } from '../../../test/support/processor-time.js';
import { maskBody } from './mask-body.js';
import type { ScimKind } from './shown-attributes.js';

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

function mask(body: unknown, kind: ScimKind = 'User', charactersMax = 8000): unknown {
  return maskBody(body, { kind, isAnswer: false, charactersMax, masked: new Set() });
}

describe('a masked body', () => {
  it('says of a user what was sent, and not what it was', () => {
    const body = {
      schemas: [USER, ENTERPRISE],
      externalId: '00u1x2',
      userName: 'ada@example.com',
      active: true,
      displayName: 'Ada Lovelace',
      password: 'correct horse',
      name: { givenName: 'Ada', familyName: 'Lovelace', honorificPrefix: '' },
      emails: [{ value: 'ada@home.example', type: 'work', primary: 'True' }],
      roles: [{ value: 'editor', primary: true }],
      [ENTERPRISE]: { employeeNumber: '4711-0815', manager: { value: '0193-boss' } },
      [`${ENTERPRISE}:department`]: 'Analysis',
      'name.middleName': 'Augusta',
      photos: null,
      age: 36,
    };
    expect(mask(body)).toEqual({
      schemas: [USER, ENTERPRISE],
      externalId: '00u1x2',
      userName: 'a…@example.com (15 characters)',
      active: true,
      displayName: 'A… (12 characters)',
      password: '(hidden)',
      name: { givenName: '… (3 characters)', familyName: 'L… (8 characters)', honorificPrefix: '' },
      emails: [{ value: 'a…@home.example (16 characters)', type: 'work', primary: 'True' }],
      roles: [{ value: 'editor', primary: true }],
      [ENTERPRISE]: { employeeNumber: '4… (9 characters)', manager: { value: '0193-boss' } },
      [`${ENTERPRISE}:department`]: 'A… (8 characters)',
      'name.middleName': 'A… (7 characters)',
      photos: null,
      age: '(number)',
    });
  });

  it('says of a group its name and the ids of its members', () => {
    const body = { displayName: 'Finance', externalId: 'g-1', members: [{ value: 'u-1', display: 'Ada Lovelace' }] };
    expect(mask(body, 'Group')).toEqual({
      displayName: 'Finance',
      externalId: 'g-1',
      members: [{ value: 'u-1', display: 'A… (12 characters)' }],
    });
  });

  it.each([
    [
      { op: 'Replace', path: 'active', value: 'False' },
      { op: 'Replace', path: 'active', value: 'False' },
    ],
    [
      { op: 'replace', path: 'name.familyName', value: 'Lovelace' },
      { op: 'replace', path: 'name.familyName', value: 'L… (8 characters)' },
    ],
    [
      { op: 'replace', path: 'emails[type eq "work"].value', value: 'ada@example.com' },
      { op: 'replace', path: 'emails[type eq "work"].value', value: 'a…@example.com (15 characters)' },
    ],
    [
      { op: 'remove', path: 'emails[value eq "ada@example.com"]' },
      { op: 'remove', path: 'emails[value eq "a…@example.com (15 characters)"]' },
    ],
    [
      { op: 'remove', path: 'members[value eq "0193-ada"]' },
      { op: 'remove', path: 'members[value eq "0193-ada"]' },
    ],
    [
      { op: 'add', path: 'members', value: [{ value: '0193-ada' }] },
      { op: 'add', path: 'members', value: [{ value: '0193-ada' }] },
    ],
    [
      { op: 'add', value: { 'name.givenName': 'Augusta', password: 'x1' } },
      { op: 'add', value: { 'name.givenName': 'A… (7 characters)', password: '(hidden)' } },
    ],
    [
      { op: 'replace', path: 'password', value: 'x1' },
      { op: 'replace', path: 'password', value: '(hidden)' },
    ],
  ])('reads the operation of a PATCH by its path: %j', (operation, expected) => {
    expect(mask({ Operations: [operation] })).toEqual({ Operations: [expected] });
  });

  it('reads each operation of a Bulk by the resource that it is about', () => {
    const body = {
      failOnErrors: 1,
      Operations: [
        { method: 'POST', path: '/Groups', bulkId: 'b1', data: { displayName: 'Finance' } },
        { method: 'POST', path: '/Users', bulkId: 'b2', data: { displayName: 'Ada Lovelace' } },
      ],
    };
    expect(mask(body, null)).toEqual({
      failOnErrors: 1,
      Operations: [
        { method: 'POST', path: '/Groups', bulkId: 'b1', data: { displayName: 'Finance' } },
        { method: 'POST', path: '/Users', bulkId: 'b2', data: { displayName: 'A… (12 characters)' } },
      ],
    });
  });

  it('hides our own keys and tokens wherever somebody put them', () => {
    const key = 'rc_Ab12Cd34_0123456789012345678901234567890123456789012abcdef';
    expect(mask({ externalId: key, id: 'eyJhbGciOiJFUzI1NiJ9.eyJ4Ijox.sig', [key]: 1 })).toEqual({
      externalId: '(hidden)',
      id: '(hidden)',
      '(hidden)': '(number)',
    });
  });

  it('is cut, and stays JSON, however long the body is', () => {
    const members = Array.from({ length: 50_000 }, (_, index) => ({ value: `user-${index}` }));
    const masked = mask({ displayName: 'All', members }, 'Group', 8000) as { members: unknown[] };
    expect(JSON.stringify(masked).length).toBeLessThan(20_000);
    expect(masked.members.at(-1)).toMatch(/^\(and \d+ more\)$/);
  });

  it.each([
    ['a text of beginnings of tokens', { title: 'eyJ-'.repeat(2 ** 18) }],
    ['beginnings of tokens as an identifier', { id: 'eyJ-'.repeat(2 ** 18) }],
    ['a long path of a PATCH', { Operations: [{ op: 'remove', path: 'a[b eq "long" and '.repeat(2 ** 16) }] }],
    ['brackets for a path', { Operations: [{ op: 'remove', path: '('.repeat(2 ** 20) }] }],
    ['slashes for a path of a Bulk', { Operations: [{ method: 'PUT', path: '/'.repeat(2 ** 20) }] }],
    ['a long filter', { filter: '((a[b eq "long" and '.repeat(2 ** 16) }],
  ])('%s is masked at once and cut, though it is a mebibyte', (_, body) => {
    const took = processorMsOf(() => expect(JSON.stringify(mask(body)).length).toBeLessThan(20_000));
    expect(took).toBeLessThan(15_000);
  });

  it('hides a password under a name of whatever length', () => {
    const name = `${'a.'.repeat(2 ** 18)}password`;
    expect(JSON.stringify(mask({ [name]: 'x1' }))).toContain('(hidden)');
    expect(JSON.stringify(mask({ Operations: [{ op: 'add', value: { [name]: 'x1' } }] }))).toContain('(hidden)');
  });

  it.each(['eyJhbGciOiJFUzI1NiJ9.x', 'x-eyJhbGciOiJFUzI1NiJ9.x', 'a eyJ-eyJhbGciOiJFUzI1NiJ9.', '.eyJ_________-.'])(
    'hides a token behind whatever it stands: %s',
    (text) => {
      expect(mask({ id: text })).toEqual({ id: '(hidden)' });
    },
  );

  it.each(['eyJhbGciOiJFUzI1NiJ9', 'eyJabc.def', 'beyJhbGciOiJFUzI1NiJ9.x'])('shows what is no token: %s', (text) => {
    expect(mask({ id: text })).toEqual({ id: text });
  });

  it('tells of an answer why it refuses, without the value that it quotes', () => {
    const masked = new Set<string>();
    maskBody({ displayName: 'Ada Lovelace' }, { kind: 'User', isAnswer: false, charactersMax: 8000, masked });
    const answer = { status: '400', scimType: 'invalidValue', detail: '"Ada Lovelace" is not a name.' };
    expect(maskBody(answer, { kind: 'User', isAnswer: true, charactersMax: 8000, masked })).toEqual({
      status: '400',
      scimType: 'invalidValue',
      detail: '"A… (12 characters)" is not a name.',
    });
  });
});

/** Values that nothing but themselves contains. */
const personal = fc.uuid().map((id) => `Zoë ${id.slice(0, 18)}`);
const attribute = fc.constantFrom(
  'displayName',
  'nickName',
  'title',
  'password',
  'clientSecret',
  'locale',
  'name.givenName',
  `${ENTERPRISE}:department`,
  'customThing',
  'x y"z',
);
const values = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    personal,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(attribute, tie('value'), { maxKeys: 4 }),
    fc.record({ value: personal, formatted: personal, display: personal }),
  ),
})).value;
const bodies = fc.oneof(
  values,
  fc.record({ schemas: fc.constant([USER]), displayName: personal, emails: fc.array(fc.record({ value: personal })) }),
  fc.record({
    Operations: fc.array(
      fc.record(
        {
          op: fc.constantFrom('add', 'Replace', 'remove'),
          path: fc.oneof(
            attribute,
            personal,
            personal.map((value) => `emails[value eq "${value}"].display`),
            personal.map((value) => `displayName eq ${value}`),
          ),
          value: values,
        },
        { requiredKeys: ['op'] },
      ),
      { maxLength: 4 },
    ),
  }),
  fc.record({
    Operations: fc.array(fc.record({ method: fc.constant('POST'), path: personal, data: values }), { maxLength: 3 }),
  }),
);

it('no value of a personal attribute survives the mask, wherever it stands', () => {
  fc.assert(
    fc.property(bodies, fc.constantFrom<ScimKind>('User', null), (body, kind) => {
      const shown = JSON.stringify(mask(body, kind)) ?? '';
      const sent = JSON.stringify(body) ?? '';
      for (const [value] of sent.matchAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}/g)) expect(shown).not.toContain(value);
    }),
  );
});
