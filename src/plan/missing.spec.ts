import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { makePolicy, NOW, pushOf, World } from '../../test/support/plan-world.js';
import { mergeStatement, NO_FACTS, type AbsencePolicy } from './facts.js';
import { isMissing, missingStatement, planLeaving } from './missing.js';
import type { IdentityState } from './person.js';
import { planStatement } from './plan.js';
import type { Statement } from './statement.js';

const TRUTH = { connectionId: 'a', scope: 'hr', statedAt: NOW + 10 };
const KEEP: AbsencePolicy = { whenAbsent: () => 'keep', whenOverage: () => 'keep', absenceOf: { push: [], token: [] } };

function worldWith(fields = {}, more: Partial<Statement> = {}): { world: World; identity: () => IdentityState } {
  const world = new World(makePolicy());
  const { userId } = world.push('u', { userName: 'ada', ...fields }, { scope: 'hr', ...more });
  const identity = () => world.people.get(userId ?? '')?.identities[0] as IdentityState;
  return { world, identity };
}

describe('who is missing from a snapshot', () => {
  const { identity } = worldWith();
  it.each([
    ['stated by its scope before it', {}, TRUTH, true],
    ['stated at the very moment of it', {}, { ...TRUTH, statedAt: NOW }, true],
    ['stated since', {}, { ...TRUTH, statedAt: NOW - 1 }, false],
    ['stated by another scope', {}, { ...TRUTH, scope: 'it' }, false],
    ['stated for the whole connection', { scope: '' }, TRUTH, false],
    ['known by login or SCIM alone', { scope: null }, TRUTH, false],
    ['at another connection', {}, { ...TRUTH, connectionId: 'b' }, false],
    ['switched off already', { active: false }, TRUTH, false],
  ])('%s', (_, more, truth, expected) => {
    expect(isMissing({ ...identity(), ...more }, truth)).toBe(expected);
  });
});

describe('an identity that is missing', () => {
  it('is switched off, its sessions end, and no token from before logs in again', () => {
    const { world, identity } = worldWith();
    world.now += 20;
    const outcome = world.apply(missingStatement('a', identity().id, NOW + 10));
    expect([outcome.result, outcome.endSessions]).toEqual(['deactivated', 'deactivated']);
    expect([identity().active, identity().notBefore]).toEqual([false, NOW + 20]);
  });

  it('comes back when it is stated again, though the record says nothing of `active`', () => {
    const { world, identity } = worldWith();
    world.apply(missingStatement('a', identity().id, NOW + 10));
    expect(world.push('u', { userName: 'ada' }, { scope: 'hr', newest: true }).result).toBe('reactivated');
    expect(identity().facts.push?.values).toEqual({ userName: 'ada' });
  });

  it('stays off when it comes back as `active: false`, or was that before', () => {
    const { world, identity } = worldWith({ active: false });
    world.apply(missingStatement('a', identity().id, NOW + 10));
    world.push('u', { userName: 'ada' }, { newest: true });
    expect(identity().active).toBe(false);
  });

  it('is not switched off by a snapshot that is older than what was said since', () => {
    const { world, identity } = worldWith();
    expect(world.apply(missingStatement('a', identity().id, NOW - 1)).result).toBe('stale');
    expect(identity().active).toBe(true);
  });

  it('loses none of its fields by what the mapping makes of absence', () => {
    const world = new World(makePolicy({ mapping: { whenAbsent: 'clear' } }));
    const { identityId } = world.push('u', { userName: 'ada', email: 'ada@x.example' }, { scope: '' });
    const { person } = world.apply(missingStatement('a', identityId ?? '', NOW + 10));
    expect([person?.user.email, person?.identities[0]?.active]).toEqual(['ada@x.example', false]);
  });

  it('ends the same in whatever order dated statements and snapshots come', () => {
    const word = fc.record({ at: fc.integer({ min: 1, max: 1000 }), isMissing: fc.boolean() });
    const words = fc.uniqueArray(word, { minLength: 2, maxLength: 6, selector: ({ at }) => at });
    const shuffled = words.chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
    );
    fc.assert(
      fc.property(shuffled, ([all, other]) => {
        const told = (some: typeof all) => {
          const first = pushOf('u', { userName: 'ada' }, { at: 0 });
          return some.reduce(
            (facts, { at, isMissing: gone }) => {
              const statement = gone
                ? missingStatement('a', 'i', at)
                : pushOf('u', { displayName: `at ${at}` }, { at });
              return mergeStatement(facts, statement, KEEP, 0).facts;
            },
            mergeStatement(NO_FACTS, first, KEEP, 0).facts,
          );
        };
        const newest = all.reduce((one, each) => (each.at > one.at ? each : one));
        expect(told(all).push?.values.missing === true).toBe(newest.isMissing);
        expect(told(other).push?.values).toEqual(told(all).push?.values);
      }),
    );
  });
});

describe('an identity that is leaving', () => {
  function leaving() {
    const { world, identity } = worldWith();
    const directory = world.open();
    expect(planLeaving(directory, identity().id, NOW + 500).result).toBe('updated');
    const [change] = directory.changes(world.now);
    world.keep(directory);
    return { world, identity, change };
  }

  it('is active, and the ledger is told', () => {
    const { identity, change } = leaving();
    expect([identity().active, identity().leavingAt]).toEqual([true, NOW + 500]);
    expect([change?.event?.type, change?.event?.fields]).toEqual(['user.leaving', ['leavingAt']]);
  });

  it('stays as soon as it is stated again, though nothing new is said', () => {
    const { world, identity } = leaving();
    expect(world.push('u', { userName: 'ada' }, { scope: 'hr' }).result).toBe('updated');
    expect(identity().leavingAt).toBeNull();
  });

  it('goes on leaving when it logs in', () => {
    const world = new World(makePolicy({ match: [{ claim: 'preferred_username', field: 'userName' }] }));
    const { identityId } = world.push('u', { userName: 'ada' }, { scope: '' });
    const directory = world.open();
    planLeaving(directory, identityId ?? '', NOW + 500);
    world.keep(directory);
    const { person } = world.login({ sub: 's', preferred_username: 'ada' });
    expect(person?.identities).toMatchObject([{ id: identityId, subject: 's', leavingAt: NOW + 500 }]);
  });

  it('leaves no more once it is switched off', () => {
    const { world, identity } = leaving();
    world.apply(missingStatement('a', identity().id, NOW + 10));
    expect([identity().active, identity().leavingAt]).toEqual([false, null]);
  });
});

describe('the scope of an identity', () => {
  it('is that of the push which last stated it, though it says nothing new; nobody is told', () => {
    const { world, identity } = worldWith();
    const directory = world.open();
    const statement = pushOf('u', { userName: 'ada' }, { scope: 'it', newest: true });
    const outcome = planStatement(directory, statement, makePolicy(), world.context, 'push');
    const [change] = directory.changes(world.now);
    expect([outcome.result, change?.quiet, change?.event]).toEqual(['unchanged', true, null]);
    world.keep(directory);
    expect(identity().scope).toBe('it');
  });

  it.each([
    ['a SCIM write', pushOf('u', { displayName: 'Ada' }, { newest: true })],
    ['an older word', pushOf('u', { displayName: 'Ada' }, { at: NOW - 5, scope: 'it' })],
  ])('is not moved by %s', (_, statement) => {
    const { world, identity } = worldWith({ displayName: 'Countess' });
    world.apply(statement);
    expect(identity().scope).toBe('hr');
  });
});
