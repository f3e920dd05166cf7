import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { actorOf, type NewEvent } from '../../ledger/ledger.service.js';
import type { PersonChanges } from '../../plan/changes.js';
import { diffPerson } from '../../plan/diff.js';
import { holdsForGood } from '../../plan/holdings.js';
import type { Person } from '../../plan/person.js';
import type { Principal } from '../../platform/access.js';
import { Clock, type Micros } from '../../platform/clock.js';
import { Database } from '../../platform/database.js';
import { OPERATOR, OWNER } from '../../platform/permissions.js';
import { Problem } from '../../platform/problem.js';
import { forUpdate } from '../../platform/row-locks.js';
import { selectByKeys } from '../../platform/sql.js';
import { checkVersion } from '../../platform/versions.js';
import { loadRoleCatalogue, type RoleCatalogue } from '../roles/role-catalogue.js';
import { PLATFORM_SLUG, TenantEntity } from '../tenants/tenant.entity.js';
import { assertOwnerRemains } from './last-owner.js';
import { holdsRole } from './person-authority.js';
import { loadPersons } from './person-loader.js';
import { PersonsMoved, PersonWriter } from './person-writer.js';

const ATTEMPTS_MAX = 8;

/** What an edit sees: the persons as stored, locked, in the order in which they were named. */
export interface EditScene {
  tx: EntityManager;
  now: Micros;
  roles: RoleCatalogue;
}

/** One person before and after; `before` null is a new user, `after` null a deleted one. */
export interface PersonEdit {
  before: Person | null;
  after: Person | null;
}

export interface EditRequest {
  userIds: readonly string[];
  /** The `If-Match` of the first user. */
  ifMatch?: string;
  reason?: string | null;
  /** Decides what becomes of them. Throws a Problem to refuse. May run again: no effect outside `scene.tx`. */
  change(persons: readonly Person[], scene: EditScene): PersonEdit[] | Promise<PersonEdit[]>;
  /** What else belongs into the same transaction, after the rows were written; not called where nothing changes. */
  alongside?(scene: EditScene, changes: readonly PersonChanges[]): Promise<void>;
  /** What the event of a user tells beside the plan's own words. */
  eventOf?(change: PersonChanges): Partial<NewEvent>;
}

/** Every edit of users by hand: lock, load, change, write with the event, and see that an owner remains. */
@Injectable()
export class PersonEditor {
  constructor(
    private readonly database: Database,
    private readonly writer: PersonWriter,
    private readonly clock: Clock,
  ) {}

  /**
   * Edits users of the caller's tenant; answers each as it is stored then, in the order of `change`'s answer (null:
   * deleted). Throws `not_found` if one of them is not there, `version_conflict`, `last_owner`.
   */
  async edit(principal: Principal, request: EditRequest): Promise<(Person | null)[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.database.transaction((tx) => this.editOnce(tx, principal, request));
      } catch (error) {
        // A login or a push wrote the user's identities in between; theirs came first.
        if (!(error instanceof PersonsMoved)) throw error;
        if (attempt === ATTEMPTS_MAX)
          throw new Problem('overloaded', undefined, { retryAfterSeconds: 1, cause: error });
      }
    }
  }

  private async editOnce(tx: EntityManager, principal: Principal, request: EditRequest): Promise<(Person | null)[]> {
    const { tenantId } = principal;
    await this.lockUsers(tx, tenantId, request.userIds);
    const { persons, revisions } = await loadPersons(tx, tenantId, request.userIds);
    const named = request.userIds.map((id) => {
      const person = persons.get(id);
      if (!person) throw new Problem('not_found');
      return person;
    });
    if (named[0]) checkVersion(request.ifMatch, named[0].user.version);
    const scene: EditScene = { tx, now: this.clock.now(), roles: await loadRoleCatalogue(tx, tenantId) };
    const edits = await request.change(named, scene);
    const diffs = edits.map(({ before, after }) => diffPerson(before, after, scene.now));
    const changes = diffs.filter((each) => each !== null);
    if (changes.length > 0) {
      await this.writer.write(tx, changes, {
        actor: actorOf(principal),
        via: 'rest',
        reason: request.reason ?? null,
        revisions,
        eventOf: request.eventOf,
      });
      await this.keepOwner(scene, tenantId, edits);
      await request.alongside?.(scene, changes);
    }
    return edits.map(({ after }, place) => {
      const diff = diffs[place];
      return diff ? diff.after : after;
    });
  }

  /** Edits of one user queue here and not at the write, so that none of them has to begin again. */
  private async lockUsers(tx: EntityManager, tenantId: string, userIds: readonly string[]): Promise<void> {
    const lock = forUpdate(tx);
    if (lock === '' || userIds.length === 0) return;
    await selectByKeys(
      tx,
      (keys) => `SELECT id FROM users WHERE tenantId = ? AND id IN ${keys} ORDER BY id${lock}`,
      [tenantId],
      [...userIds].sort(),
    );
  }

  private async keepOwner({ tx, now }: EditScene, tenantId: string, edits: readonly PersonEdit[]): Promise<void> {
    const losersOf = (role: string): string[] =>
      edits.flatMap(({ before, after }) => (before && losesRole(before, after, role, now) ? [before.user.id] : []));
    if (losersOf(OWNER).length + losersOf(OPERATOR).length === 0) return;
    const tenant = await tx.findOneBy(TenantEntity, { id: tenantId });
    const role = tenant?.slug === PLATFORM_SLUG ? OPERATOR : OWNER;
    await assertOwnerRemains(tx, tenantId, losersOf(role), now);
  }
}

/** Who has it only until a time afterwards loses it too, only later. */
function losesRole(before: Person, after: Person | null, role: string, now: Micros): boolean {
  if (!holdsRole(before, role, now)) return false;
  if (!after || !holdsRole(after, role, now)) return true;
  return holdsForGood(before, role, now) && !holdsForGood(after, role, now);
}
