import { describe, expect, it } from '@jest/globals';
import { assertMayGrant, isPrivilegedRole } from './grant-rules.js';

const caller = (type: 'user' | 'api-key' | 'system', ...permissions: string[]) => ({
  type,
  permissions: new Set(permissions),
});

function missingOf(principal: ReturnType<typeof caller>, permissions: string[]): unknown {
  try {
    assertMayGrant(principal, permissions);
    return [];
  } catch (error) {
    return (error as { options: { extra: { permissions: string[] } } }).options.extra.permissions;
  }
}

describe('nobody grants what they do not hold', () => {
  it.each([
    ['what they hold passes', caller('user', 'users:read'), ['users:read'], []],
    [
      'all that is missing is named, once',
      caller('user', 'users:read'),
      ['users:write', 'roles:grant', 'users:write', 'users:read'],
      ['roles:grant', 'users:write'],
    ],
    ['a key is bound like a person', caller('api-key'), ['users:sync'], ['users:sync']],
    ['permissions of applications are free', caller('user'), ['reports:read', 'toString:x'], []],
    [
      'an operator who sees nothing inside grants nothing inside',
      caller('user', 'tenants:write'),
      ['connections:trust'],
      ['connections:trust'],
    ],
    ['the system may', caller('system'), ['connections:trust'], []],
  ])('%s', (_, principal, permissions, missing) => {
    expect(missingOf(principal, permissions)).toEqual(missing);
  });
});

describe('a role is privileged', () => {
  it.each([
    ['if marked so', { markedPrivileged: true, permissions: [] }, true],
    [
      'if it holds an own permission that changes something',
      { markedPrivileged: false, permissions: ['users:write'] },
      true,
    ],
    ['if it reads persons from the ledger', { markedPrivileged: false, permissions: ['audit:personal'] }, true],
    ['not for own permissions that only read', { markedPrivileged: false, permissions: ['users:read'] }, false],
    ['not for permissions of applications', { markedPrivileged: false, permissions: ['reports:write'] }, false],
    ['not for the names of things every object has', { markedPrivileged: false, permissions: ['constructor'] }, false],
  ])('%s', (_, role, expected) => {
    expect(isPrivilegedRole(role)).toBe(expected);
  });
});
