import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { makePolicy, NOW, World } from '../../test/support/plan-world.js';
import { MINUTE, SECOND } from '../platform/clock.js';
import type { PersonChanges } from './changes.js';
import { diffPerson } from './diff.js';
import type { BlockState, GrantState, Person } from './person.js';

function start(): { world: World; userId: string; person: Person } {
  const world = new World(makePolicy());
  const userId = world.push('u-1', { displayName: 'Ada', groups: ['engineering'] }).userId ?? '';
  return { world, userId, person: world.person(userId) };
}

describe('what is written and told of a changed person', () => {
  it('nothing for the same person', () => {
    const { person } = start();
    expect(diffPerson(person, person, NOW)).toBeNull();
    expect(diffPerson(person, structuredClone(person), NOW)).toBeNull();
  });

  it.each([
    ['the same moment', 0, 1],
    ['a moment before, of a clock that is behind', -5 * SECOND, 1],
    ['a minute before: that clock was wrong', -2 * MINUTE, -2 * MINUTE],
    ['later', 7, 7],
  ])('a version is later than the one before: %s', (_, passes, later) => {
    const { world, userId, person } = start();
    const last = person.user.updatedAt;
    world.push('u-1', { displayName: 'A.' });
    const changes = diffPerson(person, world.person(userId), last + passes);
    expect(changes?.user?.updatedAt).toBe(last + later);
  });

  it('a new user is version 1, with one event that names fields and grants but no values', () => {
    const { person } = start();
    const changes = diffPerson(null, { ...person, user: { ...person.user, version: 0 } }, NOW);
    expect(changes).toMatchObject({ fromVersion: 0, quiet: false, identitiesAdded: [{}], grantsAdded: [{}] });
    expect(changes?.event).toMatchObject({ type: 'user.created', version: 1 });
    expect(changes?.event?.granted).toEqual([
      { kind: 'role', key: 'editor', rule: 'eng', connectionId: 'a', because: 'groups has engineering' },
    ]);
    expect(JSON.stringify(changes?.event)).not.toContain('Ada');
  });

  it.each<[string, (world: World) => unknown, string[]]>([
    ['user.updated', (world) => world.push('u-1', { displayName: 'A.' }), ['displayName']],
    ['user.roles_changed', (world) => world.push('u-1', { groups: [] }), ['groups', 'roles']],
    ['user.deactivated', (world) => world.push('u-1', { active: false }), ['active', 'notBefore']],
  ])('tells of %s with the names of the fields', (type, act, fields) => {
    const { world, userId, person } = start();
    world.now += 10;
    act(world);
    const changes = diffPerson(
      person,
      { ...world.person(userId), user: { ...world.person(userId).user, version: 1 } },
      NOW,
    );
    expect(changes?.event).toMatchObject({ type, version: 2, fields });
  });

  it('raises no version and tells of nothing where only times moved', () => {
    const { world, userId, person } = start();
    world.now += 10;
    world.push('u-1', { displayName: 'Ada', groups: ['engineering'] });
    const changes = diffPerson(person, world.person(userId), NOW);
    expect(changes).toMatchObject({ quiet: true, event: null, user: null, identitiesUpdated: [{}] });
    expect(changes?.after?.user.version).toBe(1);
  });

  it('tells of suspension and deletion', () => {
    const { person } = start();
    const suspended = { ...person, user: { ...person.user, suspended: true } };
    expect(diffPerson(person, suspended, NOW)?.event?.type).toBe('user.suspended');
    expect(diffPerson(suspended, person, NOW)?.event?.type).toBe('user.unsuspended');
    const deleted = diffPerson(person, null, NOW);
    expect(deleted).toMatchObject({
      deleted: true,
      user: null,
      after: null,
      identitiesRemoved: [{}],
      event: { type: 'user.deleted', version: 1 },
    });
  });
});

type Drawn<A> = A extends fc.Arbitrary<infer T> ? T : never;

/** The rows as a database would have them after the changes. */
function applyRows(before: Person, changes: PersonChanges | null): Person {
  if (!changes) return before;
  const without = <T>(rows: T[], gone: unknown[]): T[] =>
    rows.filter((row) => !gone.some((one) => JSON.stringify(one) === JSON.stringify(row)));
  const updated = new Map(changes.identitiesUpdated.map((one) => [one.id, one]));
  return {
    user: changes.user ?? before.user,
    identities: [
      ...without(before.identities, changes.identitiesRemoved).map((one) => updated.get(one.id) ?? one),
      ...changes.identitiesAdded,
    ],
    grants: [
      ...without(before.grants, [...changes.grantsRemoved, ...changes.grantsUpdated.map((one) => one.before)]),
      ...changes.grantsAdded,
      ...changes.grantsUpdated.map((one) => one.after),
    ],
    blocks: [...without(before.blocks, changes.blocksRemoved), ...changes.blocksAdded],
  };
}

const sorted = (person: Person): unknown => ({
  user: { ...person.user, version: 0, updatedAt: 0 },
  identities: person.identities.map((one) => JSON.stringify(one)).sort(),
  grants: person.grants.map((one) => JSON.stringify(one)).sort(),
  blocks: person.blocks.map((one) => JSON.stringify(one)).sort(),
});

describe('properties of the diff', () => {
  const grant: fc.Arbitrary<GrantState> = fc.oneof(
    fc.record({
      kind: fc.constantFrom('role' as const, 'entitlement' as const),
      key: fc.constantFrom('x', 'y'),
      since: fc.nat(3),
      source: fc.constant('connection' as const),
      identityId: fc.constantFrom('i-1', 'i-2'),
      connectionId: fc.constant('a'),
      rule: fc.constantFrom('r', 'direct'),
      mappingVersion: fc.nat(2),
      because: fc.constantFrom('this', 'that'),
    }),
    fc.record({
      kind: fc.constant('role' as const),
      key: fc.constantFrom('x', 'y'),
      since: fc.nat(3),
      source: fc.constant('admin' as const),
      adminId: fc.constantFrom('p', 'q'),
      reason: fc.constantFrom(null, 'why'),
      until: fc.constantFrom(null, 9),
    }),
  );
  const keyOf = (one: GrantState): string =>
    [one.kind, one.key, one.source === 'admin' ? one.adminId : `${one.identityId}/${one.rule}`].join(' ');
  const block: fc.Arbitrary<BlockState> = fc.record({
    kind: fc.constant('role' as const),
    key: fc.constantFrom('x', 'y'),
    adminId: fc.constantFrom('p', 'q'),
    reason: fc.constant(null),
    since: fc.nat(2),
    until: fc.constantFrom(null, 9),
  });
  const rows = fc.record({
    grants: fc.uniqueArray(grant, { selector: keyOf, maxLength: 5 }),
    blocks: fc.uniqueArray(block, { selector: ({ key }) => key, maxLength: 2 }),
    names: fc.uniqueArray(fc.constantFrom('i-1', 'i-2', 'i-3'), { maxLength: 3 }),
    active: fc.boolean(),
    displayName: fc.constantFrom(null, 'Ada', 'Eve'),
    attributes: fc.dictionary(fc.constantFrom('a', 'b'), fc.constantFrom(1, 2)),
    suspended: fc.boolean(),
  });

  it('the rows of before, changed as the diff says, are those of after', () => {
    const { person } = start();
    const build = (given: Drawn<typeof rows>): Person => ({
      user: {
        ...person.user,
        displayName: given.displayName,
        attributes: given.attributes,
        suspended: given.suspended,
      },
      identities: given.names.map((id) => ({ ...person.identities[0]!, id, active: given.active })),
      grants: given.grants,
      blocks: given.blocks,
    });
    fc.assert(
      fc.property(rows, rows, (one, two) => {
        const [before, after] = [build(one), build(two)];
        expect(sorted(applyRows(before, diffPerson(before, after, NOW)))).toEqual(sorted(after));
      }),
      { numRuns: 500 },
    );
  });
});
