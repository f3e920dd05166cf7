import type { FoundIdentity } from '../../plan/directory.js';
import type { IdentityState } from '../../plan/person.js';
import {
  findScimNameKey,
  readStoredUser,
  RESOURCE_FIELD,
  type StoredUser,
  toResourceField,
} from '../../plan/scim-entry.js';
import type { FieldName, Json, Statement } from '../../plan/statement.js';
import { sameJson } from '../../plan/facts.js';
import { Problem } from '../../platform/problem.js';
import { normaliseKey } from '../../platform/text-key.js';
import type { Drafted, Scene } from '../../provisioning/submission.js';
import { checkEtag } from './etag.js';
import type { Leniencies } from './protocol/leniencies.js';
import type { JsonObject } from './protocol/read-value.js';
import type { ScimResource } from './protocol/read-resource.js';
import { toUserFields } from './user-statement.js';

/** A draft's statement, and the resource before and after it. */
export interface UserDraft {
  statement: Statement;
  before: StoredUser | null;
  after: StoredUser;
}

/**
 * The statement of a POST (RFC 7644, section 3.3). Whoever has the name or the `externalId` already and is switched off,
 * or is not in the SCIM directory yet, is taken over: the client would else meet a conflict with somebody whom it
 * cannot see. Throws `scim_uniqueness`.
 */
export function draftCreation(scene: Scene, posted: ScimResource, { externalIds }: NameRules): UserDraft {
  const { directory, policy } = scene;
  const resource: ScimResource = { ...posted, active: posted.active ?? true };
  const { externalId, userName } = resource;
  const byName = typeof userName === 'string' ? findByName(scene, normaliseKey(userName)) : null;
  const holder = typeof externalId === 'string' ? directory.findByExternalId(policy.id, externalId) : null;
  // Where several can have it, it tells nobody in the directory from another.
  const byId = externalIds === 'shared' && holder !== null && readStoredUser(holder.identity) ? null : holder;
  if (byId && byName && byId.identity.id !== byName.identity.id) throw taken('userName');
  const found = byId ?? byName;
  if (!found) return newUser(scene, resource, externalIds);
  const before = readStoredUser(found.identity);
  const isRevived = before !== null && !found.identity.active && resource.active === true;
  if (before && !isRevived) throw taken(byId ? 'externalId' : 'userName');
  return changedUser(scene, found, { before, resource, externalIds });
}

/**
 * Within the SCIM directory a name is the one that SCIM gave: what a token calls somebody of it says nothing about whom a
 * client means. Whoever is not in the directory has no other name than that by which logins know them.
 */
function findByName({ directory, policy }: Scene, nameKey: string): FoundIdentity | null {
  const named = directory.findByScimName(policy.id, nameKey);
  if (named) return named;
  const known = directory.findByUserNameKey(policy.id, nameKey);
  return known && findScimNameKey(known.identity) === null ? known : null;
}

/** What the connection has said of names; of its leniencies. */
export type NameRules = Pick<Leniencies, 'externalIds'>;

export interface UserChange extends NameRules {
  id: string;
  ifMatch: string | undefined;
  /** The resource as the request makes it. Throws Problem. Pure. */
  change: (before: ScimResource) => ScimResource;
}

/** The statement of a PUT or PATCH. Throws `not_found` and `version_conflict`. */
export function draftChange(scene: Scene, { id, ifMatch, change, externalIds }: UserChange): UserDraft {
  const { found, before } = getUser(scene, id);
  checkEtag(ifMatch, before);
  return changedUser(scene, found, { before, resource: change(before.resource), externalIds });
}

/** A PUT's resource: to leave `active` out switches nobody on or off. */
export function replaceResource(next: ScimResource, { active }: ScimResource): ScimResource {
  return next.active === undefined && active !== undefined ? { ...next, active } : next;
}

/** A user of the directory. Throws `not_found`. */
export function getUser({ directory, policy }: Scene, id: string): { found: FoundIdentity; before: StoredUser } {
  const found = directory.findIdentity(id);
  const before = found?.identity.connectionId === policy.id ? readStoredUser(found.identity) : null;
  if (!found || !before) throw userNotFound(id);
  return { found, before };
}

export function userNotFound(id: string): Problem {
  return new Problem('not_found', `There is no user ${JSON.stringify(id.slice(0, 100))}.`);
}

/** Answers a draft's thrown problem as the batch wants it. */
export function toDrafted(draft: () => Drafted): Drafted {
  try {
    return draft();
  } catch (error) {
    if (error instanceof Problem) return { problem: error };
    throw error;
  }
}

function newUser(scene: Scene, resource: ScimResource, externalIds: NameRules['externalIds']): UserDraft {
  const { now } = scene.context;
  const after: StoredUser = { resource, version: 1, createdAt: now, modifiedAt: now };
  return { statement: toStatement(scene, null, { before: null, after, externalIds }), before: null, after };
}

function changedUser(
  scene: Scene,
  { identity }: FoundIdentity,
  { before, resource, externalIds }: NameRules & { before: StoredUser | null; resource: ScimResource },
): UserDraft {
  const { now } = scene.context;
  checkName(scene, identity, resource);
  const isSame = before !== null && sameJson(before.resource as JsonObject, resource as JsonObject);
  const after: StoredUser = isSame
    ? before
    : {
        resource,
        version: (before?.version ?? 0) + 1,
        createdAt: before?.createdAt ?? now,
        // Two changes within one tick of the clock are two changes.
        modifiedAt: Math.max(now, (before?.modifiedAt ?? 0) + 1),
      };
  return { statement: toStatement(scene, identity, { before, after, externalIds }), before, after };
}

/** Whatever a token calls them. Throws `scim_uniqueness`. */
function checkName({ directory, policy }: Scene, identity: IdentityState, { userName }: ScimResource): void {
  if (typeof userName !== 'string') return;
  const nameKey = normaliseKey(userName);
  if (nameKey === findScimNameKey(identity)) return;
  const holder = directory.findByScimName(policy.id, nameKey);
  if (holder && holder.identity.id !== identity.id) throw taken('userName');
}

interface Step extends NameRules {
  before: StoredUser | null;
  after: StoredUser;
}

function toStatement(scene: Scene, identity: IdentityState | null, step: Step): Statement {
  const { policy } = scene;
  const { before, after } = step;
  const fields: Record<FieldName, Json> = {
    ...toUserFields(after.resource, before?.resource ?? null, policy),
    [RESOURCE_FIELD]: toResourceField(after),
  };
  const externalId = claimedExternalId(scene, identity, step);
  const stated = after.resource.externalId;
  return {
    connectionId: policy.id,
    voice: 'push',
    at: 0,
    newest: true,
    externalId,
    subject: null,
    ...(identity === null ? {} : { identityId: identity.id, clearsExternalId: externalId === null }),
    ...(externalId === null && typeof stated === 'string' ? { sharedExternalId: stated } : {}),
    guarded: true,
    fields,
    overage: [],
    complete: false,
    partial: true,
  };
}

/** By which `externalId` logins and pushes find the person: the one that the resource has, unless another is found by it. */
function claimedExternalId(
  { directory, policy }: Scene,
  identity: IdentityState | null,
  { before, after, externalIds }: Step,
): string | null {
  const { externalId } = after.resource;
  if (typeof externalId !== 'string') return null;
  if (externalIds === 'unique') return externalId;
  if (identity !== null && before?.resource.externalId === externalId) return identity.externalId;
  const holder = directory.findByExternalId(policy.id, externalId);
  return holder === null || holder.identity.id === identity?.id ? externalId : null;
}

function taken(attribute: 'userName' | 'externalId'): Problem {
  return new Problem('scim_uniqueness', `Another user of the directory has that ${attribute}.`);
}
