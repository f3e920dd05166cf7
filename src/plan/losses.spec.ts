import { describe, expect, it } from '@jest/globals';
import { makePolicy, NOW, World } from '../../test/support/plan-world.js';
import { findLoss } from './losses.js';

function worldOf(fields = {}): World {
  const world = new World(makePolicy());
  world.push('u', { userName: 'ada', roles: ['viewer'], ...fields });
  return world;
}

describe('what a statement takes from a user', () => {
  it.each([
    ['nothing by a new name', { displayName: 'Ada' }, null],
    ['nothing by saying the same', { roles: ['viewer'] }, null],
    ['nothing by one role more', { roles: ['viewer', 'editor'] }, null],
    ['a role', { roles: [] }, { deactivates: false, loses: ['role viewer'] }],
    ['one role for another', { roles: ['editor'] }, { deactivates: false, loses: ['role viewer'] }],
    ['everything, as it is switched off', { active: false }, { deactivates: true, loses: ['role viewer'] }],
  ])('%s', (_, fields, expected) => {
    const outcome = worldOf().push('u', fields, { newest: true });
    expect(findLoss(outcome, NOW)).toEqual(expected);
  });

  it('nothing, where it is the first that is heard of them', () => {
    const world = new World(makePolicy());
    expect(findLoss(world.push('u', { userName: 'ada', active: false }), NOW)).toBeNull();
  });

  it('nothing, where they are off already and come back', () => {
    const outcome = worldOf({ active: false }).push('u', { active: true }, { newest: true });
    expect(findLoss(outcome, NOW)).toBeNull();
  });

  it('nothing that they do not hold while they are off', () => {
    const outcome = worldOf({ active: false }).push('u', { roles: [] }, { newest: true });
    expect(findLoss(outcome, NOW)).toBeNull();
  });
});
