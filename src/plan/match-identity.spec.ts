import { describe, expect, it } from '@jest/globals';
import { grantsOf, makePolicy, NOW, World } from '../../test/support/plan-world.js';
import type { Person } from './person.js';

const ADA = { sub: 's-1', preferred_username: 'Ada' };
const MAIL = { email: 'ada@acme.com', email_verified: true };

describe('rule 5: who is who', () => {
  it('E1 equal subjects and equal e-mails of two connections are two users', () => {
    const world = new World(makePolicy(), makePolicy({ id: 'b' }));
    const one = world.login({ ...ADA, ...MAIL });
    const two = world.login({ ...ADA, ...MAIL }, { connectionId: 'b' });
    expect(two.result).toBe('created');
    expect(two.userId).not.toBe(one.userId);
  });

  it('finds a pushed identity by the first pair of login.match that fits, and binds it for good', () => {
    const match = [
      { claim: 'oid', field: 'externalId' as const },
      { claim: 'preferred_username', field: 'userName' as const },
    ];
    const world = new World(makePolicy({ match }));
    const { userId } = world.push('u-1', { userName: 'ADA' });
    expect(world.login({ ...ADA, oid: 'nobody' })).toMatchObject({ userId, result: 'updated' });
    expect(world.person(userId).identities[0]?.subject).toBe('s-1');
    // Bound: another subject with the same name does not get it.
    expect(world.login({ ...ADA, sub: 's-2' })).toMatchObject({
      result: 'refused',
      problem: { code: 'user_name_taken' },
      userId: null,
    });
    expect(world.people.size).toBe(1);
  });

  it('binds by e-mail only under its condition, and only to the one person who has it', () => {
    const match = [{ claim: 'email', field: 'email' as const, when: 'claims.email_verified' }];
    const world = new World(makePolicy({ match, mapping: { userName: null } }));
    const { userId } = world.push('u-1', { email: 'Ada@acme.com' });
    expect(world.login({ sub: 's-0', email: 'ada@acme.com', email_verified: false }).userId).not.toBe(userId);
    expect(world.login({ sub: 's-1', ...MAIL }).userId).toBe(userId);
    const twins = ['u-2', 'u-3'].map((id) => world.push(id, { email: 'twin@acme.com' }).userId);
    expect(twins).not.toContain(world.login({ sub: 's-2', email: 'twin@acme.com', email_verified: true }).userId);
  });

  it('lets a push find whom a token made, by the name that the match list gives', () => {
    const world = new World(makePolicy({ match: [{ claim: 'oid', field: 'externalId' }] }));
    const { userId } = world.login({ ...ADA, oid: 'u-1' });
    expect(world.push('u-1', { roles: ['viewer'] })).toMatchObject({ userId, result: 'updated' });
  });

  it('refuses an unknown person where logins make no users', () => {
    const world = new World(makePolicy({ createUsers: false }));
    expect(world.login(ADA)).toMatchObject({ result: 'refused', problem: { code: 'unknown_person' } });
    expect(world.people.size).toBe(0);
  });

  it('E3 keeps the user when the user name or e-mail at the IdP changes', () => {
    const world = new World(makePolicy());
    const { userId } = world.login({ ...ADA, ...MAIL });
    world.now += 10;
    const again = world.login({ ...ADA, preferred_username: 'ada.l', email: 'l@acme.com', email_verified: true });
    expect(again).toMatchObject({ userId, result: 'updated' });
    expect(world.person(userId).user).toMatchObject({ userName: 'ada.l', email: 'l@acme.com', emailVerified: true });
  });

  it('a taken user name fails a push, and leaves a known token its old one', () => {
    const world = new World(makePolicy());
    world.push('u-1', { userName: 'bob' });
    expect(world.push('u-2', { userName: 'BOB' })).toMatchObject({
      result: 'failed',
      problem: { code: 'user_name_taken' },
    });
    const { userId } = world.login({ ...ADA, groups: [] });
    world.now += 10;
    const outcome = world.login({ ...ADA, preferred_username: 'Bob', groups: ['engineering'] });
    expect(outcome).toMatchObject({ result: 'updated', problem: { code: 'user_name_taken' } });
    expect(world.person(userId).user.userName).toBe('Ada');
    expect(grantsOf(world.person(userId))).toEqual(['editor by a/eng']);
  });

  it('josé and jose, and homoglyph twins, are different people', () => {
    const world = new World(makePolicy());
    const results = ['jose', 'josé', 'аda', 'ada', 'JOSÉ'].map(
      (userName, i) => world.push(`u-${i}`, { userName }).result,
    );
    expect(results).toEqual(['created', 'created', 'created', 'created', 'failed']);
  });
});

describe('rule 5: links by e-mail (E2)', () => {
  const linking = makePolicy({ id: 'b', authoritativeDomains: ['acme.com'] });
  const login = (world: World, claims = {}): string | null =>
    world.login({ sub: 'b-1', ...MAIL, ...claims }, { connectionId: 'b' }).userId;
  const start = (policy = linking, domains = ['acme.com']): { world: World; userId: string | null } => {
    const world = new World(makePolicy({ authoritativeDomains: domains }), policy);
    return { world, userId: world.login({ ...ADA, ...MAIL }).userId };
  };

  it('links where the connection is authoritative and both addresses are verified', () => {
    const { world, userId } = start();
    expect(login(world)).toBe(userId);
    expect(world.person(userId).identities.map(({ connectionId }) => connectionId)).toEqual(['a', 'b']);
  });

  it('links nobody where two users have the address, nor a second person of one connection', () => {
    const { world, userId } = start();
    world.policies.set('c', makePolicy({ id: 'c' }));
    const second = world.login({ sub: 'c-1', ...MAIL }, { connectionId: 'c' }).userId;
    expect(second).not.toBe(userId);
    expect([userId, second]).not.toContain(login(world));
    const other = start();
    expect(login(other.world)).toBe(other.userId);
    expect(login(other.world, { sub: 'b-2' })).not.toBe(other.userId);
  });

  it.each<[string, (person: Person) => Person, Record<string, string | boolean>]>([
    ['the token does not say verified', (person) => person, { email_verified: false }],
    ['the token says verified as a text', (person) => person, { email_verified: 'true' }],
    ['the domain is another', (person) => person, { email: 'ada@other.com' }],
    ['the domain only ends alike', (person) => person, { email: 'ada@notacme.com' }],
    [
      "the user's own address is not verified",
      (person) => ({ ...person, user: { ...person.user, emailVerified: false } }),
      {},
    ],
    [
      'the user holds a privileged role',
      (person) => ({
        ...person,
        grants: [{ kind: 'role', key: 'owner', since: NOW, source: 'admin', adminId: 'x', reason: null, until: null }],
      }),
      {},
    ],
  ])('does not link where %s', (_, edit, claims) => {
    const { world, userId } = start();
    world.change(userId, edit);
    expect(login(world, claims)).not.toBe(userId);
  });

  it.each([[['acme.com'], true] as const, [[], false] as const, [['evil.com'], false] as const])(
    'takes the word of a connection that is authoritative for %j on the address as proof: %s',
    (domains, links) => {
      const { world, userId } = start(linking, [...domains]);
      expect(world.person(userId).user.emailVerified).toBe(true);
      expect(login(world) === userId).toBe(links);
    },
  );

  it('takes an admin for proof where no connection states the address, and not where one does', () => {
    const byHand = (person: Person): Person => ({
      ...person,
      user: { ...person.user, email: MAIL.email, emailVerified: true },
    });
    const world = new World(makePolicy(), linking);
    const { userId } = world.login(ADA);
    world.change(userId, byHand);
    expect(login(world)).toBe(userId);
    const other = new World(makePolicy(), linking);
    const stated = other.login({ ...ADA, ...MAIL, email_verified: false }).userId;
    other.change(stated, byHand);
    expect(login(other)).not.toBe(stated);
  });

  it('takes no proof for given while the policy of a connection of the user is not there', () => {
    const { world, userId } = start(linking, []);
    world.policies.delete('a');
    expect(login(world)).not.toBe(userId);
  });

  it('links where a second connection of the user has proven the address that the first states', () => {
    const { world, userId } = start(linking, []);
    const proving = makePolicy({ id: 'c', authoritativeDomains: ['acme.com'] });
    world.policies.set('c', proving);
    const joined = world.login({ sub: 'c-1', ...MAIL }, { connectionId: 'c' });
    const [identity] = world.person(joined.userId).identities;
    world.people.delete(joined.userId ?? '');
    world.change(userId, (person) => ({
      ...person,
      identities: [...person.identities, ...(identity ? [identity] : [])],
    }));
    expect(login(world)).toBe(userId);
  });

  it('links a provider that never says verified only where the connection says always', () => {
    const always = makePolicy({ id: 'b', authoritativeDomains: ['acme.com'], emailVerified: 'always' });
    const silent = { sub: 'b-1', email: 'ada@acme.com' };
    const { world, userId } = start(always);
    expect(world.login(silent, { connectionId: 'b' }).userId).toBe(userId);
    const claim = start();
    expect(claim.world.login(silent, { connectionId: 'b' }).userId).not.toBe(claim.userId);
  });

  it('does not take one voice for the proof of the other: a pushed address is not verified by a token with another', () => {
    const world = new World(makePolicy({ match: [{ claim: 'oid', field: 'externalId' }] }));
    const { userId } = world.push('u-1', { email: 'boss@acme.com' });
    world.login({ sub: 's-1', oid: 'u-1', email: 'me@evil.com', email_verified: true });
    expect(world.person(userId).user).toMatchObject({ email: 'boss@acme.com', emailVerified: false });
  });

  it('does not take a proof of the old address for one of the new', () => {
    const world = new World(makePolicy());
    const { userId } = world.push('u-1', { email: 'old@acme.com', emailVerified: true });
    world.push('u-1', { email: 'new@acme.com' }, { at: NOW + 5 });
    expect(world.person(userId).user).toMatchObject({ email: 'new@acme.com', emailVerified: false });
  });
});

describe('rule 7: off is off', () => {
  it('deactivation ends the sessions and keeps the grants, which do not count', () => {
    const world = new World(makePolicy());
    const { userId } = world.push('u-1', { roles: ['viewer'] });
    world.now += 10;
    expect(world.push('u-1', { active: false })).toMatchObject({ result: 'deactivated', endSessions: 'deactivated' });
    expect(world.person(userId).identities[0]).toMatchObject({ active: false, notBefore: world.now });
    expect(grantsOf(world.person(userId))).toEqual(['viewer by a/direct']);
  });

  it.each(['inactive', 'suspended'] as const)(
    'E11 refuses a token of somebody who is %s before any change',
    (state) => {
      const world = new World(makePolicy({ match: [{ claim: 'oid', field: 'externalId' }] }));
      const { userId } = world.push('u-1', { active: state !== 'inactive' });
      if (state === 'suspended')
        world.change(userId, (person) => ({ ...person, user: { ...person.user, suspended: true } }));
      const before = world.person(userId);
      world.now += 10;
      const code = state === 'inactive' ? 'identity_inactive' : 'user_suspended';
      expect(world.login({ ...ADA, oid: 'u-1', groups: ['engineering'] })).toMatchObject({
        result: 'refused',
        userId,
        problem: { code },
      });
      expect(world.person(userId)).toBe(before);
      expect(world.people.size).toBe(1);
    },
  );

  it('G7 a token from before the switching off never logs in again, not after a switching on either', () => {
    const world = new World(makePolicy({ match: [{ claim: 'oid', field: 'externalId' }] }));
    world.push('u-1', {});
    world.now += 10;
    world.push('u-1', { active: false });
    world.now += 10;
    expect(world.push('u-1', { active: true }).result).toBe('reactivated');
    const old = world.login({ ...ADA, oid: 'u-1' }, { at: NOW + 5 });
    expect(old).toMatchObject({ result: 'refused', problem: { code: 'token_superseded' } });
    expect(world.login({ ...ADA, oid: 'u-1' }).result).toBe('updated');
  });

  it('G7 a token from before its deletion does not bring a person back; a later one makes a new person', () => {
    const world = new World(makePolicy());
    world.traces.push({ connectionId: 'a', subject: 's-1', notBefore: NOW });
    expect(world.login(ADA, { at: NOW - 1 })).toMatchObject({
      result: 'refused',
      problem: { code: 'identity_deleted' },
    });
    expect(world.people.size).toBe(0);
    expect(world.login(ADA, { at: NOW }).result).toBe('created');
  });
});
