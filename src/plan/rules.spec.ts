import { describe, expect, it } from '@jest/globals';
import { makePolicy, World } from '../../test/support/plan-world.js';
import { EffectiveFacts } from './effective.js';
import { ownerOf } from './profile.js';
import { explainRules, type ExplainedRule } from './rules.js';
import type { Json } from './statement.js';

const roles = [
  { id: 'eng', when: "'engineering' in claims.groups", grant: ['editor'], entitlements: ['report:1'] },
  { id: 'dep', when: "claims.department == 'R&D'", grant: ['viewer'] },
  { id: 'bad', when: "claims.level > 3 && claims.name != ''", grant: ['viewer'] },
  { id: 'own', from: 'claims.app', map: { see: 'viewer' } },
];

function explain(claims: Record<string, Json>, pushed: Record<string, Json> = {}): ExplainedRule[] {
  const policy = makePolicy({ mapping: { roles } });
  const world = new World(policy);
  const token = world.tokenOf({ sub: 's', ...claims });
  const facts = { push: { at: 1, values: pushed }, token: { at: 2, values: { ...token.fields } } };
  return explainRules(policy, new EffectiveFacts(facts, policy));
}

const LINKING = { authoritativeDomains: ['acme.com'] };

describe('explain', () => {
  it('shows each rule with what it saw, what came of it and what it gives', () => {
    expect(explain({ groups: 'engineering', level: 'high', name: 'Ada', app: ['see', 'other'] })).toEqual([
      {
        rule: 'eng',
        expression: "'engineering' in claims.groups",
        saw: { groups: ['engineering'] },
        result: true,
        gives: [
          { kind: 'role', key: 'editor', because: 'groups has engineering' },
          { kind: 'entitlement', key: 'report:1', because: 'groups has engineering' },
        ],
      },
      { rule: 'dep', expression: "claims.department == 'R&D'", saw: {}, result: 'missing', gives: [] },
      expect.objectContaining({ rule: 'bad', result: 'failed', error: 'no_such_overload', gives: [] }),
      expect.objectContaining({
        rule: 'own',
        result: true,
        gives: [{ kind: 'role', key: 'viewer', because: 'claims.app has see' }],
      }),
    ]);
  });

  it('the same rules read pushes, by the names of the standard claims and by attribute', () => {
    const results = explain(
      {},
      { groups: ['engineering'], displayName: 'Ada', 'attributes.department': 'R&D', 'attributes.level': 5 },
    );
    expect(results.map(({ result }) => result)).toEqual([true, true, true, 'missing']);
  });

  it('no attribute passes itself off as a list or as a proof', () => {
    const [eng] = explain({}, { 'attributes.groups': ['engineering'] });
    expect(eng?.result).toBe(false);
    const policy = makePolicy();
    const facts = { push: { at: 1, values: { email: 'a@x.com', 'attributes.email_verified': true } }, token: null };
    expect(new EffectiveFacts(facts, policy).claims()).toMatchObject({ email_verified: false });
  });
});

describe('the profile', () => {
  it('comes field by field from the first identity that states it, and the rest is for admins', () => {
    const world = new World(makePolicy(LINKING), makePolicy({ ...LINKING, id: 'b' }));
    const mail = { email: 'ada@acme.com', emailVerified: true };
    const { userId } = world.push('u-1', { ...mail, displayName: 'Ada A', 'attributes.team': 'a' });
    world.now += 10;
    world.push('b-1', { ...mail, displayName: 'Ada B', givenName: 'Ada', 'attributes.desk': 7 }, { connectionId: 'b' });
    const person = world.person(userId);
    expect(person.user).toMatchObject({ displayName: 'Ada A', givenName: 'Ada', attributes: { desk: 7, team: 'a' } });
    const { findPolicy } = world.context;
    const owners = ['displayName', 'givenName', 'attributes.desk', 'emailVerified', 'familyName'].map((field) =>
      ownerOf(person, field, findPolicy),
    );
    expect(owners).toEqual(['a', 'b', 'b', 'a', null]);
    world.change(userId, (one) => ({ ...one, user: { ...one.user, familyName: 'Lovelace' } }));
    world.now += 10;
    world.push('u-1', { displayName: null });
    expect(world.person(userId).user).toMatchObject({ displayName: null, familyName: 'Lovelace' });
  });
});
