import { describe, expect, it } from '@jest/globals';
import type { IdentityState, Person } from '../../plan/person.js';
import { readRecord } from '../../plan/record.js';
import { blankUser, grantByHand, suspendUser } from './edit-person.js';
import { toUserRecords } from './user-record.js';

const NOW = 2_000_000_000;

function identity(id: string, connectionId: string, more: Partial<IdentityState> = {}): IdentityState {
  return {
    id,
    connectionId,
    externalId: `x-${id}`,
    subject: `s-${id}`,
    userNameKey: null,
    active: true,
    facts: { push: null, token: null },
    mappingVersion: 1,
    lastLoginAt: null,
    notBefore: null,
    scope: null,
    leavingAt: null,
    createdAt: 1_000_000,
    ...more,
  };
}

const pushed = { push: { at: 3_000_000, values: { roles: ['editor'], groups: ['B', 'A'] } }, token: null };
const spoken = { push: null, token: { at: 4_000_000, values: { 'claims.groups': ['C', 5], roles: null } } };
const byHand = { adminId: 'a', reason: null, until: null, now: 1 };
const blank: Person = {
  user: { ...blankUser('u', 't', 1_000_000), userName: 'ada' },
  identities: [
    identity('i', 'one', { facts: pushed }),
    identity('j', 'two', { facts: spoken, externalId: null }),
    identity('k', 'two', { active: false }),
  ],
  grants: [],
  blocks: [],
};
const person = grantByHand(blank, { kind: 'role', key: 'viewer' }, byHand);

describe('a user as sync records', () => {
  it('is one record of Rollcall’s own, named by the user’s id, with what is effective', () => {
    expect(toUserRecords(person, null, NOW)).toMatchObject([
      { externalId: 'u', userName: 'ada', active: true, roles: ['viewer'], groups: ['A', 'B', 'C'], entitlements: [] },
    ]);
  });

  it('is one record for each identity at a connection, in its words, and none elsewhere', () => {
    expect(toUserRecords(person, 'one', NOW)).toMatchObject([
      { externalId: 'x-i', roles: ['editor'], groups: ['B', 'A'], statedAt: '1970-01-01T00:00:03.000Z' },
    ]);
    expect(toUserRecords(person, 'two', NOW)).toMatchObject([
      { externalId: 's-j', active: true, roles: [], groups: ['C'], statedAt: '1970-01-01T00:00:04.000Z' },
      { externalId: 'x-k', active: false, groups: [], statedAt: '1970-01-01T00:00:01.000Z' },
    ]);
    expect(toUserRecords(person, 'three', NOW)).toEqual([]);
  });

  it.each([
    ['suspended', suspendUser(person, NOW), false],
    ['with every identity off', { ...person, identities: blank.identities.slice(2) }, false],
    ['without an identity', { ...person, identities: [] }, true],
  ])('is active or not: %s', (_, one, active) => {
    expect(toUserRecords(one, null, NOW)[0]?.active).toBe(active);
  });

  it('is in a shape that a push takes', () => {
    for (const connection of [null, 'one', 'two']) {
      for (const record of toUserRecords(person, connection, NOW)) expect(readRecord(record, NOW).faults).toEqual([]);
    }
  });
});
