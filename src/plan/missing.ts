import type { Micros } from '../platform/clock.js';
import type { Directory } from './directory.js';
import { noteWaiting } from './facts.js';
import type { Outcome } from './outcome.js';
import type { IdentityState } from './person.js';
import type { Statement } from './statement.js';

/** What a snapshot is the whole truth of, and since when. */
export interface SnapshotTruth {
  connectionId: string;
  /** The part of the connection that it speaks for; '' the whole. */
  scope: string;
  statedAt: Micros;
}

/**
 * Whether an identity that no line of a snapshot names is missing from it: a push of the same scope stated it, and
 * nobody has stated it since. Whoever is known by login or SCIM alone has no scope, and is never missing.
 */
export function isMissing(identity: IdentityState, { connectionId, scope, statedAt }: SnapshotTruth): boolean {
  return (
    identity.connectionId === connectionId &&
    identity.scope === scope &&
    identity.active &&
    (identity.facts.push?.at ?? 0) <= statedAt
  );
}

/** That a snapshot did not name this identity. It is no statement of anything else, and overrules no later one. */
export function missingStatement(connectionId: string, identityId: string, statedAt: Micros): Statement {
  return {
    connectionId,
    voice: 'push',
    at: statedAt,
    newest: false,
    externalId: null,
    subject: null,
    identityId,
    fields: { missing: true },
    overage: [],
    complete: false,
    partial: true,
  };
}

/** That a push named this identity, and said nothing else: it is not missing from a snapshot of an earlier moment. */
export function namedStatement(connectionId: string, identityId: string, at: Micros): Statement {
  return { ...missingStatement(connectionId, identityId, at), fields: {} };
}

/** Notes that an identity is to be missing at `statedAt`: whoever states it from now on says something new by that. */
export function planToMiss(directory: Directory, identityId: string, statedAt: Micros): Outcome {
  const found = directory.findIdentity(identityId);
  if (!found) return { result: 'unchanged', userId: null, identityId, withheld: [], person: null };
  const identities = found.person.identities.map((one) =>
    one.id === identityId ? { ...one, facts: noteWaiting(one.facts, statedAt) } : one,
  );
  const person = { ...found.person, identities };
  directory.put(person);
  return { result: 'unchanged', userId: person.user.id, identityId, withheld: [], person };
}

/** Marks an identity as leaving at `leavingAt`; null ends that. Nothing else of the person changes. */
export function planLeaving(directory: Directory, identityId: string, leavingAt: Micros | null): Outcome {
  const found = directory.findIdentity(identityId);
  const isMoot = found !== null && (found.identity.leavingAt === leavingAt || !found.identity.active);
  if (!found || isMoot) {
    const person = found?.person ?? null;
    return { result: 'unchanged', userId: person?.user.id ?? null, identityId, withheld: [], person };
  }
  const identities = found.person.identities.map((one) => (one.id === identityId ? { ...one, leavingAt } : one));
  const person = { ...found.person, identities };
  directory.put(person);
  return { result: 'updated', userId: person.user.id, identityId, withheld: [], person };
}
