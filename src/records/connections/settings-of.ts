import { normaliseKey } from '../../platform/text-key.js';
import type { MappingJson } from '../../plan/mapping-shape.js';
import type { SafetyCatch } from '../../plan/safety-catch.js';
import type { ConnectionSettings, LoginSettings } from './connection-settings.js';
import { findPreset, rfcSettings } from './presets.js';

/** What a request says of a connection's settings; what it leaves out, the preset says, and then `rfc`. */
export type GivenSettings = Partial<Omit<ConnectionSettings, 'login' | 'mapping' | 'safetyCatch'>> & {
  login?: Partial<LoginSettings> | null;
  mapping?: Partial<MappingJson> | null;
  safetyCatch?: Partial<SafetyCatch> | null;
};

/** Where null is a word of its own, and not the same as leaving the field out: in a connection, and in its mapping. */
const NULLABLE: ReadonlySet<string> = new Set(['jwksUri']);
const NULLABLE_IN_MAPPING: ReadonlySet<string> = new Set([
  'userName',
  'email',
  'emailVerified',
  'displayName',
  'givenName',
  'familyName',
  'groups',
  'entitlements',
  'payloadClaim',
]);
const NOTHING: ReadonlySet<string> = new Set();

/** The whole settings, in the form in which they are stored and shown: every default is filled in. */
export function settingsOf(given: GivenSettings): ConnectionSettings {
  const presetName = given.preset ?? 'rfc';
  const preset = findPreset(presetName) ?? { settings: {}, login: {}, mapping: {} };
  const { login, mapping, safetyCatch, preset: _, ...rest } = given;
  const settings: ConnectionSettings = {
    ...rfcSettings,
    ...preset.settings,
    audiences: [],
    ...said(rest, NULLABLE),
    login: { ...rfcSettings.login, ...preset.login, ...said(login ?? {}, NOTHING) },
    mapping: { ...rfcSettings.mapping, ...preset.mapping, ...said(mapping ?? {}, NULLABLE_IN_MAPPING) },
    safetyCatch: { ...rfcSettings.safetyCatch, ...said(safetyCatch ?? {}, NOTHING) },
    preset: presetName,
  };
  settings.authoritativeDomains = settings.authoritativeDomains.map(normaliseKey);
  // Copies, so that nobody who changes settings changes a preset.
  return structuredClone(settings);
}

/** The members that say something. */
function said<T extends object>(given: T, nullable: ReadonlySet<string>): Partial<T> {
  return Object.fromEntries(
    Object.entries(given).filter(([name, value]) => value !== undefined && (value !== null || nullable.has(name))),
  ) as Partial<T>;
}

/**
 * RFC 7396, section 2: members of `patch` replace those of `target`, objects member by member, null removes. Removing a
 * field of a connection resets it to its default, but where null is a word of its own (`jwksUri`, an expression of the
 * mapping) it stays there as null.
 */
export function applyMergePatch(target: unknown, patch: unknown, path: readonly string[] = []): unknown {
  if (!isPlainObject(patch)) return patch;
  const members = new Map(isPlainObject(target) ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(patch)) {
    if (value !== null) members.set(name, applyMergePatch(members.get(name), value, [...path, name]));
    else if (keepsNull(path, name)) members.set(name, null);
    else members.delete(name);
  }
  return Object.fromEntries(members);
}

function keepsNull(path: readonly string[], name: string): boolean {
  if (path.length === 0) return NULLABLE.has(name);
  return path.length === 1 && path[0] === 'mapping' && NULLABLE_IN_MAPPING.has(name);
}

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
