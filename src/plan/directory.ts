import type { Micros } from '../platform/clock.js';
import { normaliseKey } from '../platform/text-key.js';
import { diffPerson } from './diff.js';
import type { PersonChanges } from './changes.js';
import type { FormerUser } from './former-user.js';
import type { IdentityState, Person } from './person.js';
import { findScimNameKey } from './scim-entry.js';

export interface FoundIdentity {
  person: Person;
  identity: IdentityState;
}

/** The identities of one connection, by what messages call them. */
type ConnectionKeys = Record<'externalIds' | 'subjects' | 'userNames' | 'scimNames', Map<string, string>>;

/**
 * The working set of one batch: the persons that its statements may concern, found by every key that a statement can
 * name. The loader fills it (`load`, `forbid`, `remember`); the plan reads it and puts back what becomes of each person, so that
 * several statements of one person in one batch fold in order of arrival.
 *
 * Whoever is not in it does not exist: for each statement the loader must load who holds its external id, its subject,
 * its user name (as a key, in the connection; a SCIM write's in the SCIM directory too), its match values, and the users with its e-mail (as a key); and of names
 * that nobody holds, the former user whose account it was, with that user if they are still there.
 */
export class Directory {
  private readonly loaded = new Map<string, Person>();
  private readonly current = new Map<string, Person>();
  private readonly touched = new Set<string>();
  private readonly userByIdentity = new Map<string, string>();
  private readonly keys = new Map<string, ConnectionKeys>();
  private readonly byEmail = new Map<string, string[]>();
  private readonly traces = new Map<string, Micros>();
  private readonly formers = new Map<string, FormerUser>();

  /** Adds a person as stored. */
  load(person: Person): void {
    this.loaded.set(person.user.id, person);
    this.current.set(person.user.id, person);
    this.index(person);
  }

  /** No token of this subject that is dated before `notBefore` brings its deleted identity back (G7). */
  forbid(connectionId: string, subject: string, notBefore: Micros): void {
    this.traces.set(key(connectionId, subject), notBefore);
  }

  /** Who had this account before its source deleted it; see `accountNamesOf`. */
  remember(connectionId: string, accountName: string, former: FormerUser): void {
    this.formers.set(key(connectionId, accountName), former);
  }

  /** Takes what becomes of a person; a person not seen before is a new one. */
  put(person: Person): void {
    const before = this.current.get(person.user.id);
    if (before === person) return;
    if (before) this.unindex(before);
    this.current.set(person.user.id, person);
    this.touched.add(person.user.id);
    this.index(person);
  }

  /** The connections of everybody in it. */
  connectionIds(): string[] {
    const ids = new Set<string>();
    for (const { identities } of this.current.values()) for (const one of identities) ids.add(one.connectionId);
    return [...ids];
  }

  findPerson(userId: string): Person | null {
    return this.current.get(userId) ?? null;
  }

  findIdentity(identityId: string): FoundIdentity | null {
    const person = this.current.get(this.userByIdentity.get(identityId) ?? '');
    const identity = person?.identities.find((one) => one.id === identityId);
    return person && identity ? { person, identity } : null;
  }

  findByExternalId(connectionId: string, externalId: string): FoundIdentity | null {
    return this.findIdentity(this.keys.get(connectionId)?.externalIds.get(externalId) ?? '');
  }

  findBySubject(connectionId: string, subject: string): FoundIdentity | null {
    return this.findIdentity(this.keys.get(connectionId)?.subjects.get(subject) ?? '');
  }

  findByUserNameKey(connectionId: string, userNameKey: string): FoundIdentity | null {
    return this.findIdentity(this.keys.get(connectionId)?.userNames.get(userNameKey) ?? '');
  }

  /** By the `userName` that SCIM gave, which can be another one than that by which logins know them. */
  findByScimName(connectionId: string, nameKey: string): FoundIdentity | null {
    return this.findIdentity(this.keys.get(connectionId)?.scimNames.get(nameKey) ?? '');
  }

  /** The users whose own address has this key, whether verified or not. */
  findByEmailKey(emailKey: string): Person[] {
    const ids = this.byEmail.get(emailKey);
    return ids ? ids.flatMap((id) => this.current.get(id) ?? []) : [];
  }

  findTrace(connectionId: string, subject: string): Micros | null {
    return this.traces.get(key(connectionId, subject)) ?? null;
  }

  findFormer(connectionId: string, accountName: string): FormerUser | null {
    return this.formers.get(key(connectionId, accountName)) ?? null;
  }

  /** What the batch changes, one entry a changed person, in the order in which they were first touched. */
  changes(now: Micros): PersonChanges[] {
    const all: PersonChanges[] = [];
    for (const id of this.touched) {
      const changes = diffPerson(this.loaded.get(id) ?? null, this.current.get(id) ?? null, now);
      if (changes) all.push(changes);
    }
    return all;
  }

  private keysOf(connectionId: string): ConnectionKeys {
    let keys = this.keys.get(connectionId);
    if (!keys) {
      keys = { externalIds: new Map(), subjects: new Map(), userNames: new Map(), scimNames: new Map() };
      this.keys.set(connectionId, keys);
    }
    return keys;
  }

  private index(person: Person): void {
    for (const one of person.identities) {
      this.userByIdentity.set(one.id, person.user.id);
      const { externalIds, subjects, userNames, scimNames } = this.keysOf(one.connectionId);
      const scimName = findScimNameKey(one);
      if (scimName !== null) scimNames.set(scimName, one.id);
      if (one.externalId !== null) externalIds.set(one.externalId, one.id);
      if (one.subject !== null) subjects.set(one.subject, one.id);
      if (one.userNameKey !== null) userNames.set(one.userNameKey, one.id);
    }
    if (person.user.email !== null) {
      const emailKey = normaliseKey(person.user.email);
      const ids = this.byEmail.get(emailKey);
      this.byEmail.set(emailKey, ids ? [...ids, person.user.id] : [person.user.id]);
    }
  }

  private unindex(person: Person): void {
    for (const one of person.identities) {
      this.userByIdentity.delete(one.id);
      const { externalIds, subjects, userNames, scimNames } = this.keysOf(one.connectionId);
      const scimName = findScimNameKey(one);
      if (scimName !== null) scimNames.delete(scimName);
      if (one.externalId !== null) externalIds.delete(one.externalId);
      if (one.subject !== null) subjects.delete(one.subject);
      if (one.userNameKey !== null) userNames.delete(one.userNameKey);
    }
    if (person.user.email !== null) {
      const emailKey = normaliseKey(person.user.email);
      this.byEmail.set(
        emailKey,
        (this.byEmail.get(emailKey) ?? []).filter((id) => id !== person.user.id),
      );
    }
  }
}

function key(connectionId: string, text: string): string {
  return `${connectionId} ${text}`;
}
