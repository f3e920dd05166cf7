import { describe, expect, it } from '@jest/globals';
import { makePolicy, NOW, World } from '../../test/support/plan-world.js';
import { diffPerson } from '../plan/diff.js';
import type { AdminGrant, Person } from '../plan/person.js';
import { mayLoseOwner } from './owner-guard.js';

const FOR_GOOD: AdminGrant = {
  kind: 'role',
  key: 'owner',
  since: NOW,
  source: 'admin',
  adminId: 'boss',
  reason: null,
  until: null,
};
const UNTIL: AdminGrant = { ...FOR_GOOD, until: NOW + 100 };

/** Somebody whose connection makes them an owner, or does not, with what admins gave. */
function start(roles: string[], grants: readonly AdminGrant[]): Person {
  const world = new World(makePolicy({ allowPrivileged: true, allowedRoles: new Set(['owner']) }));
  const { userId } = world.push('u-1', { roles });
  const person = world.person(userId);
  return { ...person, grants: [...person.grants, ...grants] };
}

const switchedOff = (person: Person): Person => ({
  ...person,
  identities: person.identities.map((one) => ({ ...one, active: false })),
});
const withoutGiven = (person: Person): Person => ({
  ...person,
  grants: person.grants.filter(({ source }) => source === 'admin'),
});

describe('who may lose the role of an owner by a statement', () => {
  it.each([
    ['whose connection alone makes them one', ['owner'], [], true],
    ['whom an admin makes one for good too', ['owner'], [FOR_GOOD], false],
    ['whom an admin makes one until a time too', ['owner'], [UNTIL], true],
    ['whom an admin alone makes one', [], [UNTIL], false],
  ] as const)('somebody %s, and who is switched off or loses what it gave', (_, roles, grants, loses) => {
    const before = start([...roles], grants);
    const outcomes = [switchedOff, withoutGiven].map((edit) => {
      const change = diffPerson(before, edit(before), NOW);
      return change !== null && mayLoseOwner(change, NOW);
    });
    expect(outcomes).toEqual([loses, loses]);
  });
});
