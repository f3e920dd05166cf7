import { describe, expect, it } from '@jest/globals';
import { makePolicy } from '../../test/support/plan-world.js';
import { findGroupGifts } from './group-gifts.js';

const rules = [
  { id: 'all', when: 'true', grant: ['viewer'] },
  { id: 'eng', when: "'engineering' in claims.groups", grant: ['viewer', 'editor'], entitlements: ['report:42'] },
  { id: 'names', from: 'claims.groups', map: { engineering: 'billing', sales: 'editor' } },
  { id: 'rnd', when: "'engineering' in claims.groups && claims.department == 'R&D'", grant: ['editor'] },
  { id: 'boss', when: "'engineering' in claims.groups", grant: ['owner'] },
];
const policy = makePolicy({ mapping: { roles: rules }, allowedRoles: new Set(['viewer', 'editor', 'owner']) });

describe('what a group gives', () => {
  it('names each role and entitlement with its rule, and what ceilings hold back', () => {
    expect(findGroupGifts(policy, 'engineering')).toEqual({
      gives: [
        { kind: 'role', key: 'viewer', rule: 'eng', because: 'groups has engineering', withheld: null },
        { kind: 'role', key: 'editor', rule: 'eng', because: 'groups has engineering', withheld: null },
        { kind: 'entitlement', key: 'report:42', rule: 'eng', because: 'groups has engineering', withheld: null },
        { kind: 'role', key: 'billing', rule: 'names', because: 'groups has engineering', withheld: 'not_allowed' },
        { kind: 'role', key: 'owner', rule: 'boss', because: 'groups has engineering', withheld: 'privileged' },
      ],
      depends: ['rnd'],
    });
  });

  it('a group that no rule names gives nothing, not even what everybody gets', () => {
    expect(findGroupGifts(policy, 'finance')).toEqual({ gives: [], depends: [] });
    expect(findGroupGifts(policy, null)).toEqual({ gives: [], depends: [] });
  });
});
