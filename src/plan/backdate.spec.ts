import { describe, expect, it } from '@jest/globals';
import { pushOf } from '../../test/support/plan-world.js';
import { mergeStatement, NO_FACTS, readStated, type AbsencePolicy, type Facts } from './facts.js';
import type { Statement } from './statement.js';

const KEEP: AbsencePolicy = { whenAbsent: () => 'keep', whenOverage: () => 'keep', absenceOf: { push: [], token: [] } };
const say = (facts: Facts, ...statements: Statement[]): Facts =>
  statements.reduce((before, each) => mergeStatement(before, each, KEEP, 0).facts, facts);

describe('a statement that replaces what was said up to a moment', () => {
  const known = say(
    NO_FACTS,
    pushOf('u', { email: 'a@x', active: true }, { at: 10 }),
    pushOf('u', { email: 'b@x', groups: ['g'] }, { at: 40 }),
  );
  const replacing = { ...pushOf('u', { email: 'a@x', active: true }, { at: 20 }), replacesUntil: 50 };

  it('wins over what is newer, and is what was said last, as of its own time', () => {
    const merged = mergeStatement(known, replacing, KEEP, 0);
    expect([merged.stale, merged.changed]).toEqual([false, ['email']]);
    expect(merged.facts.push).toEqual({ at: 20, values: { active: true, email: 'a@x', groups: ['g'] } });
    expect(say(merged.facts, replacing)).toBe(merged.facts);
  });

  it('moves the time back though it says what is known', () => {
    const same = { ...pushOf('u', { email: 'b@x', groups: ['g'], active: true }, { at: 20 }), replacesUntil: 50 };
    expect(mergeStatement(known, same, KEEP, 0)).toMatchObject({
      stale: false,
      changed: [],
      facts: { push: { at: 20 } },
    });
  });

  it('is older than what was said after that moment, in whatever order they come', () => {
    const later = pushOf('u', { email: 'c@x' }, { at: 60 });
    const expected = { active: true, email: 'c@x', groups: ['g'] };
    for (const facts of [say(known, replacing, later), say(known, later, replacing)]) {
      expect([facts.push?.at, facts.push?.values]).toEqual([60, expected]);
      expect(readStated(facts.push, 'active')?.at).toBe(20);
    }
  });

  it('takes away that they were missing, at its own time, and that all was cleared', () => {
    const gone = say(known, pushOf('u', { missing: true }, { at: 45 }));
    expect(say(gone, replacing).push).toEqual({ at: 20, values: { active: true, email: 'a@x', groups: ['g'] } });
    const cleared = say(known, pushOf('u', {}, { at: 45, complete: true }));
    expect(say(cleared, replacing).push).toMatchObject({ cleared: { all: 20 }, values: { email: 'a@x' } });
  });

  it('leaves alone what tokens said', () => {
    const token: Statement = { ...pushOf('u', { email: 't@x' }, { at: 45 }), voice: 'token' };
    expect(say(say(known, token), replacing).token).toEqual({ at: 45, values: { email: 't@x' } });
  });
});
