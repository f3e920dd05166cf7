import type { Micros } from '../platform/clock.js';
import { backdate } from './backdate.js';
import type { Absence } from './policy.js';
import type { FieldName, Json, Statement, Voice } from './statement.js';

/** What one voice last said of an identity. Stored as JSON, so it is kept small. */
export interface VoiceFacts {
  /** The time of the newest statement of this voice. */
  at: Micros;
  /** The stated fields; null and the empty list are stated too. */
  values: Record<FieldName, Json>;
  /** The times of the fields that are older than `at`. */
  times?: Record<FieldName, Micros>;
  /**
   * When a statement last cleared what it omitted: `all` every field but `active` and `claims.…`, `attributes` only
   * those. A field that is not in `values` is empty since then.
   */
  cleared?: { all?: Micros; attributes?: Micros };
  /**
   * A statement of this moment waits for the end of its run: whatever is older can yet be overruled by it, unless it is
   * said again. Gone when nothing is older.
   */
  waits?: Micros;
}

/** What a connection last said of an identity, the two voices apart (rule 2). */
export interface Facts {
  push: VoiceFacts | null;
  token: VoiceFacts | null;
  /** What pushes last called the identity, if it is not found by that: taken away, or another's. Another one is another account. */
  formerExternalId?: string;
}

/** True: a snapshot did not name them. Any push that states them takes it away; where it is not there, `at` says since when. */
const MISSING = 'missing';

export const NO_FACTS: Facts = Object.freeze({ push: null, token: null });

/** A field as one voice states it: `value` null is stated-empty. */
export interface StatedField {
  value: Json;
  at: Micros;
}

/** How absence is read; a `CompiledMapping` is one. */
export interface AbsencePolicy {
  whenAbsent: (field: FieldName) => Absence;
  whenOverage: (field: FieldName) => Absence;
  /** The fields whose absence from a statement of that voice means something else than `keep`. */
  absenceOf: Readonly<Record<Voice, readonly FieldName[]>>;
}

export interface MergedFacts {
  facts: Facts;
  /** The statement was older than everything that it speaks of, and changed nothing. */
  stale: boolean;
  /** The names of the fields whose value changed. */
  changed: FieldName[];
  /** A field is absent or overage where that is denied (E6); then nothing is merged. */
  denied: { field: FieldName; why: 'absent' | 'overage' } | null;
}

/** What a voice states of a field; null if it never said anything of it, which is not the same as empty. */
export function readStated(voice: VoiceFacts | null, field: FieldName): StatedField | null {
  if (!voice) return null;
  const value = voice.values[field];
  if (value !== undefined) return { value, at: voice.times?.[field] ?? voice.at };
  const at = clearedAt(voice.cleared, field);
  return at === null ? null : { value: null, at };
}

/**
 * Merges what one statement says into the facts (rules 2 and 3): within its voice, field by field, the newest word
 * wins, an older one changes nothing, and of equal times the later arrival wins. Dated statements end in the same facts
 * in any order. Never changes `facts` itself; answers the same object where nothing moved.
 *
 * A statement without a time of its own (`newest`) that says nothing new moves no time either, so that sending an
 * unchanged user again writes nothing; unless it holds against one that waits.
 */
export function mergeStatement(facts: Facts, statement: Statement, policy: AbsencePolicy, now: Micros): MergedFacts {
  const voice = backdate(facts[statement.voice], statement);
  const denied = findDenied(statement, policy);
  if (denied) return { facts, stale: false, changed: [], denied };

  const at = statement.newest ? Math.max(now, voice?.at ?? now) : statement.at;
  const said = withReturn(withCleared(statement, policy), statement, voice);
  const clears = clearingOf(statement, policy);
  if (!voice && !clears && statement.voice === 'push') return firstWord(facts, said, at);
  const draft: Draft = voice ? open(voice) : { at, values: new Map(), cleared: {}, waits: undefined };
  const changed: FieldName[] = [];
  let fresh = false;

  if (clears && at >= (clears === 'all' ? (draft.cleared.all ?? 0) : (clearedAt(draft.cleared, 'attributes.') ?? 0))) {
    fresh = true;
    for (const [field, one] of draft.values) {
      if (one.at > at || !isCleared(clears, field)) continue;
      draft.values.delete(field);
      if (!isEmpty(one.value) && said[field] === undefined) changed.push(field);
    }
    draft.cleared[clears] = at;
  }
  for (const field in said) {
    const value = said[field] ?? null;
    if (statement.voice === 'token' && field === 'active') continue;
    const since = draft.values.get(field)?.at ?? sinceAbsent(field, draft, voice);
    const isReturn = field === MISSING && value === null;
    const saidAt = isReturn ? Math.max(at, statement.namedAt ?? at) : at;
    if (since !== null && since > saidAt) continue;
    fresh = true;
    draft.at = Math.max(draft.at, saidAt);
    if (isReturn) draft.values.delete(field);
    else draft.values.set(field, { value, at });
    const before = readStated(voice, field)?.value;
    if (!(isEmpty(before) && isEmpty(value)) && !sameJson(before, value)) changed.push(field);
  }

  if (!fresh && voice && at < voice.at) return { facts, stale: true, changed: [], denied: null };
  const addsNothing = statement.newest && changed.length === 0;
  if (addsNothing && voice && !statesMore(draft, voice) && !holdsAgainstWaiting(voice, said, clears)) {
    return { facts, stale: false, changed, denied: null };
  }
  draft.at = Math.max(draft.at, at);
  const closed = close(draft);
  const had = facts[statement.voice];
  if (had && changed.length === 0 && sameVoice(had, closed)) return { facts, stale: false, changed, denied: null };
  return { facts: { ...facts, [statement.voice]: closed }, stale: false, changed, denied: null };
}

/** The facts, with the word that a statement of `at` waits. Who was never pushed has nothing that it could overrule. */
export function noteWaiting(facts: Facts, at: Micros): Facts {
  const { push } = facts;
  return push ? { ...facts, push: { ...push, waits: Math.max(at, push.waits ?? at) } } : facts;
}

/** Equal as JSON; the order of an object's members does not count, that of a list does. */
export function sameJson(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, i) => sameJson(item, b[i]));
  }
  if (Array.isArray(b)) return false;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && sameJson(a[name], b[name]))
  );
}

/** The first push of an identity, of which a run has thousands: the same as merging into nothing, without the ceremony. */
function firstWord(facts: Facts, said: Readonly<Record<FieldName, Json>>, at: Micros): MergedFacts {
  const values: Record<FieldName, Json> = {};
  const changed: FieldName[] = [];
  for (const field of Object.keys(said).sort()) {
    const value = said[field] ?? null;
    values[field] = value;
    if (!isEmpty(value)) changed.push(field);
  }
  return { facts: { push: { at, values }, token: facts.token }, stale: false, changed, denied: null };
}

interface Draft {
  at: Micros;
  values: Map<FieldName, StatedField>;
  cleared: { all?: Micros; attributes?: Micros };
  waits: Micros | undefined;
}

function open(voice: VoiceFacts): Draft {
  const values = new Map<FieldName, StatedField>();
  for (const field in voice.values) {
    values.set(field, { value: voice.values[field] ?? null, at: voice.times?.[field] ?? voice.at });
  }
  return { at: voice.at, values, cleared: { ...voice.cleared }, waits: voice.waits };
}

/** One form for equal contents, whatever the order in which it was said: names in order, no time that `at` says already. */
function close(draft: Draft): VoiceFacts {
  const voice: VoiceFacts = { at: draft.at, values: {} };
  for (const field of [...draft.values.keys()].sort()) {
    const one = draft.values.get(field) as StatedField;
    voice.values[field] = one.value;
    if (one.at !== draft.at) (voice.times ??= {})[field] = one.at;
  }
  const { all, attributes } = draft.cleared;
  if (all !== undefined || attributes !== undefined) {
    voice.cleared = {};
    if (all !== undefined) voice.cleared.all = all;
    // What `all` cleared later says nothing about attributes any more.
    if (attributes !== undefined && attributes > (all ?? 0)) voice.cleared.attributes = attributes;
  }
  const { waits } = draft;
  if (waits === undefined) return voice;
  const times = [...Array.from(draft.values.values(), ({ at }) => at), ...Object.values(voice.cleared ?? {})];
  if (times.some((at) => at <= waits)) voice.waits = waits;
  return voice;
}

function sameVoice(a: VoiceFacts, b: VoiceFacts): boolean {
  return (
    a.at === b.at &&
    a.waits === b.waits &&
    sameJson(a.values, b.values) &&
    sameJson(a.times ?? {}, b.times ?? {}) &&
    sameJson({ ...a.cleared }, { ...b.cleared })
  );
}

/** Does the draft state a field, if only as empty, of which the voice said nothing yet? */
function statesMore(draft: Draft, voice: VoiceFacts): boolean {
  for (const field of draft.values.keys()) if (!readStated(voice, field)) return true;
  if (draft.cleared.all !== undefined && voice.cleared?.all === undefined) return true;
  return draft.cleared.attributes !== undefined && clearedAt(voice.cleared, 'attributes.') === null;
}

/** Does it say again what one that waits could yet overrule? */
function holdsAgainstWaiting(
  voice: VoiceFacts,
  said: Readonly<Record<FieldName, Json>>,
  clears: 'all' | 'attributes' | null,
): boolean {
  const isOlder = (at: Micros | undefined) => voice.waits !== undefined && (at ?? 0) <= voice.waits;
  if (clears !== null && isOlder(voice.cleared?.[clears])) return true;
  return Object.keys(said).some((field) => isOlder(readStated(voice, field)?.at));
}

/** Since when a field that has no value is known to have none. */
function sinceAbsent(field: FieldName, { cleared }: Draft, voice: VoiceFacts | null): Micros | null {
  return field === MISSING ? (voice?.at ?? null) : clearedAt(cleared, field);
}

/** Whoever is stated is not missing. */
function withReturn(
  said: Readonly<Record<FieldName, Json>>,
  { voice }: Statement,
  facts: VoiceFacts | null,
): Readonly<Record<FieldName, Json>> {
  if (voice !== 'push' || facts?.values[MISSING] !== true || said[MISSING] !== undefined) return said;
  return { ...said, [MISSING]: null };
}

function clearedAt(cleared: VoiceFacts['cleared'], field: FieldName): Micros | null {
  if (!cleared) return null;
  const all = isCleared('all', field) ? (cleared.all ?? -1) : -1;
  const attributes = isCleared('attributes', field) ? (cleared.attributes ?? -1) : -1;
  const at = Math.max(all, attributes);
  return at < 0 ? null : at;
}

function isCleared(by: 'all' | 'attributes', field: FieldName): boolean {
  if (by === 'attributes') return field.startsWith('attributes.');
  return field !== 'active' && field !== MISSING && !field.startsWith('claims.');
}

function clearingOf(statement: Statement, policy: AbsencePolicy): 'all' | 'attributes' | null {
  if (statement.complete) return 'all';
  const isMissed = missable(statement, policy).includes('attributes') && policy.whenAbsent('attributes') === 'clear';
  return statement.allAttributes === true || isMissed ? 'attributes' : null;
}

function findDenied(statement: Statement, policy: AbsencePolicy): MergedFacts['denied'] {
  for (const field of statement.overage) {
    if (policy.whenOverage(field) === 'deny') return { field, why: 'overage' };
  }
  for (const field of missable(statement, policy)) {
    if (policy.whenAbsent(field) !== 'deny' || statement.overage.includes(field) || isStated(statement, field))
      continue;
    return { field, why: 'absent' };
  }
  return null;
}

/** The fields whose absence from this statement says something. */
function missable({ partial, voice }: Statement, policy: AbsencePolicy): readonly FieldName[] {
  return partial ? [] : policy.absenceOf[voice];
}

function isStated(statement: Statement, field: FieldName): boolean {
  if (statement.fields[field] !== undefined) return true;
  if (field !== 'attributes') return false;
  return Object.keys(statement.fields).some((name) => name.startsWith('attributes.'));
}

/** The statement's fields, with null for those that it leaves out or has too many of where that means `clear`. */
function withCleared(statement: Statement, policy: AbsencePolicy): Readonly<Record<FieldName, Json>> {
  const empty: Record<FieldName, Json> = {};
  for (const field of missable(statement, policy)) {
    if (field === 'attributes' || statement.fields[field] !== undefined) continue;
    if (statement.overage.includes(field) || policy.whenAbsent(field) !== 'clear') continue;
    empty[field] = null;
  }
  for (const field of statement.overage) {
    if (statement.fields[field] === undefined && policy.whenOverage(field) === 'clear') empty[field] = null;
  }
  return Object.keys(empty).length === 0 ? statement.fields : { ...statement.fields, ...empty };
}

function isEmpty(value: Json | undefined): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
}
