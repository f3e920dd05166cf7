import { describe, expect, it } from '@jest/globals';
import {
  changedFields,
  grantingFieldsChanged,
  loosensCatch,
  planFieldsChanged,
  trustFieldsChanged,
} from './compare-connections.js';
import { type GivenSettings, settingsOf } from './settings-of.js';

const base: GivenSettings = { audiences: ['a', 'b'], allowedRoles: ['x', 'y'], algorithms: ['RS256', 'ES256'] };
const connection = (more: GivenSettings = {}, issuer = 'https://a.example') => ({
  name: 'Acme',
  issuer,
  settings: settingsOf({ ...base, ...more }),
});

describe('two forms of a connection', () => {
  it.each<[string, GivenSettings, string[], boolean]>([
    ['jwksUri', { jwksUri: 'https://a.example/jwks' }, ['jwksUri'], false],
    ['audiences', { audiences: ['a'] }, ['audiences'], false],
    ['requiredClaims', { requiredClaims: { hd: 'x' } }, ['requiredClaims'], false],
    ['authorizedParties', { authorizedParties: ['x'] }, ['authorizedParties'], false],
    ['algorithms', { algorithms: ['ES256', 'RS256'] }, ['algorithms'], false],
    ['tokenTypes', { tokenTypes: ['x'] }, ['tokenTypes'], false],
    ['conditions', { conditions: { amr: ['mfa'] } }, ['conditions'], false],
    ['login', { login: { subject: 'claims.oid' } }, ['login.subject'], false],
    ['login', { login: { match: [{ claim: 'oid', field: 'externalId' }] } }, ['login.match'], false],
    ['allowedRoles', { allowedRoles: ['x'] }, ['allowedRoles'], true],
    ['allowedEntitlements', { allowedEntitlements: ['x'] }, ['allowedEntitlements'], true],
    ['allowPrivileged', { allowPrivileged: true }, ['allowPrivileged'], true],
    ['authoritativeDomains', { authoritativeDomains: ['x.example'] }, ['authoritativeDomains'], true],
    ['emailVerified', { emailVerified: 'always' }, ['emailVerified'], true],
    ['mapping', { mapping: { email: 'claims.x' } }, [], true],
    ['authority', { authority: 'newest' }, [], true],
    ['login', { login: { enabled: false, createUsers: false, maxSessionSeconds: 60 } }, [], false],
    ['oneTime', { oneTime: false }, [], false],
    ['maxTokenAgeSeconds', { maxTokenAgeSeconds: 60 }, [], false],
    ['preset', { preset: 'keycloak' }, [], false],
  ])('%s with %j: trust %j, plan %s', (field, more, trust, plan) => {
    const [before, after] = [connection(), connection(more)];
    for (const [one, other] of [
      [before, after],
      [after, before],
    ] as const) {
      expect(changedFields(one, other)).toEqual([field]);
      expect(trustFieldsChanged(one, other)).toEqual(trust);
      expect(planFieldsChanged(one, other)).toBe(plan);
    }
  });

  it.each([
    [{ users: 4 }, true],
    [{ percent: 11 }, true],
    [{ users: 2, percent: 11 }, true],
    [{ users: 2, percent: 9 }, false],
    [{ graceHours: 24 }, false],
  ])('let a run take away more by itself, or do not: %j', (safetyCatch, expected) => {
    const other = connection({ safetyCatch });
    expect(loosensCatch(connection(), other)).toBe(expected);
    expect([changedFields(connection(), other), trustFieldsChanged(connection(), other)]).toEqual([
      ['safetyCatch'],
      [],
    ]);
  });

  it('of another issuer are of another trust', () => {
    const other = connection({}, 'https://b.example');
    expect(changedFields(connection(), other)).toEqual(['issuer']);
    expect(trustFieldsChanged(connection(), other)).toEqual(['issuer']);
  });

  it('say the same in whatever order sets and members stand', () => {
    const settings = settingsOf({ ...base, requiredClaims: { a: 1, b: 2 } });
    const turned = {
      ...Object.fromEntries(Object.entries(settings).reverse()),
      audiences: ['b', 'a'],
      allowedRoles: ['y', 'x'],
      requiredClaims: { b: 2, a: 1 },
    } as unknown as typeof settings;
    const [one, other] = [settings, turned].map((each) => ({ name: 'n', issuer: 'i', settings: each }));
    expect(one && other && changedFields(one, other)).toEqual([]);
  });

  it.each<GivenSettings>([
    { mapping: { email: 'claims.backup' } },
    { mapping: { emailVerified: 'true' } },
    { mapping: { payloadClaim: 'x' } },
  ])('where a domain is listed, what says the address is of trust: %j', (more) => {
    const domains = { authoritativeDomains: ['x.example'] };
    expect(trustFieldsChanged(connection(), connection(more))).toEqual([]);
    expect(trustFieldsChanged(connection(domains), connection({ ...domains, ...more }))).toHaveLength(1);
  });

  it('differ in who gets roles only by rules, groups and payload', () => {
    const to = (mapping: GivenSettings['mapping']) => grantingFieldsChanged(connection(), connection({ mapping }));
    expect(to({ roles: [{ id: 'a', when: 'true', grant: ['x'] }] })).toBe(true);
    expect(to({ groups: 'claims.roles' })).toBe(true);
    expect(to({ groupKey: 'externalId' })).toBe(true);
    expect(to({ payloadClaim: 'p' })).toBe(true);
    expect(to({ displayName: 'claims.x' })).toBe(false);
  });
});
