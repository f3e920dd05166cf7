import type { Expression } from './expression.js';
import { WHAT_COSTS } from './expression-cost.js';
import { readAbsence } from './mapping-absence.js';
import { escape, MappingFaults } from './mapping-faults.js';
import { compileRules } from './mapping-rules.js';
import {
  MAPPED_FIELDS,
  type CompiledMapping,
  type CompiledMappingResult,
  type CompiledMatch,
  type MappedField,
  type MappingJson,
  type MappingSurroundings,
  type MatchJson,
} from './mapping-shape.js';

const KNOWN: ReadonlySet<string> = new Set<keyof MappingJson>([
  ...MAPPED_FIELDS,
  'attributes',
  'groups',
  'groupKey',
  'entitlements',
  'roles',
  'payloadClaim',
  'strict',
  'whenAbsent',
  'whenOverage',
]);
const ATTRIBUTES_MAX = 50;
/** Every change of a person runs all expressions; so this bounds how long one person keeps everybody else waiting. */
export const MAPPING_COST_MAX = 10_000;

/** Compiles and checks a connection's mapping; names every fault of it. */
export function compileMapping(json: MappingJson, around: MappingSurroundings): CompiledMappingResult {
  const faults = new MappingFaults();
  const base = '/mapping';
  for (const name of Object.keys(json))
    if (!KNOWN.has(name)) faults.add(`${base}/${escape(name)}`, 'is not a field of a mapping');

  const optional = (name: MappedField | 'groups' | 'entitlements', decides: boolean): Expression | null => {
    const source =
      name === 'emailVerified' ? (json.emailVerified ?? (json.email ? 'claims.email_verified' : null)) : json[name];
    return source === undefined || source === null ? null : faults.compile(source, `${base}/${name}`, decides);
  };
  const profile = MAPPED_FIELDS.flatMap((field) => {
    const expression = optional(field, false);
    return expression ? [{ field, expression }] : [];
  });
  const attributes = compileAttributes(json, faults);
  const groups = optional('groups', true);
  const entitlements = optional('entitlements', true);
  const rules = compileRules(json.roles ?? [], around, faults);
  const subject = faults.compile(around.subject, '/login/subject', true);
  const match = compileMatch(around.match, faults);
  const payloadClaim = json.payloadClaim ?? null;
  if (payloadClaim !== null && (typeof payloadClaim !== 'string' || payloadClaim === '')) {
    faults.add(`${base}/payloadClaim`, 'must be the name of a claim');
  }
  if (json.strict !== undefined && typeof json.strict !== 'boolean')
    faults.add(`${base}/strict`, 'must be true or false');
  const groupKey = json.groupKey ?? 'displayName';
  if (groupKey !== 'displayName' && groupKey !== 'externalId') {
    faults.add(`${base}/groupKey`, 'must be `displayName` or `externalId`');
  }

  if (faults.cost > MAPPING_COST_MAX) {
    const detail = `its expressions together cost too much: ${faults.cost} of at most ${MAPPING_COST_MAX}. ${WHAT_COSTS}`;
    faults.add(base, detail);
  }

  const mapped = new Map<string, Expression>(profile.map(({ field, expression }) => [field, expression]));
  if (groups) mapped.set('groups', groups);
  if (entitlements) mapped.set('entitlements', entitlements);
  for (const { name, expression } of attributes) mapped.set(`attributes.${name}`, expression);
  const claimsRead = new Set<string>();
  for (const expression of [...mapped.values(), ...rules.map((rule) => rule.expression)]) {
    for (const name of expression.reads) claimsRead.add(name);
  }
  const absence = readAbsence(json, { mapped, claimsRead, hasPayload: payloadClaim !== null }, faults);

  const { faults: found, warnings } = faults;
  if (faults.broken || !subject) return { compiled: null, faults: found, warnings };
  const compiled: CompiledMapping = {
    ...absence,
    profile,
    attributes,
    groups,
    entitlements,
    groupKey,
    rules,
    payloadClaim,
    strict: json.strict ?? false,
    subject,
    match,
    claimsRead,
  };
  return { compiled, faults: found, warnings };
}

function compileAttributes(json: MappingJson, faults: MappingFaults): CompiledMapping['attributes'] {
  const given = json.attributes ?? {};
  if (typeof given !== 'object' || Array.isArray(given)) {
    faults.add('/mapping/attributes', 'must be an object of expressions by name');
    return [];
  }
  const names = Object.keys(given);
  if (names.length > ATTRIBUTES_MAX) faults.add('/mapping/attributes', `has more than ${ATTRIBUTES_MAX} members`);
  return names.flatMap((name) => {
    const expression = faults.compile(given[name], `/mapping/attributes/${escape(name)}`, false);
    return expression ? [{ name, expression }] : [];
  });
}

function compileMatch(match: readonly MatchJson[], faults: MappingFaults): CompiledMatch[] {
  return match.map((pair, i) => {
    const pointer = `/login/match/${i}`;
    const when = pair.when === undefined ? null : faults.compile(pair.when, `${pointer}/when`, false);
    if (typeof pair.claim !== 'string' || pair.claim === '')
      faults.add(`${pointer}/claim`, 'must be the name of a claim');
    if (!['externalId', 'userName', 'email'].includes(pair.field)) {
      faults.add(`${pointer}/field`, 'must be `externalId`, `userName` or `email`');
    }
    if (pair.claim === 'email' && !when?.reads.has('email_verified')) {
      faults.add(`${pointer}/claim`, 'finds people by `email`: it needs a `when` on `claims.email_verified`', false);
    }
    return { claim: pair.claim, field: pair.field, when };
  });
}
