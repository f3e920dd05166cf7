import type { Micros } from '../platform/clock.js';
import type { Fault } from '../platform/problem.js';
import { parseStrictJson } from '../platform/strict-json.js';
import { ExpressionFailure, MissingClaim, type ClaimsBag, type Expression } from './expression.js';
import { escape } from './mapping-faults.js';
import type { CompiledMapping } from './mapping-shape.js';
import type { PlanProblemCode } from './outcome.js';
import { findNameFault } from './record-text.js';
import { CLAIMS_LIMITS, NAME_CHARS_MAX, readRecord, RECORD_BYTES_MAX } from './record.js';
import type { FieldName, Json, MatchValue, Statement } from './statement.js';

/** A claim that cannot be read: refuses the login. */
export interface TokenFault extends Fault {
  code: PlanProblemCode;
}

/** The part of a statement that a token's claims decide; the rest is its connection and its time. */
export type TokenReading = Pick<Statement, 'subject' | 'externalId' | 'fields' | 'overage' | 'complete' | 'match'> & {
  /** If there are any, the login is refused. Pointers are into the claims. */
  faults: TokenFault[];
};

/**
 * Reads what a connection's mapping wants to know from the claims of a token that has been verified. Keeps the claims as
 * they came; the expressions run over them in the plan, so that an edited mapping can run over them again.
 */
export function readToken(
  mapping: CompiledMapping,
  claims: Readonly<Record<string, Json>>,
  options: { emailVerified: 'claim' | 'always'; now: Micros },
): TokenReading {
  const bag = toBag(claims, options.emailVerified);
  const faults: TokenFault[] = [];
  const overage = readOverage(mapping, claims);
  const fields: Record<FieldName, Json> = {};
  for (const name of mapping.claimsRead) {
    const field = `claims.${name}`;
    const value = Object.hasOwn(claims, name) ? claims[name] : undefined;
    if (value !== undefined && !overage.includes(field)) fields[field] = value;
  }
  const reading: TokenReading = {
    subject: readSubject(mapping.subject, bag, faults),
    externalId: null,
    fields,
    overage,
    complete: false,
    match: mapping.match.flatMap(({ claim, field, when }): MatchValue[] => {
      const value = Object.hasOwn(claims, claim) ? claims[claim] : undefined;
      if (typeof value !== 'string' || findNameFault(value, NAME_CHARS_MAX) !== null) return [];
      return when === null || isTrue(when, bag) ? [{ field, value }] : [];
    }),
    faults,
  };
  if (mapping.payloadClaim !== null) readPayload(reading, mapping, claims, options.now);
  const size = Buffer.byteLength(JSON.stringify(reading.fields));
  if (size > RECORD_BYTES_MAX) {
    faults.push({
      code: 'facts_too_large',
      pointer: '',
      detail: `the claims that the mapping reads have more than ${RECORD_BYTES_MAX} bytes`,
    });
  }
  return reading;
}

function toBag(claims: Readonly<Record<string, Json>>, emailVerified: 'claim' | 'always'): ClaimsBag {
  const bag = Object.assign(Object.create(null) as ClaimsBag, claims);
  if (emailVerified === 'always' && bag.email_verified === undefined && typeof bag.email === 'string')
    bag.email_verified = true;
  return bag;
}

function readSubject(expression: Expression, bag: ClaimsBag, faults: TokenFault[]): string | null {
  const add = (detail: string): null => {
    faults.push({ code: 'claim_invalid', pointer: '', detail: `the subject (\`${expression.source}\`) ${detail}` });
    return null;
  };
  try {
    const value = expression.evaluate(bag);
    if (typeof value !== 'string') return add('is not a text');
    const fault = findNameFault(value, NAME_CHARS_MAX);
    return fault === null ? value : add(fault);
  } catch (error) {
    if (error instanceof MissingClaim) return add('is missing');
    if (error instanceof ExpressionFailure) return add(`cannot be read: ${error.message}`);
    throw error;
  }
}

function isTrue(expression: Expression, bag: ClaimsBag): boolean {
  try {
    return expression.evaluate(bag) === true;
  } catch (error) {
    if (error instanceof MissingClaim || error instanceof ExpressionFailure) return false;
    throw error;
  }
}

/** `_claim_names` (OpenID Connect Core, section 5.6.2) and Entra's `hasgroups`: more values than a token can hold (E6). */
function readOverage(mapping: CompiledMapping, claims: Readonly<Record<string, Json>>): FieldName[] {
  const names = new Set<string>();
  const elsewhere = claims._claim_names;
  if (typeof elsewhere === 'object' && elsewhere !== null && !Array.isArray(elsewhere)) {
    for (const name of Object.keys(elsewhere)) names.add(name);
  }
  if (claims.hasgroups === true || claims.hasgroups === 'true') names.add('groups');
  return [...names].filter((name) => mapping.claimsRead.has(name)).map((name) => `claims.${name}`);
}

function readPayload(
  reading: TokenReading,
  mapping: CompiledMapping,
  claims: Readonly<Record<string, Json>>,
  now: Micros,
): void {
  const name = mapping.payloadClaim ?? '';
  const pointer = `/${escape(name)}`;
  const add = (code: PlanProblemCode, detail: string, at = ''): void =>
    void reading.faults.push({ code, pointer: pointer + at, detail });
  if (!Object.hasOwn(claims, name)) {
    const means = mapping.whenAbsent(`claims.${name}`);
    if (means === 'deny') add('field_absent', 'is missing');
    reading.complete = means === 'clear';
    return;
  }
  let payload: unknown = claims[name];
  if (typeof payload === 'string') {
    const parsed = parseStrictJson(Buffer.from(payload), CLAIMS_LIMITS);
    if (!parsed.ok) return add('claim_invalid', `cannot be read as JSON: ${parsed.detail}`);
    payload = parsed.value;
  }
  const record = readRecord(payload, now);
  // The subject says who it is; an id of the pushes is welcome and not needed.
  const faults = record.faults.filter((fault) => !(fault.pointer === '/externalId' && fault.detail === 'is missing'));
  for (const fault of faults) add('claim_invalid', fault.detail, fault.pointer);
  // A token never states `active` (rule 2), but whoever comes with the word that they are off does not come in.
  if (record.fields.active === false) add('identity_inactive', 'says that the person is not active', '/active');
  delete record.fields.active;
  if (reading.faults.length > 0) return;
  Object.assign(reading.fields, record.fields);
  reading.complete = mapping.payloadComplete;
  reading.externalId = record.externalId;
}
