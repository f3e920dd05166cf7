import type { Micros } from '../platform/clock.js';
import { normaliseKey } from '../platform/text-key.js';
import { type Facts, readStated } from './facts.js';
import type { Json } from './statement.js';

/** What SCIM said of an identity, as it stands in its facts under `resource`. */
export interface StoredUser {
  /** As JSON, with canonical names (RFC 7643, section 4.1). */
  resource: Readonly<Record<string, Json>>;
  /** Counts the changes of the resource, from 1. */
  version: number;
  createdAt: Micros;
  modifiedAt: Micros;
}

/** The name of the field in an identity's facts. */
export const RESOURCE_FIELD = 'resource';

/** Null for an identity that is not in the SCIM directory. */
export function readStoredUser({ facts }: { facts: Facts }): StoredUser | null {
  const value = readStated(facts.push, RESOURCE_FIELD)?.value as
    { r: StoredUser['resource']; v: number; c: number; m: number } | null | undefined;
  if (!value) return null;
  return { resource: value.r, version: value.v, createdAt: value.c, modifiedAt: value.m };
}

export function toResourceField({ resource, version, createdAt, modifiedAt }: StoredUser): Json {
  return { r: resource, v: version, c: createdAt, m: modifiedAt };
}

/**
 * The `userName` of an identity in the SCIM directory, as a key: no two of the connection have the same (RFC 7643,
 * section 4.1.1), by whatever name logins know them. Null for an identity that is not in the directory.
 */
export function findScimNameKey(identity: { facts: Facts }): string | null {
  const name = readStoredUser(identity)?.resource.userName;
  return typeof name === 'string' ? normaliseKey(name) : null;
}

/**
 * The facts, with the resource's `active` as the identity's is, whoever switched it: that is a change of the resource like
 * any other. The same object where nothing differs, or SCIM has taken `active` away.
 */
export function followActive(facts: Facts, active: boolean, now: Micros): Facts {
  const stored = readStoredUser({ facts });
  if (!stored || !facts.push || stored.resource.active === undefined || stored.resource.active === active) return facts;
  const next: StoredUser = {
    ...stored,
    resource: { ...stored.resource, active },
    version: stored.version + 1,
    modifiedAt: Math.max(now, stored.modifiedAt + 1),
  };
  return {
    ...facts,
    push: { ...facts.push, values: { ...facts.push.values, [RESOURCE_FIELD]: toResourceField(next) } },
  };
}
