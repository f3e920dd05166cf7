import { describe, expect, it } from '@jest/globals';
import { ROLES } from '../../test/support/plan-world.js';
import { compileMapping } from './mapping.js';
import type { CompiledMappingResult, MappingJson, MappingSurroundings } from './mapping-shape.js';

const AROUND: MappingSurroundings = {
  subject: 'claims.sub',
  match: [],
  roles: ROLES,
  allowedRoles: new Set(['viewer', 'editor', 'owner']),
  allowedEntitlements: ['report:*'],
  allowPrivileged: false,
};
const compile = (json: MappingJson, around: Partial<MappingSurroundings> = {}): CompiledMappingResult =>
  compileMapping(json, { ...AROUND, ...around });
const rule = (more: object): MappingJson => ({
  roles: [{ id: 'r', when: 'claims.x == 1', grant: ['viewer'], ...more }] as never,
});

describe('a mapping that is saved', () => {
  it('compiles, and knows the claims that it reads', () => {
    const { compiled, faults, warnings } = compile({
      email: 'claims.email',
      attributes: { team: 'claims.org.team' },
      groups: 'claims.memberOf',
      roles: [{ id: 'own', from: 'claims.app_roles', map: { 'app.admin': 'editor' } }],
    });
    expect({ faults, warnings }).toEqual({ faults: [], warnings: [] });
    expect([...(compiled?.claimsRead ?? [])].sort()).toEqual([
      'app_roles',
      'email',
      'email_verified',
      'memberOf',
      'org',
    ]);
  });

  it.each<[string, MappingJson, string]>([
    ['an expression that does not compile', { email: 'claims.' }, '/mapping/email'],
    ['an unknown field', { mail: 'claims.email' } as never, '/mapping/mail'],
    ['a rule without a grant', rule({ grant: [] }), '/mapping/roles/0'],
    ['an unknown member of a rule', rule({ grants: [] }), '/mapping/roles/0/grants'],
    ['the reserved id', rule({ id: 'direct' }), '/mapping/roles/0/id'],
    ['an unknown role', rule({ grant: ['viewer', 'boss'] }), '/mapping/roles/0/grant/1'],
    ['a role outside the allow-list', rule({ grant: ['billing'] }), '/mapping/roles/0/grant/0'],
    ['a privileged role', rule({ grant: ['owner'] }), '/mapping/roles/0/grant/0'],
    ['an entitlement outside the allow-list', rule({ entitlements: ['invoice:1'] }), '/mapping/roles/0/entitlements/0'],
    [
      'a privileged role in a map',
      { roles: [{ id: 'r', from: 'claims.x', map: { 'a/b': 'owner' } }] },
      '/mapping/roles/0/map/a~1b',
    ],
    ['a word that is none', { whenAbsent: 'drop' as never }, '/mapping/whenAbsent'],
    ['a field that is none', { whenOverage: { gruops: 'deny' } }, '/mapping/whenOverage/gruops'],
  ])('is refused with a pointer for %s', (_, json, pointer) => {
    expect(compile(json).faults.map((fault) => fault.pointer)).toContain(pointer);
  });

  it('is refused for two rules of one id, and names every fault at once', () => {
    const { faults } = compile({
      email: '?',
      roles: [...(rule({}).roles ?? []), ...(rule({ grant: ['boss'] }).roles ?? [])],
    });
    expect(faults.map(({ pointer }) => pointer)).toEqual([
      '/mapping/email',
      '/mapping/roles/1/id',
      '/mapping/roles/1/grant/0',
    ]);
  });

  it('E9 refuses expressions that together cost too much, and takes five hundred plain rules', () => {
    const rules = (when: string): MappingJson => ({
      roles: Array.from({ length: 500 }, (_, i) => ({ id: `r${i}`, when, grant: ['viewer'] })),
    });
    expect(compile(rules("'engineering' in claims.groups && claims.department == 'R&D'")).faults).toEqual([]);
    const { compiled, faults } = compile(rules("claims.groups.exists(g, g.startsWith('a') || g.startsWith('b'))"));
    expect(compiled).toBeNull();
    expect(faults).toEqual([
      { pointer: '/mapping', detail: expect.stringContaining('cost too much: 36502 of at most 10000') },
    ]);
  });

  it('runs within its ceilings though a role that it names is gone', () => {
    expect(compile(rule({ grant: ['boss'] })).compiled).not.toBeNull();
    expect(compile(rule({ when: 'claims.' })).compiled).toBeNull();
  });

  it.each<[string, MappingJson, Partial<MappingSurroundings>, string | null]>([
    ['a rule', rule({ when: "claims.email.endsWith('@a.com')" }), {}, '/mapping/roles/0/when'],
    ['a list', { roles: [{ id: 'r', from: '[claims.email]', map: { a: 'viewer' } }] }, {}, '/mapping/roles/0/from'],
    ['the groups', { groups: '[claims.email]' }, {}, '/mapping/groups'],
    ['the subject', {}, { subject: 'claims.email' }, '/login/subject'],
    ['a match', {}, { match: [{ claim: 'email', field: 'userName' }] }, '/login/match/0/claim'],
    ['a rule with the condition', rule({ when: "claims.email_verified && claims.email == 'x'" }), {}, null],
    [
      'a match with the condition',
      {},
      { match: [{ claim: 'email', field: 'email', when: 'claims.email_verified' }] },
      null,
    ],
    ['a profile, which decides nothing', { email: 'claims.email' }, {}, null],
  ])('E4 refuses email without email_verified in %s', (_, json, around, pointer) => {
    expect(compile(json, around).faults.map((fault) => fault.pointer)).toEqual(pointer === null ? [] : [pointer]);
  });

  it('warns of shadowed and unreachable rules, and saves them', () => {
    const roles = [
      { id: 'one', when: "claims.x == 'a'", grant: ['viewer', 'editor'] },
      { id: 'two', when: "claims.x=='a'", grant: ['viewer'] },
      { id: 'three', when: '1 == 2', grant: ['viewer'] },
      { id: 'four', when: 'has(claims.y)', grant: ['viewer'] },
    ];
    const { compiled, faults, warnings } = compile({ roles });
    expect(faults).toEqual([]);
    expect(compiled?.rules).toHaveLength(4);
    expect(warnings.map(({ pointer }) => pointer)).toEqual(['/mapping/roles/1', '/mapping/roles/2']);
  });

  it('reads absence by claim, then by the field that is read from it, then by default', () => {
    const { compiled } = compile({
      email: 'claims.mail',
      groups: 'claims.memberOf',
      attributes: { team: 'claims.team' },
      whenAbsent: { memberOf: 'deny', email: 'clear', 'attributes.team': 'deny', default: 'keep' },
    });
    const words = ['claims.memberOf', 'claims.mail', 'claims.team', 'email', 'groups'].map((field) =>
      compiled?.whenAbsent(field),
    );
    expect(words).toEqual(['deny', 'clear', 'deny', 'clear', 'keep']);
  });
});
