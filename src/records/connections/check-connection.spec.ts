import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Problem } from '../../platform/problem.js';
import { checkConnection, type ConnectionSurroundings } from './check-connection.js';
import { readConnectionBody } from './read-connection-body.js';
import { type GivenSettings, settingsOf } from './settings-of.js';

const around: ConnectionSurroundings = {
  roles: new Map([
    ['viewer', { privileged: false }],
    ['admin', { privileged: true }],
  ]),
  others: [],
  allowLoopbackHttp: false,
  outboundAllow: [],
};
const pointersOf = (given: GivenSettings): string[] => {
  const settings = settingsOf({ audiences: ['a'], ...given });
  const { faults } = checkConnection({ name: 'Acme', issuer: 'https://a.example', settings }, around);
  return [...new Set(faults.map((fault) => fault.pointer))];
};

describe('settings at the edge', () => {
  it.each<[GivenSettings, string | null]>([
    [{ audiences: [] }, '/audiences'],
    [{ audiences: [''] }, '/audiences/0'],
    [{ audiences: ['a', 'a'] }, '/audiences/1'],
    [{ audiences: [' a'] }, '/audiences/0'],
    [{ audiences: ['x'.repeat(256)] }, '/audiences/0'],
    [{ algorithms: [] }, '/algorithms'],
    [{ algorithms: ['EdDSA', 'Ed25519', 'ES512', 'PS256'] }, null],
    [{ algorithms: ['hs256'] }, '/algorithms/0'],
    [{ algorithms: ['None'] }, '/algorithms/0'],
    [{ algorithms: ['RSA-OAEP'] }, '/algorithms/0'],
    [{ tokenTypes: ['LOGOUT+JWT'] }, '/tokenTypes/0'],
    [{ tokenTypes: ['application/secevent+jwt'] }, '/tokenTypes/0'],
    [{ clockToleranceSeconds: 300 }, null],
    [{ clockToleranceSeconds: 301 }, '/clockToleranceSeconds'],
    [{ clockToleranceSeconds: -1 }, '/clockToleranceSeconds'],
    [{ iatOffsetSeconds: 601 }, '/iatOffsetSeconds'],
    [{ maxTokenAgeSeconds: 29 }, '/maxTokenAgeSeconds'],
    [{ maxLifetimeSeconds: 86_401 }, '/maxLifetimeSeconds'],
    [{ login: { maxSessionSeconds: 59 } }, '/login/maxSessionSeconds'],
    [{ login: { subject: 'claims.email' } }, '/login/subject'],
    [{ login: { subject: 'claims.sub +' } }, '/login/subject'],
    [{ login: { match: [{ claim: 'email', field: 'email' }] } }, '/login/match/0/claim'],
    [{ login: { match: [{ claim: 'email', field: 'email', when: 'claims.email_verified' }] } }, null],
    [{ conditions: { acr: [] } }, '/conditions/acr'],
    [{ conditions: { maxAuthAgeSeconds: -1 } }, '/conditions/maxAuthAgeSeconds'],
    [{ requiredClaims: { hd: ['a', 1, true] } }, null],
    [{ requiredClaims: { hd: [] } }, '/requiredClaims/hd'],
    [{ requiredClaims: { hd: { a: 1 } } }, '/requiredClaims/hd'],
    [{ requiredClaims: { 'a/b': '' } }, '/requiredClaims/a~1b'],
    [{ requiredClaims: { constructor: 'x' } }, '/requiredClaims/constructor'],
    [{ allowedRoles: ['nobody'] }, '/allowedRoles/0'],
    [{ allowedEntitlements: ['report:*', 'a'] }, null],
    [{ allowedEntitlements: ['re*port:*'] }, '/allowedEntitlements/0'],
    [{ authoritativeDomains: ['acme.example', 'bücher.example', 'xn--bcher-kva.example'] }, null],
    [{ authoritativeDomains: ['acme'] }, '/authoritativeDomains/0'],
    [{ authoritativeDomains: ['*.acme.example'] }, '/authoritativeDomains/0'],
    [{ authoritativeDomains: ['@acme.example'] }, '/authoritativeDomains/0'],
    [{ authoritativeDomains: ['acme.example.'] }, '/authoritativeDomains/0'],
    [{ authoritativeDomains: ['10.0.0.1'] }, '/authoritativeDomains/0'],
    [{ jwksUri: 'http://a.example' }, '/jwksUri'],
    [{ preset: 'nobody' }, '/preset'],
    [{ mapping: { roles: [{ id: 'a', when: 'true', grant: ['viewer'] }] } }, '/mapping/roles/0/grant/0'],
  ])('%j: %s', (given, pointer) => {
    expect(pointersOf(given)).toEqual(pointer === null ? [] : [pointer]);
  });
});

describe('a body of any kind', () => {
  const members = [
    'name',
    'issuer',
    'audiences',
    'jwksUri',
    'requiredClaims',
    'algorithms',
    'conditions',
    'login',
    'mapping',
  ];
  const inner = ['match', 'subject', 'roles', 'attributes', 'whenAbsent', 'acr', 'payloadClaim', 'groupKey', 'email'];
  const any = fc.jsonValue({ maxDepth: 3 });
  const object = fc.dictionary(fc.constantFrom(...inner, '__proto__', 'toString'), any);
  const body = fc.dictionary(fc.constantFrom(...members, 'constructor', 'x'), fc.oneof(any, object, fc.array(object)));

  it('is read, or refused with faults at its fields: nothing breaks', () => {
    fc.assert(
      fc.property(body, (given) => {
        try {
          const { connection, faults } = readConnectionBody(JSON.parse(JSON.stringify(given)), null);
          const all = [...faults, ...checkConnection(connection, around).faults];
          expect(all.every(({ pointer, detail }) => /^(\/|$)/.test(pointer) && detail !== '')).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(Problem);
        }
      }),
      { numRuns: 300 },
    );
  });
});
