import { compileMapping } from '../../plan/mapping.js';
import type { Fault } from '../../platform/problem.js';
import { normaliseKey } from '../../platform/text-key.js';
import {
  checkDomains,
  checkName,
  checkRequiredClaims,
  checkSafetyCatch,
  checkTimes,
  checkTokenWords,
} from './check-settings.js';
import type { ConnectionWords } from './compare-connections.js';
import { checkIssuerUrl, findSharedIssuerFault, findUrlAddressFault } from './issuer-rules.js';
import { findPreset, presetNames } from './presets.js';

/** What a connection is checked against. */
export interface ConnectionSurroundings {
  /** The tenant's roles by key. */
  roles: ReadonlyMap<string, { privileged: boolean }>;
  /** The tenant's other connections. */
  others: readonly (ConnectionWords & { id: string; nameKey: string })[];
  allowLoopbackHttp: boolean;
  /** OUTBOUND_ALLOW. */
  outboundAllow: readonly string[];
}

export interface ConnectionCheck {
  /** Each refuses the save. Pointers are into the connection. */
  faults: Fault[];
  /** The name is another connection's: a conflict and not a fault, if it is alone. */
  nameTaken: boolean;
  /** Told, and saved all the same. */
  warnings: Fault[];
}

const ISSUER_CHARACTERS_MAX = 500;
const SETTINGS_CHARACTERS_MAX = 1024 * 1024;

/** Every fault of a connection at once (C6, D7, D8, E4, E7, G9). Shapes and types were checked before. */
export function checkConnection(connection: ConnectionWords, around: ConnectionSurroundings): ConnectionCheck {
  const { settings } = connection;
  const faults: Fault[] = [
    ...checkName(connection.name),
    ...checkUrls(connection, around),
    ...checkTokenWords(settings),
    ...checkTimes(settings),
    ...checkSafetyCatch(settings),
    ...checkRequiredClaims(settings.requiredClaims),
    ...checkDomains(settings.authoritativeDomains),
    ...checkAllowedRoles(connection, around),
    ...checkSiblings(connection, around),
  ];
  const shared = findSharedIssuerFault(connection.issuer, settings.requiredClaims);
  if (shared !== null) faults.push({ pointer: '/requiredClaims', detail: shared });
  if (!findPreset(settings.preset)) {
    faults.push({ pointer: '/preset', detail: `must be one of ${presetNames.join(', ')}` });
  }
  if (JSON.stringify(settings).length > SETTINGS_CHARACTERS_MAX) {
    faults.push({ pointer: '', detail: `The settings are longer than ${SETTINGS_CHARACTERS_MAX} characters.` });
  }
  const mapping = compileMapping(settings.mapping, {
    subject: settings.login.subject,
    match: settings.login.match,
    roles: around.roles,
    allowedRoles: new Set(settings.allowedRoles),
    allowedEntitlements: settings.allowedEntitlements,
    allowPrivileged: settings.allowPrivileged,
  });
  faults.push(...mapping.faults);
  const nameKey = normaliseKey(connection.name);
  return {
    faults,
    nameTaken: around.others.some((other) => other.nameKey === nameKey),
    warnings: [...mapping.warnings, ...warnOf(connection, around)],
  };
}

function checkUrls({ issuer, settings }: ConnectionWords, around: ConnectionSurroundings): Fault[] {
  const urls: [string, string | null][] = [
    ['/issuer', issuer],
    ['/jwksUri', settings.jwksUri],
  ];
  const faults = urls.flatMap(([pointer, url]): Fault[] => {
    if (url === null) return [];
    const details = checkIssuerUrl(url, around);
    const address = findUrlAddressFault(url, around);
    if (address !== null) details.push(address);
    return details.map((detail) => ({ pointer, detail }));
  });
  if (issuer.length > ISSUER_CHARACTERS_MAX) {
    faults.push({ pointer: '/issuer', detail: `The issuer is longer than ${ISSUER_CHARACTERS_MAX} characters.` });
  }
  return faults;
}

function checkAllowedRoles({ settings }: ConnectionWords, around: ConnectionSurroundings): Fault[] {
  return settings.allowedRoles.flatMap((key, i) =>
    around.roles.has(key) ? [] : [{ pointer: `/allowedRoles/${i}`, detail: `there is no role \`${key}\`` }],
  );
}

/** Two connections of one issuer must differ in audiences or requiredClaims, else each token would be of both (G9). */
function checkSiblings(connection: ConnectionWords, around: ConnectionSurroundings): Fault[] {
  return siblingsOf(connection, around).flatMap((other) =>
    sameClaims(connection, other)
      ? [
          {
            pointer: '/audiences',
            detail: `“${other.name}” has the same issuer, an audience and the requiredClaims too`,
          },
        ]
      : [],
  );
}

/** The connections that take tokens of the same issuer for the same audience. */
function siblingsOf(connection: ConnectionWords, { others }: ConnectionSurroundings) {
  const audiences = new Set(connection.settings.audiences);
  return others.filter(
    (other) => other.issuer === connection.issuer && other.settings.audiences.some((each) => audiences.has(each)),
  );
}

function sameClaims(one: ConnectionWords, other: ConnectionWords): boolean {
  const [mine, theirs] = [one.settings.requiredClaims, other.settings.requiredClaims];
  const names = new Set([...Object.keys(mine), ...Object.keys(theirs)]);
  return [...names].every(
    (name) => Object.hasOwn(mine, name) && Object.hasOwn(theirs, name) && wordsOf(mine[name]) === wordsOf(theirs[name]),
  );
}

/** Could one token meet both lists of required claims? */
function mayMeetBoth(one: ConnectionWords, other: ConnectionWords): boolean {
  const [mine, theirs] = [one.settings.requiredClaims, other.settings.requiredClaims];
  return Object.keys(mine).every((name) => {
    if (!Object.hasOwn(theirs, name)) return true;
    const allowed = new Set(valuesOf(theirs[name]));
    return valuesOf(mine[name]).some((value) => allowed.has(value));
  });
}

/** A list names the values that are allowed; anything else is the one value that is. */
function valuesOf(required: unknown): string[] {
  return (Array.isArray(required) ? required : [required]).map((value) => JSON.stringify(value));
}

function wordsOf(required: unknown): string {
  return [...new Set(valuesOf(required))].sort().join();
}

/** Mail services where anybody may have an address. */
const PUBLIC_MAIL: ReadonlySet<string> = new Set([
  'gmail.com',
  'googlemail.com',
  'outlook.com',
  'hotmail.com',
  'live.com',
  'yahoo.com',
  'icloud.com',
  'gmx.de',
  'gmx.net',
  'web.de',
  'proton.me',
  'protonmail.com',
  'aol.com',
  'qq.com',
  '163.com',
]);

function warnOf(connection: ConnectionWords, around: ConnectionSurroundings): Fault[] {
  const { settings } = connection;
  const warnings: Fault[] = [];
  const warn = (pointer: string, detail: string): number => warnings.push({ pointer, detail });
  if (settings.allowPrivileged) {
    warn('/allowPrivileged', 'Whoever runs this provider can make themselves an admin here.');
  }
  settings.allowedRoles.forEach((key, i) => {
    if (settings.allowPrivileged || !around.roles.get(key)?.privileged) return;
    warn(`/allowedRoles/${i}`, `\`${key}\` is privileged and is not granted without allowPrivileged`);
  });
  if (settings.emailVerified === 'always') {
    warn('/emailVerified', 'Every address counts as verified: right only where people cannot choose it themselves.');
  }
  settings.authoritativeDomains.forEach((domain, i) => {
    if (PUBLIC_MAIL.has(domain)) warn(`/authoritativeDomains/${i}`, `Anybody may have an address at ${domain}.`);
  });
  for (const other of siblingsOf(connection, around)) {
    if (!sameClaims(connection, other) && mayMeetBoth(connection, other)) {
      warn('/requiredClaims', `A token may meet “${other.name}” as well: such a login has to name the connection.`);
    }
  }
  return warnings;
}
