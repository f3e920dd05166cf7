import type { ConnectionSettings } from './connection-settings.js';
import { isPlainObject } from './settings-of.js';

/** What of a connection a save can change. */
export interface ConnectionWords {
  name: string;
  issuer: string;
  settings: ConnectionSettings;
}

/** Lists whose order says nothing. `algorithms` is not one: it is an order of preference. */
const SETS: ReadonlySet<string> = new Set([
  'audiences',
  'authorizedParties',
  'tokenTypes',
  'allowedRoles',
  'allowedEntitlements',
  'authoritativeDomains',
  'conditions/acr',
  'conditions/amr',
]);

/**
 * The fields whose change needs `connections:trust` and ends the connection's sessions: whoever sets one of these can
 * make Rollcall believe someone else, or believe them more.
 *
 * - Whose tokens: `issuer`, `jwksUri`, `audiences`, `requiredClaims`, `authorizedParties`, `algorithms`, `tokenTypes`
 *   (a token meant for something else), `conditions` (taking `amr: ["mfa"]` away lets a stolen password in).
 * - Who a token is: `login.subject`, `login.match`.
 * - What it may give: `allowedRoles`, `allowedEntitlements`, `allowPrivileged`.
 * - Whose e-mail links users of other connections: `authoritativeDomains`, `emailVerified`; and, where any domain is
 *   listed, what says the e-mail and that it is verified (`mapping.email`, `mapping.emailVerified`,
 *   `mapping.payloadClaim`), because `"emailVerified": "true"` in a mapping says no less than `always` does.
 */
const TRUST_FIELDS: readonly string[] = [
  'jwksUri',
  'audiences',
  'requiredClaims',
  'authorizedParties',
  'algorithms',
  'tokenTypes',
  'conditions',
  'login/subject',
  'login/match',
  'allowedRoles',
  'allowedEntitlements',
  'allowPrivileged',
  'authoritativeDomains',
  'emailVerified',
];
const TRUST_FIELDS_WITH_DOMAINS: readonly string[] = ['mapping/email', 'mapping/emailVerified', 'mapping/payloadClaim'];

/** What decides who gets a role: changing these, one could give oneself any role that the connection may grant. */
const GRANTING_FIELDS: readonly string[] = [
  'mapping/roles',
  'mapping/groups',
  'mapping/groupKey',
  'mapping/payloadClaim',
];

/** What the plan derives from: a change of these counts up `mappingVersion`, and starts a re-plan. */
const PLAN_FIELDS = [
  'mapping',
  'authority',
  'allowedRoles',
  'allowedEntitlements',
  'allowPrivileged',
  'authoritativeDomains',
  'emailVerified',
] as const satisfies readonly (keyof ConnectionSettings)[];

/** What is kept of each version, so that a grant's `mappingVersion` can be read later. */
export type PlanSettings = Pick<ConnectionSettings, (typeof PLAN_FIELDS)[number]>;

export function planSettingsOf(settings: ConnectionSettings): PlanSettings {
  return Object.fromEntries(PLAN_FIELDS.map((name) => [name, settings[name]])) as unknown as PlanSettings;
}

/** The names of the changed fields (`login` and `mapping` as wholes); empty if the two mean the same. */
export function changedFields(before: ConnectionWords, after: ConnectionWords): string[] {
  const names = ['name', 'issuer'].filter((name) => before[name as 'name'] !== after[name as 'name']);
  const settings = Object.keys({ ...before.settings, ...after.settings });
  return [...names, ...settings.filter((name) => differs(before.settings, after.settings, name))];
}

/** The names of the changed fields that need `connections:trust`. */
export function trustFieldsChanged(before: ConnectionWords, after: ConnectionWords): string[] {
  const hasDomains = before.settings.authoritativeDomains.length + after.settings.authoritativeDomains.length > 0;
  const paths = hasDomains ? [...TRUST_FIELDS, ...TRUST_FIELDS_WITH_DOMAINS] : TRUST_FIELDS;
  const changed = paths.filter((path) => differs(before.settings, after.settings, path));
  if (before.issuer !== after.issuer) changed.unshift('issuer');
  return changed.map((path) => path.replace('/', '.'));
}

/** What lets a run take away more by itself needs `connections:trust` too, though nobody is believed otherwise by it. */
export function loosensCatch(before: ConnectionWords, after: ConnectionWords): boolean {
  const [was, is] = [before.settings.safetyCatch, after.settings.safetyCatch];
  return is.users > was.users || is.percent > was.percent;
}

/** Whether the save decides anew who gets the connection's roles. */
export function grantingFieldsChanged(before: ConnectionWords, after: ConnectionWords): boolean {
  return GRANTING_FIELDS.some((path) => differs(before.settings, after.settings, path));
}

/** Whether what the plan derives may have changed. */
export function planFieldsChanged(before: ConnectionWords, after: ConnectionWords): boolean {
  return PLAN_FIELDS.some((name) => differs(before.settings, after.settings, name));
}

/** Whether pushed groups stand under other names from now on. */
export function groupKeyChanged(before: ConnectionWords, after: ConnectionWords): boolean {
  const keyOf = ({ settings }: ConnectionWords) => settings.mapping.groupKey ?? 'displayName';
  return keyOf(before) !== keyOf(after);
}

function differs(before: ConnectionSettings, after: ConnectionSettings, path: string): boolean {
  return meaningAt(before, path) !== meaningAt(after, path);
}

function meaningAt(settings: ConnectionSettings, path: string): string {
  let value: unknown = settings;
  for (const name of path.split('/')) value = isPlainObject(value) ? value[name] : undefined;
  return meaningOf(value, path);
}

/** One text for one meaning: members in order of their names, sets in order of their words. */
function meaningOf(value: unknown, path: string): string {
  if (Array.isArray(value)) {
    const members = value.map((each, i) => meaningOf(each, `${path}/${i}`));
    return `[${(SETS.has(path) ? [...new Set(members)].sort() : members).join()}]`;
  }
  if (!isPlainObject(value)) return JSON.stringify(value ?? null);
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${meaningOf(value[name], `${path}/${name}`)}`).join()}}`;
}
