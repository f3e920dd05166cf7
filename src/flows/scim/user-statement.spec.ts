import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Ceilings } from '../../plan/ceilings.js';
import { type AbsencePolicy, type Facts, mergeStatement, NO_FACTS } from '../../plan/facts.js';
import type { FieldName, Json } from '../../plan/statement.js';
import { ENTERPRISE_SCHEMA_URN } from './protocol/enterprise-schema.js';
import type { ScimResource } from './protocol/read-resource.js';
import { toUserFields } from './user-statement.js';

const ceilings: Ceilings = {
  roles: new Map([
    ['editor', { privileged: false }],
    ['viewer', { privileged: false }],
    ['owner', { privileged: true }],
  ]),
  allowedRoles: new Set(['editor', 'owner']),
  allowedEntitlements: ['report:*'],
  allowPrivileged: false,
};

const fieldsOf = (resource: ScimResource, before: ScimResource | null = null) =>
  toUserFields(resource, before, ceilings);

const absence: AbsencePolicy = {
  whenAbsent: () => 'keep',
  whenOverage: () => 'keep',
  absenceOf: { push: [], token: [] },
};

function merge(facts: Facts, fields: Record<FieldName, Json>, now: number): Facts {
  const said = { connectionId: 'c', voice: 'push' as const, at: 0, newest: true, externalId: null, subject: null };
  const statement = { ...said, fields, overage: [], complete: false };
  return mergeStatement(facts, statement, absence, now).facts;
}

describe('what a SCIM user states', () => {
  it('the profile, and the attributes that rules read', () => {
    const user: ScimResource = {
      userName: 'Ada@Acme.org',
      externalId: 'x1',
      name: { formatted: 'Ada Lovelace', givenName: 'Ada', familyName: 'Lovelace' },
      title: 'Countess',
      emails: [
        { value: 'home@x.org', type: 'home' },
        { value: 'ada@x.org', type: 'Work' },
      ],
      phoneNumbers: [
        { value: '1', type: 'mobile' },
        { value: '2', primary: true },
      ],
      addresses: [
        { type: 'home', country: 'GB' },
        { type: 'work', country: 'AT', locality: 'Wien' },
      ],
      [ENTERPRISE_SCHEMA_URN]: { department: 'R&D', manager: { value: '26' } },
    };
    expect(fieldsOf(user)).toEqual({
      userName: 'Ada@Acme.org',
      displayName: 'Ada Lovelace',
      givenName: 'Ada',
      familyName: 'Lovelace',
      email: 'ada@x.org',
      emailVerified: null,
      'attributes.title': 'Countess',
      'attributes.department': 'R&D',
      'attributes.manager': '26',
      'attributes.emails': ['home@x.org', 'ada@x.org'],
      'attributes.phoneNumbers': ['1', '2'],
      'attributes.phoneNumber': '2',
      'attributes.mobilePhone': '1',
      'attributes.country': 'AT',
      'attributes.locality': 'Wien',
    });
  });

  it.each<[string, Json, string | undefined]>([
    ['the primary one', [{ value: 'a@x' }, { value: 'b@x', primary: true }], 'b@x'],
    [
      'else that of type work',
      [
        { value: 'a@x', type: 'home' },
        { value: 'b@x', type: 'work' },
      ],
      'b@x',
    ],
    ['else the first', [{ value: 'a@x' }, { value: 'b@x' }], 'a@x'],
    ['never one that is no address', [{ value: 'emailName357', primary: true }, { value: 'b@x' }], 'b@x'],
    ['nothing, where there is none', [{ type: 'work' }], undefined],
  ])('the e-mail address is %s', (_, emails, email) => {
    expect(fieldsOf({ userName: 'a', emails }).email).toBe(email);
  });

  it('a name of several lines is kept in the resource and is no name to show', () => {
    expect(fieldsOf({ userName: 'a', name: { formatted: 'Ada\nLovelace' } }).displayName).toBeUndefined();
  });

  it('SCIM 24 only roles and entitlements that the connection may grant become such', () => {
    const user: ScimResource = {
      userName: 'a',
      roles: [
        { value: 'editor' },
        { value: 'viewer' },
        { value: 'owner' },
        { value: 'Team lead' },
        { value: '{"id":"1","value":"editor"}', type: 'WindowsAzureActiveDirectoryRole' },
        { value: '{broken' },
      ],
      entitlements: [{ value: 'report:1' }, { value: 'seat' }, { value: 'report: ' }],
    };
    const fields = fieldsOf(user);
    expect([fields.roles, fields.entitlements]).toEqual([['editor'], ['report:1']]);
    expect(fields['attributes.scimRoles']).toEqual(['editor', 'viewer', 'owner', 'Team lead', '{broken']);
    expect(fieldsOf({ userName: 'a' }, user)).toMatchObject({ roles: null, entitlements: null });
  });

  it('what was stated before and is gone is stated to be empty', () => {
    const before: ScimResource = { userName: 'a', title: 'x', displayName: 'A', emails: [{ value: 'a@x' }] };
    expect(fieldsOf({ userName: 'b', active: false }, before)).toEqual({
      userName: 'b',
      active: false,
      displayName: null,
      email: null,
      emailVerified: null,
      'attributes.title': null,
      'attributes.emails': null,
    });
  });
});

const text = fc.constantFrom('a', 'b', '');
const resource: fc.Arbitrary<ScimResource> = fc.record(
  {
    userName: fc.constantFrom('a', 'b'),
    displayName: text,
    title: text,
    active: fc.boolean(),
    name: fc.record({ givenName: text, formatted: text }, { requiredKeys: [] }),
    emails: fc.array(fc.record({ value: fc.constantFrom('a@x', 'b@x', 'c'), primary: fc.boolean() })),
    roles: fc.array(fc.record({ value: fc.constantFrom('editor', 'viewer', 'x') })),
    [ENTERPRISE_SCHEMA_URN]: fc.record({ department: text, manager: fc.record({ value: text }) }, { requiredKeys: [] }),
  },
  { requiredKeys: ['userName'] },
) as fc.Arbitrary<ScimResource>;

describe('what a SCIM user states, as a property', () => {
  it('SCIM 13 the same resource again states the same, and moves no fact', () => {
    fc.assert(
      fc.property(resource, fc.option(resource), (after, before) => {
        const start = before ? merge(NO_FACTS, fieldsOf(before), 1) : NO_FACTS;
        const facts = merge(start, fieldsOf(after, before), 2);
        expect(fieldsOf(after, after)).toMatchObject(fieldsOf(after));
        expect(merge(facts, fieldsOf(after, after), 3)).toBe(facts);
      }),
    );
  });

  it('SCIM 32 after any change the facts are those of the resource alone', () => {
    fc.assert(
      fc.property(fc.array(resource, { minLength: 1, maxLength: 4 }), (resources) => {
        let facts = NO_FACTS;
        resources.forEach((one, i) => {
          facts = merge(facts, fieldsOf(one, resources[i - 1] ?? null), i + 1);
        });
        const last = fieldsOf(resources.at(-1) as ScimResource);
        // What takes it away switches nobody on or off.
        const active = resources.findLast((one) => one.active !== undefined)?.active;
        if (active !== undefined) last.active = active;
        const known = Object.entries(facts.push?.values ?? {}).filter(([, value]) => value !== null);
        const stated = Object.entries(last).filter(([, value]) => value !== null);
        expect(Object.fromEntries(known)).toEqual(Object.fromEntries(stated));
      }),
    );
  });
});
