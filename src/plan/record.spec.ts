import { describe, expect, it } from '@jest/globals';
import { NOW } from '../../test/support/plan-world.js';
import { formatTime, MINUTE } from '../platform/clock.js';
import { readRecord } from './record.js';

const ADA = {
  externalId: 'u-1001',
  userName: 'ada@example.com',
  active: true,
  name: { givenName: 'Ada', familyName: 'Lovelace' },
  displayName: 'Ada Lovelace',
  email: 'ada@example.com',
  emailVerified: true,
  roles: ['editor', 'editor'],
  groups: ['Finance'],
  entitlements: ['report:42'],
  attributes: { department: 'R&D', nested: { a: [1, null] } },
  statedAt: '1970-01-01T00:10:00Z',
};

describe('a sync record', () => {
  it('becomes the fields of a statement', () => {
    expect(readRecord(ADA, NOW)).toEqual({
      externalId: 'u-1001',
      statedAt: 600_000_000,
      faults: [],
      fields: {
        userName: 'ada@example.com',
        active: true,
        givenName: 'Ada',
        familyName: 'Lovelace',
        displayName: 'Ada Lovelace',
        email: 'ada@example.com',
        emailVerified: true,
        roles: ['editor'],
        groups: ['Finance'],
        entitlements: ['report:42'],
        'attributes.department': 'R&D',
        'attributes.nested': { a: [1, null] },
      },
    });
  });

  it('tells empty from absent', () => {
    expect(readRecord({ usercode: 'u-1', email: null, groups: null, roles: [] }, NOW)).toMatchObject({
      externalId: 'u-1',
      fields: { email: null, groups: [], roles: [] },
      faults: [],
    });
  });

  it.each<[string, unknown, string]>([
    ['no object', 'x', ''],
    ['a list', [ADA], ''],
    ['no id', { userName: 'a' }, '/externalId'],
    ['an empty id', { externalId: '' }, '/externalId'],
    ['a number for an id', { externalId: 7 }, '/externalId'],
    ['an id of 10,000 characters', { externalId: 'x'.repeat(10_000) }, '/externalId'],
    ['a trailing space in an id', { externalId: 'u-1 ' }, '/externalId'],
    ['two ids that differ', { ...ADA, usercode: 'other' }, '/usercode'],
    ['an unknown field', { ...ADA, 'pass/word': 'x' }, '/pass~1word'],
    ['a leading space in a user name', { ...ADA, userName: ' ada' }, '/userName'],
    ['a name of 10,000 characters', { ...ADA, displayName: 'x'.repeat(10_000) }, '/displayName'],
    ['half a surrogate pair', { ...ADA, displayName: 'a\ud800b' }, '/displayName'],
    ['a NUL', { ...ADA, userName: 'a\0b' }, '/userName'],
    ['a text for a boolean', { ...ADA, active: 'false' }, '/active'],
    ['null for active', { ...ADA, active: null }, '/active'],
    ['no e-mail', { ...ADA, email: 'ada at example' }, '/email'],
    ['a text for a list', { ...ADA, groups: 'Finance' }, '/groups'],
    ['a number in a list', { ...ADA, roles: ['editor', 7] }, '/roles/1'],
    ['1,001 groups', { ...ADA, groups: Array.from({ length: 1_001 }, (_, i) => `g${i}`) }, '/groups'],
    ['an unknown part of a name', { ...ADA, name: { middleName: 'x' } }, '/name/middleName'],
    ['attributes that are too large', { ...ADA, attributes: { a: 'x'.repeat(17_000) } }, '/attributes'],
    ['a surrogate in an attribute', { ...ADA, attributes: { a: ['\udc00'] } }, '/attributes/a'],
    ['attributes that are too deep', { ...ADA, attributes: { a: [[[[[1]]]]] } }, '/attributes/a'],
    [
      'a prototype as an attribute (A11)',
      JSON.parse('{"externalId":"u","attributes":{"__proto__":1}}'),
      '/attributes/__proto__',
    ],
    [
      'a record that is too large',
      { ...ADA, groups: Array.from({ length: 999 }, (_, i) => `${i}${'x'.repeat(60)}`) },
      '',
    ],
    ['a time that is none', { ...ADA, statedAt: '2026-02-30T00:00:00Z' }, '/statedAt'],
    ['a time too far ahead', { ...ADA, statedAt: formatTime(NOW + 2 * MINUTE) }, '/statedAt'],
  ])('is refused with a pointer for %s', (_, input, pointer) => {
    expect(readRecord(input, NOW).faults.map((fault) => fault.pointer)).toEqual([pointer]);
  });

  it('names every fault at once', () => {
    const { faults } = readRecord({ externalId: 1, email: 2, groups: [3, 4] }, NOW);
    expect(faults.map(({ pointer }) => pointer)).toEqual(['/externalId', '/email', '/groups/0', '/groups/1']);
  });
});
