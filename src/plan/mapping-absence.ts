import type { Expression } from './expression.js';
import type { AbsencePolicy } from './facts.js';
import { escape, type MappingFaults } from './mapping-faults.js';
import { MAPPED_FIELDS, type AbsenceJson, type MappingJson } from './mapping-shape.js';
import type { Absence } from './policy.js';

/** The fields of a record whose absence can mean something; `active` stays what it is until it is said again. */
const RECORD_FIELDS: readonly string[] = [...MAPPED_FIELDS, 'attributes', 'groups', 'roles', 'entitlements'];
const WORDS: readonly unknown[] = ['keep', 'clear', 'deny'];

interface Reads {
  /** What the mapping states, by field. */
  mapped: ReadonlyMap<string, Expression>;
  claimsRead: ReadonlySet<string>;
  hasPayload: boolean;
}

/**
 * What absence and overage mean (rule 3). An object may name a record's field, an attribute (`attributes.department`) or
 * a claim; a claim that is not named goes by the field that is read from it, and then by `default`.
 *
 * A whole-payload claim clears what it omits, unless an object says otherwise or the one word is `deny`: the single word
 * `keep` is the default of the claims, and does not reach into the payload.
 */
export function readAbsence(
  json: MappingJson,
  reads: Reads,
  faults: MappingFaults,
): AbsencePolicy & { payloadComplete: boolean } {
  const absent = readWords(json.whenAbsent, '/mapping/whenAbsent', reads, faults);
  const overage = readWords(json.whenOverage, '/mapping/whenOverage', reads, faults);
  const claims = [...reads.claimsRead].map((name) => `claims.${name}`);
  const matters = (field: string): boolean => absent.meaning(field) !== 'keep';
  const inRecord = RECORD_FIELDS.filter(matters);
  const payloadComplete = absent.single === 'keep' || absent.single === 'clear';
  return {
    whenAbsent: absent.meaning,
    whenOverage: overage.meaning,
    absenceOf: {
      push: inRecord,
      token: [...claims.filter(matters), ...(reads.hasPayload && !payloadComplete ? inRecord : [])],
    },
    payloadComplete,
  };
}

function readWords(
  given: AbsenceJson | undefined,
  pointer: string,
  reads: Reads,
  faults: MappingFaults,
): { meaning: (field: string) => Absence; single: Absence | null } {
  if (given === undefined || given === null || typeof given === 'string') {
    const single = given ?? 'keep';
    if (!WORDS.includes(single))
      faults.add(pointer, 'must be `keep`, `clear` or `deny`, or an object of these by field');
    return { meaning: () => single, single };
  }
  const fieldOfClaim = new Map<string, string>();
  for (const [field, expression] of reads.mapped) {
    for (const claim of expression.reads) if (!fieldOfClaim.has(claim)) fieldOfClaim.set(claim, field);
  }
  for (const [name, word] of Object.entries(given)) {
    const at = `${pointer}/${escape(name)}`;
    if (!WORDS.includes(word)) faults.add(at, 'must be `keep`, `clear` or `deny`');
    const known =
      name === 'default' ||
      RECORD_FIELDS.includes(name) ||
      name.startsWith('attributes.') ||
      reads.claimsRead.has(name);
    if (!known) faults.add(at, 'is neither a field of a record nor a claim that the mapping reads');
  }
  const words = new Map(Object.entries(given));
  const rest = words.get('default') ?? 'keep';
  const meaning = (field: string): Absence => {
    if (field.startsWith('claims.')) {
      const claim = field.slice('claims.'.length);
      return words.get(claim) ?? words.get(fieldOfClaim.get(claim) ?? claim) ?? rest;
    }
    return words.get(field) ?? (field.startsWith('attributes.') ? words.get('attributes') : undefined) ?? rest;
  };
  return { meaning, single: null };
}
