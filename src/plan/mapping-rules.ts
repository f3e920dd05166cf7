import type { Expression } from './expression.js';
import { findRoleCeiling, mayGrantEntitlement } from './ceilings.js';
import { escape, type MappingFaults } from './mapping-faults.js';
import type { CompiledRule, FromRule, MappingSurroundings, RuleJson, WhenRule } from './mapping-shape.js';

const RULES_MAX = 500;
const MAP_MAX = 1_000;
/** Dearer conditions of constants alone are not tried at the save. */
const WORTH_TRYING = 50;
const RULE_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** The built-in rule under which a record's own roles and entitlements are granted. */
export const DIRECT = 'direct';

/** Compiles a mapping's rules in their order; a rule whose expression is at fault is left out. */
export function compileRules(
  rules: readonly RuleJson[],
  around: MappingSurroundings,
  faults: MappingFaults,
): CompiledRule[] {
  if (!Array.isArray(rules)) {
    faults.add('/mapping/roles', 'must be a list of rules');
    return [];
  }
  if (rules.length > RULES_MAX) faults.add('/mapping/roles', `has more than ${RULES_MAX} rules`);
  const ids = new Set<string>();
  const compiled: CompiledRule[] = [];
  rules.slice(0, RULES_MAX).forEach((rule: RuleJson, i) => {
    const pointer = `/mapping/roles/${i}`;
    if (typeof rule !== 'object' || rule === null) return faults.add(pointer, 'must be a rule');
    checkId(rule.id, ids, pointer, faults);
    const one =
      'from' in rule ? compileFrom(rule, pointer, around, faults) : compileWhen(rule, pointer, around, faults);
    if (!one) return;
    warnOf(one, compiled, pointer, faults);
    compiled.push(one);
  });
  return compiled;
}

function checkId(id: unknown, ids: Set<string>, pointer: string, faults: MappingFaults): void {
  if (typeof id !== 'string' || !RULE_ID.test(id)) {
    faults.add(`${pointer}/id`, 'must be 1 to 64 letters, digits, dots, dashes or underscores');
  } else if (id === DIRECT) {
    faults.add(`${pointer}/id`, '`direct` is the built-in rule');
  } else if (ids.has(id)) {
    faults.add(`${pointer}/id`, `\`${id}\` is the id of an earlier rule`);
  } else {
    ids.add(id);
  }
}

function compileWhen(
  rule: Extract<RuleJson, { when: string }>,
  pointer: string,
  around: MappingSurroundings,
  faults: MappingFaults,
): WhenRule | null {
  checkMembers(rule, ['id', 'when', 'grant', 'entitlements'], pointer, faults);
  const grant = readTexts(rule.grant, `${pointer}/grant`, faults);
  const entitlements = readTexts(rule.entitlements, `${pointer}/entitlements`, faults);
  if (grant.length + entitlements.length === 0)
    faults.add(pointer, 'grants nothing: name roles in `grant`, or entitlements');
  grant.forEach((key, i) => checkRole(key, `${pointer}/grant/${i}`, around, faults));
  entitlements.forEach((text, i) => {
    if (mayGrantEntitlement(around, text)) return;
    faults.add(`${pointer}/entitlements/${i}`, `\`${text}\` is not among the connection's allowedEntitlements`, false);
  });
  const expression = faults.compile(rule.when, `${pointer}/when`, true);
  return expression ? { kind: 'when', id: rule.id, expression, grant, entitlements } : null;
}

function compileFrom(
  rule: Extract<RuleJson, { from: string }>,
  pointer: string,
  around: MappingSurroundings,
  faults: MappingFaults,
): FromRule | null {
  checkMembers(rule, ['id', 'from', 'map'], pointer, faults);
  const expression = faults.compile(rule.from, `${pointer}/from`, true);
  const given: unknown = rule.map;
  if (typeof given !== 'object' || given === null || Array.isArray(given) || Object.keys(given).length === 0) {
    faults.add(`${pointer}/map`, "must be an object from names to roles' keys");
    return null;
  }
  const names = Object.entries(given);
  if (names.length > MAP_MAX) faults.add(`${pointer}/map`, `has more than ${MAP_MAX} members`);
  const map = new Map<string, { role: string; because: string }>();
  for (const [name, role] of names) {
    const at = `${pointer}/map/${escape(name)}`;
    if (typeof role !== 'string') {
      faults.add(at, "must be a role's key");
      continue;
    }
    checkRole(role, at, around, faults);
    map.set(name, { role, because: `${expression?.words ?? 'list'} has ${name}`.slice(0, 255) });
  }
  return expression ? { kind: 'from', id: rule.id, expression, map } : null;
}

function checkMembers(rule: object, known: readonly string[], pointer: string, faults: MappingFaults): void {
  for (const name of Object.keys(rule)) {
    if (!known.includes(name))
      faults.add(`${pointer}/${escape(name)}`, `is not a member of this rule: ${known.join(', ')}`);
  }
}

function readTexts(given: unknown, pointer: string, faults: MappingFaults): string[] {
  if (given === undefined) return [];
  if (Array.isArray(given) && given.every((one) => typeof one === 'string' && one !== ''))
    return [...new Set<string>(given)];
  faults.add(pointer, 'must be a list of texts');
  return [];
}

/** Ceilings (rule 4) at the save; the plan holds them again, because roles and lists change later. */
function checkRole(key: string, pointer: string, around: MappingSurroundings, faults: MappingFaults): void {
  const why = findRoleCeiling(around, key);
  if (why === 'unknown') faults.add(pointer, `there is no role \`${key}\``, false);
  if (why === 'not_allowed') faults.add(pointer, `\`${key}\` is not among the connection's allowedRoles`, false);
  if (why === 'privileged')
    faults.add(pointer, `\`${key}\` is privileged, and the connection has no allowPrivileged`, false);
}

function warnOf(rule: CompiledRule, earlier: readonly CompiledRule[], pointer: string, faults: MappingFaults): void {
  if (isNeverTrue(rule.expression)) {
    faults.warnings.push({ pointer, detail: 'can never be true' });
    return;
  }
  const gives = givesOf(rule);
  const shadow = earlier.find((one) => {
    if (one.kind !== rule.kind || one.expression.shape !== rule.expression.shape) return false;
    const given = new Set(givesOf(one));
    return gives.every((what) => given.has(what));
  });
  if (shadow)
    faults.warnings.push({ pointer, detail: `gives nothing that rule \`${shadow.id}\` does not give for the same` });
}

function isNeverTrue(expression: Expression): boolean {
  if (expression.reads.size > 0 || expression.cost > WORTH_TRYING) return false;
  try {
    const value = expression.evaluate(Object.create(null) as Record<string, unknown>);
    return value === false || (Array.isArray(value) && value.length === 0);
  } catch {
    return false;
  }
}

function givesOf(rule: CompiledRule): string[] {
  if (rule.kind === 'when')
    return [...rule.grant.map((key) => `role ${key}`), ...rule.entitlements.map((text) => `entitlement ${text}`)];
  return [...rule.map].map(([name, { role }]) => `${name} ${role}`);
}
