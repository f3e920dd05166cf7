import { describe, expect, it } from '@jest/globals';
import { permissionFaults, ROLE_KEY } from './role-rules.js';

describe('permissions of a role', () => {
  it.each(['reports:read', 'users:sync', 'reports:readAll', 'a:b', 'billing.eu:pay_out'])('%s is one', (permission) => {
    expect(permissionFaults([permission])).toEqual([]);
  });

  it.each([
    'reports',
    ':read',
    'reports:',
    'a:b:c',
    'reports:*',
    'a b:c',
    'répôrts:read',
    `${'a'.repeat(64)}:b`,
    'a:b\n',
  ])('%j is none', (permission) => {
    expect(permissionFaults([permission])).toHaveLength(1);
  });

  it('are all judged, and none stands there twice', () => {
    expect(permissionFaults(['a:b', 'x', 'a:b', ''])).toMatchObject([
      { pointer: '/permissions/1' },
      { pointer: '/permissions/2', detail: 'a:b stands here twice' },
      { pointer: '/permissions/3' },
    ]);
  });
});

describe('keys of roles', () => {
  it.each(['editor', 'app.admin', 'eu-west_1', 'a', '7'])('%s is one', (key) => expect(ROLE_KEY.test(key)).toBe(true));
  it.each(['', 'Editor', 'editor ', '-a', 'a-', 'a/b', 'ünit', 'a'.repeat(65), 'a\n'])('%j is none', (key) => {
    expect(ROLE_KEY.test(key)).toBe(false);
  });
});
