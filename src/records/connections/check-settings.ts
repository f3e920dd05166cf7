import type { Fault } from '../../platform/problem.js';
import { normaliseKey } from '../../platform/text-key.js';
import { ALGORITHMS } from './algorithms.js';
import type { ConnectionSettings } from './connection-settings.js';

/** Types of token that are made for something else and never log anyone in (D8). */
const FOREIGN_TYPES: ReadonlySet<string> = new Set(['logout+jwt', 'secevent+jwt', 'dpop+jwt', 'oauth-id-jag+jwt']);

/** Names that an object has by birth (A11). */
const BORN_NAMES: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);
const NAME_CHARACTERS_MAX = 200;
const WORD_CHARACTERS_MAX = 255;
const LIST_MAX = 200;
const ROLES_MAX = 1000;

/** From 0 to these, in seconds: [least, most]. */
const TIMES = {
  clockToleranceSeconds: [0, 300],
  iatOffsetSeconds: [0, 600],
  maxTokenAgeSeconds: [30, 86_400],
  maxLifetimeSeconds: [60, 86_400],
} as const satisfies Partial<Record<keyof ConnectionSettings, readonly [number, number]>>;
const SESSION_SECONDS = [60, 31_536_000] as const;
const AUTH_AGE_SECONDS = [0, 31_536_000] as const;

/** A name is what admins tell connections apart by: nothing in it may be invisible. */
export function checkName(name: string): Fault[] {
  const faults: string[] = [];
  if (name === '') faults.push('is empty');
  if (name.length > NAME_CHARACTERS_MAX || normaliseKey(name).length > NAME_CHARACTERS_MAX) {
    faults.push(`is longer than ${NAME_CHARACTERS_MAX} characters`);
  }
  if (name !== name.trim()) faults.push('begins or ends with a space');
  else if (/ {2}|[^\S ]/u.test(name)) faults.push('has other spaces than single ones between words');
  if (!name.isWellFormed() || /[\p{Cc}\p{Cf}\p{Co}\p{Cn}]/u.test(name)) faults.push('has invisible characters');
  return faults.map((detail) => ({ pointer: '/name', detail }));
}

/** Audiences, parties, algorithms, types, entitlements and conditions: all that is a list of words. */
export function checkTokenWords(settings: ConnectionSettings): Fault[] {
  const { conditions } = settings;
  const faults = [
    ...checkWords(settings.audiences, '/audiences', { least: 1 }),
    ...checkWords(settings.authorizedParties, '/authorizedParties'),
    ...checkWords(settings.algorithms, '/algorithms', { least: 1 }),
    ...checkWords(settings.tokenTypes, '/tokenTypes', { least: 1 }),
    ...checkWords(settings.allowedRoles, '/allowedRoles', { most: ROLES_MAX }),
    ...checkWords(settings.allowedEntitlements, '/allowedEntitlements', { most: ROLES_MAX }),
    ...(conditions.acr ? checkWords(conditions.acr, '/conditions/acr', { least: 1 }) : []),
    ...(conditions.amr ? checkWords(conditions.amr, '/conditions/amr', { least: 1 }) : []),
  ];
  const algorithms: readonly string[] = ALGORITHMS;
  settings.algorithms.forEach((name, i) => {
    if (algorithms.includes(name)) return;
    const why = /^(hs\d+|none)$/i.test(name)
      ? `\`${name}\` proves nothing: the keys of a provider are public`
      : `\`${name}\` is none of ${algorithms.join(', ')}`;
    faults.push({ pointer: `/algorithms/${i}`, detail: why });
  });
  settings.tokenTypes.forEach((type, i) => {
    const pointer = `/tokenTypes/${i}`;
    const plain = type.toLowerCase().replace(/^application\//, '');
    if (FOREIGN_TYPES.has(plain)) faults.push({ pointer, detail: `\`${type}\` never logs anyone in` });
    if (plain !== type.toLowerCase()) faults.push({ pointer, detail: 'is written without `application/`' });
  });
  settings.allowedEntitlements.forEach((text, i) => {
    if (!text.slice(0, -1).includes('*')) return;
    faults.push({ pointer: `/allowedEntitlements/${i}`, detail: '`*` stands for the rest, at the end alone' });
  });
  return faults;
}

function checkWords(
  words: readonly string[],
  pointer: string,
  { least = 0, most = LIST_MAX }: { least?: number; most?: number } = {},
): Fault[] {
  const faults: Fault[] = [];
  if (words.length < least) faults.push({ pointer, detail: 'is empty' });
  if (words.length > most) faults.push({ pointer, detail: `has more than ${most} members` });
  const seen = new Set<string>();
  words.forEach((word, i) => {
    const at = `${pointer}/${i}`;
    if (word === '') faults.push({ pointer: at, detail: 'is empty' });
    if (word.length > WORD_CHARACTERS_MAX) {
      faults.push({ pointer: at, detail: `is longer than ${WORD_CHARACTERS_MAX} characters` });
    }
    if (word !== word.trim() || !word.isWellFormed() || /[\p{Cc}\p{Cf}]/u.test(word)) {
      faults.push({ pointer: at, detail: 'has spaces around it or invisible characters' });
    }
    if (seen.has(word)) faults.push({ pointer: at, detail: `\`${word}\` is there twice` });
    seen.add(word);
  });
  return faults;
}

/** D5, D6, D7: whole seconds within limits. */
export function checkTimes(settings: ConnectionSettings): Fault[] {
  const faults: Fault[] = [];
  const check = (pointer: string, value: number, [least, most]: readonly [number, number]): void => {
    if (Number.isInteger(value) && value >= least && value <= most) return;
    faults.push({ pointer, detail: `must be a whole number of seconds from ${least} to ${most}` });
  };
  for (const [name, limits] of Object.entries(TIMES)) check(`/${name}`, settings[name as keyof typeof TIMES], limits);
  check('/login/maxSessionSeconds', settings.login.maxSessionSeconds, SESSION_SECONDS);
  const { maxAuthAgeSeconds } = settings.conditions;
  if (maxAuthAgeSeconds !== undefined) check('/conditions/maxAuthAgeSeconds', maxAuthAgeSeconds, AUTH_AGE_SECONDS);
  return faults;
}

/** The limits of what a run may take away by itself. */
export function checkSafetyCatch({ safetyCatch }: ConnectionSettings): Fault[] {
  const limits = { users: [1, 1_000_000], percent: [0, 100], graceHours: [0, 720] } as const;
  return Object.entries(limits).flatMap(([name, [least, most]]) => {
    const value = safetyCatch[name as keyof typeof limits];
    if (Number.isInteger(value) && value >= least && value <= most) return [];
    return [{ pointer: `/safetyCatch/${name}`, detail: `must be a whole number from ${least} to ${most}` }];
  });
}

/** Literal names of claims, each with a value or the list of those allowed. */
export function checkRequiredClaims(required: Readonly<Record<string, unknown>>): Fault[] {
  const names = Object.keys(required);
  const faults: Fault[] = [];
  if (names.length > 20) faults.push({ pointer: '/requiredClaims', detail: 'has more than 20 members' });
  for (const name of names) {
    const pointer = `/requiredClaims/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    const value = required[name];
    if (name === '' || BORN_NAMES.has(name)) faults.push({ pointer, detail: 'is no name of a claim' });
    const values: unknown[] = Array.isArray(value) ? value : [value];
    if (values.length === 0 || values.length > LIST_MAX) {
      faults.push({ pointer, detail: `must list from 1 to ${LIST_MAX} values` });
    }
    if (!values.every(isPlainValue)) {
      faults.push({ pointer, detail: 'must be a text, a number, a boolean, or a list of these' });
    }
  }
  return faults;
}

function isPlainValue(value: unknown): boolean {
  return (typeof value === 'string' && value !== '') || typeof value === 'number' || typeof value === 'boolean';
}

const DOMAIN =
  /^(?=.{4,253}$)([\p{L}\p{N}]([\p{L}\p{N}\p{M}-]{0,61}[\p{L}\p{N}\p{M}])?\.)+[\p{L}][\p{L}\p{N}\p{M}-]*[\p{L}\p{N}]$/u;

export function checkDomains(domains: readonly string[]): Fault[] {
  const faults = checkWords(domains, '/authoritativeDomains');
  domains.forEach((domain, i) => {
    if (DOMAIN.test(domain)) return;
    faults.push({ pointer: `/authoritativeDomains/${i}`, detail: 'must be a domain name, such as `example.com`' });
  });
  return faults;
}
