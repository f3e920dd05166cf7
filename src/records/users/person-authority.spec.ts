import { describe, expect, it } from '@jest/globals';
import type { Person } from '../../plan/person.js';
import { blankUser, blockHeld, grantByHand, suspendUser } from './edit-person.js';
import { assertMayRule, effectivePermissions, holdsRole, possiblePermissions } from './person-authority.js';

const NOW = 1000;
const word = { adminId: 'a', reason: null, until: null, now: NOW };
const ADMIN = { kind: 'role', key: 'admin' } as const;
const roles = new Map([
  ['admin', { privileged: true, permissions: ['users:write', 'roles:grant'] }],
  ['app', { privileged: false, permissions: ['reports:write'] }],
]);
const nobody: Person = { user: blankUser('u', 't', 1), identities: [], grants: [], blocks: [] };
const admin = grantByHand(nobody, ADMIN, word);
const expired = grantByHand(nobody, ADMIN, { ...word, until: NOW });
const blocked = blockHeld(admin, ADMIN, word);

describe('who holds what', () => {
  it.each([
    ['nobody', nobody, [], [], false],
    ['an admin', admin, ['users:write', 'roles:grant'], ['users:write', 'roles:grant'], true],
    [
      'a suspended admin',
      suspendUser(admin, NOW),
      ['users:write', 'roles:grant'],
      ['users:write', 'roles:grant'],
      false,
    ],
    ['a blocked admin', blocked, [], ['users:write', 'roles:grant'], false],
    ['an admin whose time is over', expired, [], ['users:write', 'roles:grant'], false],
    ['the holder of a role that is gone', grantByHand(nobody, { ...ADMIN, key: 'gone' }, word), [], [], false],
  ])('%s', (_, person, effective, possible, holds) => {
    expect(effectivePermissions(person, roles, NOW)).toEqual(effective);
    expect(possiblePermissions(person, roles)).toEqual(possible);
    expect(holdsRole(person, 'admin', NOW)).toBe(holds);
  });

  it.each([
    ['a user', 'user', ['users:write'], ['users:write', 'roles:grant'], ['roles:grant']],
    ['a key', 'api-key', [], ['users:write', 'roles:grant'], ['roles:grant', 'users:write']],
    ['an equal', 'user', ['users:write', 'roles:grant'], ['users:write', 'roles:grant'], null],
    ['anybody over an application’s own permissions', 'user', [], ['reports:write'], null],
    ['the system', 'system', [], ['users:write'], null],
  ] as const)('%s rules over no one who holds more', (_, type, own, others, missing) => {
    const rule = (): void => assertMayRule({ type, permissions: new Set(own) }, others);
    if (missing === null) expect(rule).not.toThrow();
    else {
      const options = { extra: { permissions: missing } };
      expect(rule).toThrow(expect.objectContaining({ code: 'forbidden', options }));
    }
  });
});
