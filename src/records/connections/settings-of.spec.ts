import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { checkConnection } from './check-connection.js';
import { presetNames } from './presets.js';
import { applyMergePatch, settingsOf } from './settings-of.js';

describe('settings', () => {
  it.each(presetNames)('of the preset %s are without fault, and trust nobody more than they must', (preset) => {
    const settings = settingsOf({ preset, audiences: ['rollcall'] });
    const check = checkConnection(
      { name: 'x', issuer: 'https://acme.example.com', settings },
      { roles: new Map(), others: [], allowLoopbackHttp: false, outboundAllow: [] },
    );
    expect(check).toEqual({ faults: [], nameTaken: false, warnings: [] });
    expect(settings).toMatchObject({
      allowedRoles: [],
      allowedEntitlements: [],
      allowPrivileged: false,
      authoritativeDomains: [],
      emailVerified: 'claim',
      requiredClaims: {},
    });
  });

  it('are the same when they are filled in again', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...presetNames),
        fc.boolean(),
        fc.constantFrom(null, 'claims.x'),
        (preset, strict, email) => {
          const settings = settingsOf({ preset, mapping: { strict, email }, login: { createUsers: strict } });
          expect(settings.mapping).toMatchObject({ strict, email });
          expect(JSON.parse(JSON.stringify(settingsOf(settings)))).toEqual(JSON.parse(JSON.stringify(settings)));
        },
      ),
    );
  });

  it('are nobody else’s: changing them changes no preset', () => {
    settingsOf({ preset: 'okta' }).login.match.push({ claim: 'email', field: 'email' });
    expect(settingsOf({ preset: 'okta' }).login.match).toHaveLength(1);
  });

  it('keep a null where it is a word, and take it for nothing elsewhere', () => {
    const settings = settingsOf({
      jwksUri: null,
      algorithms: null as never,
      mapping: { email: null, roles: null as never },
    });
    expect(settings).toMatchObject({ jwksUri: null, algorithms: ['RS256'], mapping: { email: null, roles: [] } });
  });
});

describe('a merge patch', () => {
  // RFC 7396, appendix A.
  it.each([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('of %j with %j is %j', (target, patch, expected) => {
    expect(applyMergePatch(target, patch)).toEqual(expected);
  });

  it('leaves null where null is a word', () => {
    expect(
      applyMergePatch(
        { jwksUri: 'x', mapping: { email: 'y', attributes: { email: 'z' } } },
        {
          jwksUri: null,
          mapping: { email: null, attributes: { email: null } },
        },
      ),
    ).toEqual({ jwksUri: null, mapping: { email: null, attributes: {} } });
  });

  it('A11 changes no prototype', () => {
    const patched = applyMergePatch({}, JSON.parse('{"__proto__":{"polluted":true}}')) as object;
    expect(Object.getPrototypeOf(patched)).not.toHaveProperty('polluted');
    expect(Object.hasOwn(patched, '__proto__')).toBe(true);
  });
});
