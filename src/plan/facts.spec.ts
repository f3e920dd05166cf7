import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { pushOf } from '../../test/support/plan-world.js';
import {
  mergeStatement,
  NO_FACTS,
  noteWaiting,
  readStated,
  sameJson,
  type AbsencePolicy,
  type Facts,
} from './facts.js';
import type { Absence } from './policy.js';
import type { Json, Statement } from './statement.js';

const KEEP: AbsencePolicy = { whenAbsent: () => 'keep', whenOverage: () => 'keep', absenceOf: { push: [], token: [] } };
const say = (facts: Facts, statement: Statement, policy = KEEP, now = 0): Facts =>
  mergeStatement(facts, statement, policy, now).facts;

describe('facts', () => {
  it('keeps the newest word of each field, whatever the order', () => {
    const late = pushOf('u', { email: 'new@x' }, { at: 20 });
    const early = pushOf('u', { email: 'old@x', displayName: 'Ada' }, { at: 10 });
    const expected = { at: 20, values: { displayName: 'Ada', email: 'new@x' }, times: { displayName: 10 } };
    expect(say(say(NO_FACTS, late), early).push).toEqual(expected);
    expect(say(say(NO_FACTS, early), late).push).toEqual(expected);
  });

  it('calls a statement stale if all of it is older, and changes nothing then', () => {
    const facts = say(NO_FACTS, pushOf('u', { email: 'new@x' }, { at: 20 }));
    const merged = mergeStatement(facts, pushOf('u', { email: 'old@x' }, { at: 10 }), KEEP, 0);
    expect(merged.stale).toBe(true);
    expect(merged.facts).toBe(facts);
  });

  it('takes the later arrival of two equal times', () => {
    const facts = say(NO_FACTS, pushOf('u', { email: 'one@x' }, { at: 20 }));
    expect(readStated(say(facts, pushOf('u', { email: 'two@x' }, { at: 20 })).push, 'email')?.value).toBe('two@x');
  });

  it('takes what has no time of its own for the newest, even against a time ahead', () => {
    const facts = say(NO_FACTS, pushOf('u', { email: 'ahead@x' }, { at: 900 }));
    const merged = mergeStatement(facts, pushOf('u', { email: 'now@x' }, { newest: true }), KEEP, 500);
    expect(merged.facts.push).toEqual({ at: 900, values: { email: 'now@x' } });
  });

  it('loses the attributes that one leaves out which names them all, and nothing else; a later word of one of them stays', () => {
    const facts = say(NO_FACTS, pushOf('u', { 'attributes.a': 1, 'attributes.b': 2, email: 'a@x' }, { at: 10 }));
    const all = { ...pushOf('u', { 'attributes.b': 3 }, { at: 20 }), allAttributes: true };
    const merged = mergeStatement(facts, all, KEEP, 0);
    expect([merged.changed.sort(), merged.facts.push?.values]).toEqual([
      ['attributes.a', 'attributes.b'],
      { 'attributes.b': 3, email: 'a@x' },
    ]);
    const later = pushOf('u', { 'attributes.a': 4 }, { at: 30 });
    expect(say(say(facts, later), all)).toEqual(say(merged.facts, later));
  });

  it('is named by a snapshot at the moment of that, though the record has an older time of its own', () => {
    const gone = say(
      say(NO_FACTS, pushOf('u', { email: 'a@x' }, { at: 10 })),
      pushOf('u', { missing: true }, { at: 20 }),
    );
    const dated = pushOf('u', { email: 'a@x' }, { at: 10 });
    expect(say(gone, dated).push?.values.missing).toBe(true);
    const back = say(gone, { ...dated, namedAt: 30 });
    expect(back.push).toEqual({ at: 30, values: { email: 'a@x' }, times: { email: 10 } });
    expect(mergeStatement(back, pushOf('u', { missing: true }, { at: 25 }), KEEP, 0).stale).toBe(true);
  });

  it('is said anew where a statement waits: what is said holds against that, though it is nothing new', () => {
    const facts = say(NO_FACTS, pushOf('u', { email: 'a@x', active: true }, { at: 10 }));
    const waits = noteWaiting(facts, 20);
    const said = say(waits, pushOf('u', { email: 'a@x' }, { newest: true }), KEEP, 30);
    expect(said.push).toEqual({ at: 30, values: { email: 'a@x', active: true }, times: { active: 10 }, waits: 20 });
    expect(say(said, pushOf('u', { email: 'a@x' }, { newest: true }), KEEP, 40)).toBe(said);
    const all = say(said, pushOf('u', { active: true }, { newest: true }), KEEP, 50);
    expect(all.push).toEqual({ at: 50, values: { email: 'a@x', active: true }, times: { email: 30 } });
    expect(say(all, pushOf('u', { email: null, active: false }, { at: 20 }))).toBe(all);
  });

  it('answers the same object where an undated statement says nothing new', () => {
    const facts = say(NO_FACTS, pushOf('u', { email: 'a@x', groups: ['g'] }, { newest: true }), KEEP, 10);
    expect(say(facts, pushOf('u', { groups: ['g'], email: 'a@x' }, { newest: true }), KEEP, 20)).toBe(facts);
  });

  it('tells empty from never said', () => {
    const { push } = say(NO_FACTS, pushOf('u', { email: null, groups: [] }, { at: 10 }));
    expect(readStated(push, 'email')).toEqual({ value: null, at: 10 });
    expect(readStated(push, 'groups')).toEqual({ value: [], at: 10 });
    expect(readStated(push, 'displayName')).toBeNull();
  });

  it('a partial statement neither clears nor misses what it omits', () => {
    const strict: AbsencePolicy = {
      whenAbsent: (field) => (field === 'email' ? 'deny' : 'clear'),
      whenOverage: () => 'keep',
      absenceOf: { push: ['email', 'displayName', 'attributes'], token: [] },
    };
    const before = say(NO_FACTS, pushOf('u', { displayName: 'Ada', 'attributes.team': 'x', email: 'a@x' }, { at: 10 }));
    const statement = { ...pushOf('u', { groups: ['g'] }, { newest: true }), partial: true };
    const { push } = mergeStatement(before, statement, strict, 20).facts;
    expect(push?.values).toEqual({ displayName: 'Ada', 'attributes.team': 'x', email: 'a@x', groups: ['g'] });
  });

  it('a complete statement clears what it omits, but neither active nor claims nor what is newer', () => {
    const first = say(
      NO_FACTS,
      pushOf('u', { active: false, email: 'a@x', 'attributes.team': 'x', 'claims.a': 1 }, { at: 10 }),
    );
    const newer = say(first, pushOf('u', { displayName: 'Ada' }, { at: 30 }));
    const { push } = say(newer, pushOf('u', { userName: 'ada' }, { at: 20, complete: true }));
    expect(readStated(push, 'email')).toEqual({ value: null, at: 20 });
    expect(readStated(push, 'attributes.team')?.value).toBeNull();
    expect(readStated(push, 'displayName')?.value).toBe('Ada');
    expect(readStated(push, 'active')?.value).toBe(false);
    expect(readStated(push, 'claims.a')?.value).toBe(1);
    const late = say({ push, token: null }, pushOf('u', { email: 'old@x' }, { at: 15 }));
    expect(readStated(late.push, 'email')?.value).toBeNull();
  });

  it('a token never states active (rule 2)', () => {
    const { token } = say(NO_FACTS, pushOf(null, { active: false, email: 'a@x' }, { voice: 'token', at: 10 }));
    expect(token?.values).toEqual({ email: 'a@x' });
  });
});

const FIELDS = ['email', 'active', 'groups', 'roles', 'attributes.a', 'attributes.b', 'claims.c'];
const value: fc.Arbitrary<Json> = fc.constantFrom<Json[]>(null, 'x', 'y', true, [], ['g'], ['g', 'h'], { k: [1] });
const statements = fc.uniqueArray(
  fc.record({
    at: fc.integer({ min: 1, max: 60 }),
    voice: fc.constantFrom('push' as const, 'token' as const),
    fields: fc.dictionary(fc.constantFrom(...FIELDS), value, { maxKeys: 4 }),
    overage: fc.subarray(['groups'], { maxLength: 1 }),
    complete: fc.boolean(),
  }),
  { selector: ({ at }) => at, minLength: 1, maxLength: 7 },
);
const absence = fc.constantFrom<Absence[]>('keep', 'clear');
const policies = fc
  .record({ groups: absence, attributes: absence, overage: absence })
  .map(({ groups, attributes, overage }): AbsencePolicy => ({
    whenAbsent: (field) => (field === 'groups' ? groups : field === 'attributes' ? attributes : 'keep'),
    whenOverage: () => overage,
    absenceOf: { push: ['groups', 'attributes'], token: ['groups'] },
  }));

describe('properties of facts', () => {
  const merge = (parts: readonly Statement[], policy: AbsencePolicy): Facts =>
    parts.reduce((facts, one) => say(facts, one, policy), NO_FACTS);

  it('dated statements end in the same facts in any order', () => {
    fc.assert(
      fc.property(statements, policies, fc.infiniteStream(fc.nat()), (given, policy, random) => {
        const all = given.map((one) => pushOf('u', one.fields, one));
        const shuffled = all.map((one) => ({ one, rank: Number(random.next().value) })).sort((a, b) => a.rank - b.rank);
        const shuffledFacts = merge(
          shuffled.map(({ one }) => one),
          policy,
        );
        expect(shuffledFacts).toEqual(merge(all, policy));
      }),
      { numRuns: 500 },
    );
  });

  it('dated statements end in the same facts however their fields are split into several of the same time', () => {
    fc.assert(
      fc.property(statements, fc.boolean(), (given, backwards) => {
        const whole = given.map((one) => pushOf('u', one.fields, { ...one, complete: false }));
        const split = whole.flatMap((one) => [
          ...Object.entries(one.fields).map(([name, said]) => ({ ...one, fields: { [name]: said } })),
          { ...one, fields: {} },
        ]);
        expect(merge(backwards ? split.reverse() : split, KEEP)).toEqual(merge(whole, KEEP));
      }),
      { numRuns: 500 },
    );
  });

  it('a statement said twice changes nothing the second time, and facts survive being stored', () => {
    fc.assert(
      fc.property(statements, policies, fc.boolean(), (given, policy, newest) => {
        let facts = NO_FACTS;
        for (const one of given) {
          const statement = pushOf('u', one.fields, { ...one, newest });
          facts = say(facts, statement, policy, 100);
          expect(say(facts, statement, policy, newest ? 200 : 100)).toBe(facts);
          const stored = JSON.parse(JSON.stringify(facts)) as Json;
          expect(sameJson(stored, facts as unknown as Json)).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });
});
