import { describe, expect, it } from '@jest/globals';
import { grantsOf, makePolicy, NOW, pushOf, World } from '../../test/support/plan-world.js';
import { effectiveRoles } from './holdings.js';
import type { AdminGrant } from './person.js';

const ADA = { sub: 's-1', preferred_username: 'Ada', name: 'Ada Lovelace' };
const COVER: AdminGrant = {
  kind: 'role',
  key: 'editor',
  since: NOW,
  source: 'admin',
  adminId: 'boss',
  reason: 'cover',
  until: null,
};

const LINKING = { authoritativeDomains: ['acme.com'] };

describe('rule 1: a source takes away only what it gave', () => {
  it('keeps the grants of an admin and of another connection when a group goes', () => {
    const world = new World(makePolicy(LINKING), makePolicy({ ...LINKING, id: 'b' }));
    const { userId } = world.login({ ...ADA, email: 'ada@acme.com', email_verified: true, groups: ['engineering'] });
    world.push(
      'b-1',
      { email: 'ada@acme.com', emailVerified: true, roles: ['viewer', 'editor'] },
      { connectionId: 'b' },
    );
    world.change(userId, (person) => ({ ...person, grants: [...person.grants, COVER] }));
    expect(grantsOf(world.person(userId))).toEqual([
      'editor by a/eng',
      'editor by admin',
      'editor by b/direct',
      'viewer by b/direct',
    ]);
    world.now += 10;
    world.login({ ...ADA, groups: [] });
    expect(grantsOf(world.person(userId))).toEqual(['editor by admin', 'editor by b/direct', 'viewer by b/direct']);
  });

  it('counts the union of the grants, less the blocks, and not what has run out', () => {
    const world = new World(makePolicy());
    const { userId } = world.push('u-1', { groups: ['engineering'], roles: ['viewer'] });
    const block = { kind: 'role' as const, key: 'editor', adminId: 'boss', reason: null, since: NOW, until: NOW + 100 };
    const cover = { ...COVER, key: 'billing', until: NOW + 50 };
    world.change(userId, (person) => ({ ...person, grants: [...person.grants, cover], blocks: [block] }));
    expect(effectiveRoles(world.person(userId), NOW)).toEqual(['billing', 'viewer']);
    expect(effectiveRoles(world.person(userId), NOW + 50)).toEqual(['viewer']);
    expect(effectiveRoles(world.person(userId), NOW + 100)).toEqual(['editor', 'viewer']);
  });
});

describe('rule 2: each field has a voice', () => {
  it.each([
    ['push-first', ['viewer by a/direct']],
    ['newest', ['editor by a/eng', 'viewer by a/direct']],
    ['token-first', ['editor by a/eng', 'viewer by a/direct']],
  ] as const)('%s decides between a push and a later token', (authority, expected) => {
    const world = new World(makePolicy({ authority, match: [{ claim: 'oid', field: 'externalId' }] }));
    const { userId } = world.push('u-1', { groups: ['sales'], roles: ['viewer'], userName: 'ada' });
    world.now += 10;
    world.login({ ...ADA, oid: 'u-1', groups: ['engineering'] });
    expect(grantsOf(world.person(userId))).toEqual(expected);
  });

  it('applies a changed authority by a re-plan over stored facts', () => {
    const world = new World(makePolicy({ match: [{ claim: 'oid', field: 'externalId' }] }));
    const { userId } = world.push('u-1', { groups: ['sales'] });
    world.now += 10;
    world.login({ ...ADA, oid: 'u-1', groups: ['engineering'] });
    world.edit({ authority: 'token-first', mappingVersion: 2 });
    expect(world.replan(userId ?? '').map(({ result }) => result)).toEqual(['updated']);
    expect(grantsOf(world.person(userId))).toEqual(['editor by a/eng']);
  });

  it('a stale record changes nothing, and a stale token logs in with what is stored', () => {
    const world = new World(makePolicy());
    const { userId } = world.push('u-1', { displayName: 'New', groups: ['engineering'] });
    const before = world.person(userId);
    expect(world.push('u-1', { displayName: 'Old', groups: [] }, { at: NOW - 5 }).result).toBe('stale');
    expect(world.person(userId)).toBe(before);
    const bob = world.login({ sub: 's-2', groups: ['engineering'] });
    const late = world.login({ sub: 's-2', groups: [] }, { at: NOW - 5 });
    expect(late.result).toBe('stale');
    expect(grantsOf(world.person(bob.userId))).toEqual(['editor by a/eng']);
  });
});

describe('rule 3: absent is not empty (E6)', () => {
  it.each([
    ['absent', 'keep', {}, 'unchanged', ['editor by a/eng']],
    ['absent', 'clear', {}, 'updated', []],
    ['absent', 'deny', {}, 'refused', ['editor by a/eng']],
    ['overage', 'keep', { hasgroups: true }, 'unchanged', ['editor by a/eng']],
    ['overage', 'clear', { _claim_names: { groups: 'src1' } }, 'updated', []],
    ['overage', 'deny', { _claim_names: { groups: 'src1' } }, 'refused', ['editor by a/eng']],
    ['empty', 'keep', { groups: [] }, 'updated', []],
  ] as const)('groups %s under %s', (state, word, claims, result, grants) => {
    const mapping = state === 'overage' ? { whenOverage: { groups: word } } : { whenAbsent: { groups: word } };
    const world = new World(makePolicy({ mapping }));
    const { userId } = world.login({ ...ADA, groups: ['engineering'] });
    world.now += 10;
    expect(world.login({ ...ADA, ...claims } as never).result).toBe(result);
    expect(grantsOf(world.person(userId))).toEqual(grants);
  });

  it('a rule that reads another claim which is missing neither gives nor takes', () => {
    const roles = [{ id: 'rd', when: "claims.department == 'R&D'", grant: ['viewer'] }];
    const world = new World(makePolicy({ mapping: { roles } }));
    const { userId } = world.login({ ...ADA, department: 'R&D' });
    // The claim is in the facts, so only a rule that reads something new is without its claim.
    world.edit({
      mappingVersion: 2,
      mapping: { roles: [{ id: 'rd', when: "claims.unit == 'R&D'", grant: ['viewer'] }] },
    });
    world.replan(userId ?? '');
    expect(grantsOf(world.person(userId))).toEqual(['viewer by a/rd']);
    world.edit({
      mappingVersion: 3,
      mapping: { roles: [{ id: 'rd', when: "claims.unit == 'R&D'", grant: ['editor'] }] },
    });
    world.replan(userId ?? '');
    expect(grantsOf(world.person(userId))).toEqual([]);
  });
});

describe('rule 4: ceilings (E7)', () => {
  it('grants nothing for a group that is named like a role', () => {
    const world = new World(makePolicy());
    expect(grantsOf(world.push('u-1', { groups: ['viewer', 'owner'] }).person)).toEqual([]);
  });

  it('withholds from rules what the lists or privilege forbid, and says so', () => {
    const roles = [{ id: 'all', when: 'true', grant: ['viewer', 'billing', 'owner', 'gone'] }];
    const world = new World(makePolicy({ allowedRoles: new Set(['viewer', 'owner']), mapping: { roles } }));
    const outcome = world.login(ADA);
    expect(grantsOf(outcome.person)).toEqual(['viewer by a/all']);
    expect(outcome.withheld.map(({ key, why }) => `${key}: ${why}`)).toEqual([
      'billing: not_allowed',
      'owner: privileged',
      'gone: unknown',
    ]);
  });

  it.each([
    [{ roles: ['viewer', 'owner'] }, 'role_not_allowed', '/roles/1'],
    [{ roles: ['no-such'] }, 'role_not_allowed', '/roles/0'],
    [{ entitlements: ['report:1', 'invoice:1'] }, 'entitlement_not_allowed', '/entitlements/1'],
  ])('fails a record that names %j', (fields, code, pointer) => {
    const outcome = new World(makePolicy()).push('u-1', fields);
    expect(outcome).toMatchObject({ result: 'failed', problem: { code, pointer }, person: null });
  });

  it('takes what a lowered ceiling no longer allows', () => {
    const world = new World(makePolicy());
    const { userId } = world.push('u-1', { roles: ['viewer', 'editor'] });
    world.edit({ mappingVersion: 2, allowedRoles: new Set(['viewer']) });
    world.replan(userId ?? '');
    expect(grantsOf(world.person(userId))).toEqual(['viewer by a/direct']);
  });
});

describe('rule 6: strict (E8)', () => {
  const strict = { mapping: { strict: true } };

  it('leaves nothing behind for an unknown person', () => {
    const world = new World(makePolicy(strict));
    expect(world.login(ADA)).toMatchObject({ result: 'refused', problem: { code: 'no_rule_matched' }, userId: null });
    expect(world.people.size).toBe(0);
  });

  it('takes from a known person what this connection gave, and ends the sessions', () => {
    const world = new World(makePolicy(strict));
    const { userId } = world.login({ ...ADA, groups: ['engineering'] });
    world.change(userId, (person) => ({ ...person, grants: [...person.grants, COVER] }));
    world.now += 10;
    const outcome = world.login({ ...ADA, groups: [] });
    expect(outcome).toMatchObject({
      result: 'refused',
      problem: { code: 'no_rule_matched' },
      endSessions: 'no_rule_matched',
    });
    expect(grantsOf(world.person(userId))).toEqual(['editor by admin']);
  });

  it('never refuses a push', () => {
    expect(new World(makePolicy(strict)).push('u-1', { groups: [] }).result).toBe('created');
  });
});

describe('rule 7: off is off', () => {
  it('a push that switches off ends the sessions, and a token from before stays out after it is on again', () => {
    const world = new World(makePolicy({ match: [{ claim: 'oid', field: 'externalId' }] }));
    const { identityId } = world.push('u-1', { userName: 'ada' });
    world.login({ sub: 's-1', oid: 'u-1' });
    world.now += 10;
    const off = world.apply(pushOf(null, { active: false }, { identityId: identityId ?? '', newest: true }));
    expect(off).toMatchObject({ result: 'deactivated', endSessions: 'deactivated' });
    world.now += 10;
    const on = world.apply(pushOf(null, { active: true }, { identityId: identityId ?? '', newest: true }));
    expect(on.result).toBe('reactivated');
    expect(on.endSessions).toBeUndefined();
    expect(world.login({ sub: 's-1', oid: 'u-1' }, { at: NOW + 5 }).problem?.code).toBe('token_superseded');
    expect(world.login({ sub: 's-1', oid: 'u-1' }, { at: world.now }).result).not.toBe('refused');
  });
});

describe('expressions that fail (E9)', () => {
  const failing = { mapping: { roles: [{ id: 'bad', when: 'claims.level > 3', grant: ['viewer'] }] } };

  it('denies the login and fails the record, with the id of the rule', () => {
    const world = new World(makePolicy(failing));
    const outcome = world.login({ ...ADA, level: 'high' });
    expect(outcome).toMatchObject({
      result: 'refused',
      problem: { code: 'rule_failed', detail: expect.stringContaining('`bad`') },
    });
    expect(world.push('u-1', { 'attributes.level': 'high' })).toMatchObject({
      result: 'failed',
      problem: { code: 'rule_failed' },
    });
    expect(world.people.size).toBe(0);
  });

  it('takes a claim that is stated as empty for one that matches nothing', () => {
    const world = new World(makePolicy(failing));
    expect(world.login({ ...ADA, level: null }).result).toBe('created');
  });

  it.each(['groups', 'email', 'emailVerified', 'entitlements'] as const)(
    'denies where the expression of %s fails',
    (field) => {
      const mapping = { [field]: 'claims.raw.lowerAscii()' };
      const world = new World(makePolicy({ mapping, authoritativeDomains: ['acme.com'] }));
      const claims = { ...ADA, email: 'ada@acme.com' };
      expect(world.login({ ...claims, raw: 7 })).toMatchObject({ result: 'refused', problem: { code: 'rule_failed' } });
      expect(world.login(claims).result).toBe('created');
      world.now += 10;
      expect(world.login({ ...claims, raw: 7 })).toMatchObject({ result: 'refused', problem: { code: 'rule_failed' } });
    },
  );
});
