import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { actorOf, LedgerService } from '../../ledger/ledger.service.js';
import type { GrantWord } from '../../plan/changes.js';
import type { Person } from '../../plan/person.js';
import { ownerOf } from '../../plan/profile.js';
import type { Principal } from '../../platform/access.js';
import { Clock } from '../../platform/clock.js';
import { Database, type SqlValue } from '../../platform/database.js';
import { isId, newId } from '../../platform/ids.js';
import { Problem } from '../../platform/problem.js';
import { selectRows } from '../../platform/sql.js';
import { loadPolicies } from '../connections/load-policies.js';
import { removeLocalPasswords, renameLocalAdmin } from '../local-admins/write-local-admin.js';
import { loadRoleCatalogue } from '../roles/role-catalogue.js';
import { endSessions, eraseSessions } from '../sessions/end-sessions.js';
import { blankUser, changedFields, editProfile, type ProfileEdit, suspendUser, unsuspendUser } from './edit-person.js';
import { forgetFormerUsers } from './former-users.js';
import { leaveTraces } from './identity-traces.js';
import { assertMayRule, effectivePermissions } from './person-authority.js';
import { type EditScene, PersonEditor } from './person-editor.js';
import { loadPersons } from './person-loader.js';
import { UserEntity } from './user.entity.js';
import type { UserView } from './user-view.dto.js';
import { toUserView } from './user-view.js';

/** Fields by which people are found, and so could be taken for others. */
const FOUND_BY = new Set(['userName', 'email', 'emailVerified']);

export interface EditOptions {
  ifMatch?: string;
  reason?: string | null;
}

/** Users themselves: made, edited, suspended and deleted by hand. */
@Injectable()
export class UsersService {
  constructor(
    private readonly database: Database,
    private readonly editor: PersonEditor,
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
  ) {}

  /** Throws `not_found`. */
  async get(principal: Principal, id: string): Promise<Person> {
    if (!isId(id)) throw new Problem('not_found');
    const { persons } = await loadPersons(this.database.read, principal.tenantId, [id]);
    const person = persons.get(id);
    if (!person) throw new Problem('not_found');
    return person;
  }

  async view(principal: Principal, id: string): Promise<UserView> {
    return toUserView(await this.get(principal, id), this.clock.now());
  }

  async create(principal: Principal, profile: ProfileEdit, reason: string | null): Promise<UserView> {
    const id = newId();
    const [person] = await this.editor.edit(principal, {
      userIds: [],
      reason,
      change: (_, { now }) => {
        const blank: Person = { user: blankUser(id, principal.tenantId, now), identities: [], grants: [], blocks: [] };
        return [{ before: null, after: editProfile(blank, profile) }];
      },
    });
    return this.toView(person);
  }

  /**
   * Throws `owned_by_connection` where a connection states a field that would change, `name_taken` for the name of
   * another local admin.
   */
  async change(principal: Principal, id: string, profile: ProfileEdit, options: EditOptions): Promise<UserView> {
    const [person] = await this.editor.edit(principal, {
      userIds: [id],
      ...options,
      change: async ([before], scene) => {
        if (!before) return [];
        const after = editProfile(before, profile);
        await assertNotOwned(before, changedFields(before.user, after.user), scene);
        if (changedFields(before.user, after.user).some((field) => FOUND_BY.has(field))) {
          assertMayRule(principal, effectivePermissions(before, scene.roles, scene.now));
        }
        return [{ before, after }];
      },
      alongside: async ({ tx }, [change]) => {
        if (change?.user && change.event?.fields.includes('userName')) await renameLocalAdmin(tx, change.user);
      },
    });
    return this.toView(person);
  }

  async suspend(principal: Principal, id: string, options: EditOptions): Promise<UserView> {
    const [person] = await this.editor.edit(principal, {
      userIds: [id],
      ...options,
      change: ([before], scene) => {
        if (!before) return [];
        assertMayRule(principal, effectivePermissions(before, scene.roles, scene.now));
        return [{ before, after: suspendUser(before, scene.now) }];
      },
      alongside: ({ tx, now }) => endSessions(tx, 'userId', [id], 'suspended', now),
    });
    return this.toView(person);
  }

  async unsuspend(principal: Principal, id: string, options: EditOptions): Promise<UserView> {
    const [person] = await this.editor.edit(principal, {
      userIds: [id],
      ...options,
      change: ([before], scene) => {
        if (!before) return [];
        assertMayRule(principal, effectivePermissions(before, scene.roles, scene.now));
        return [{ before, after: unsuspendUser(before) }];
      },
    });
    return this.toView(person);
  }

  /**
   * Deletes the user with everything held; `erase` also takes the personal parts out of the ledger and of what is kept
   * of sessions, of a user who was deleted before too. Throws `forbidden` where the user holds, or held at the end, more
   * than the caller.
   */
  async remove(principal: Principal, id: string, options: EditOptions & { erase: boolean }): Promise<void> {
    const { erase, ...rest } = options;
    if (erase && (await this.eraseGone(principal, id, rest.reason ?? null))) return;
    await this.editor.edit(principal, {
      userIds: [id],
      ...rest,
      change: ([before], scene) => {
        if (!before) return [];
        assertMayRule(principal, effectivePermissions(before, scene.roles, scene.now));
        return [{ before, after: null }];
      },
      alongside: async ({ tx, now }, changes) => {
        await endSessions(tx, 'userId', [id], 'deleted', now);
        const identities = changes.flatMap((each) => each.identitiesRemoved);
        await leaveTraces(tx, this.database.engine, identities, now);
        await removeLocalPasswords(tx, [id]);
        await forgetFormerUsers(tx, [id]);
        const version = Math.max(...changes.map(({ fromVersion }) => fromVersion));
        if (erase) await this.erase(tx, principal, { id, version }, rest.reason ?? null);
      },
    });
  }

  /** What is left of a user whom their source deleted, or an admin without erasing. False: there is no such user. */
  private eraseGone(principal: Principal, id: string, reason: string | null): Promise<boolean> {
    const { tenantId } = principal;
    return this.database.transaction(async (tx) => {
      if (await tx.existsBy(UserEntity, { id, tenantId })) return false;
      const deletions = await selectRows(
        tx,
        `SELECT subjectVersion, personal FROM events
         WHERE tenantId = ? AND subjectId = ? AND subjectType = 'user' AND type = 'user.deleted'`,
        [tenantId, id],
      );
      if (deletions.length === 0) return false;
      const roles = await loadRoleCatalogue(tx, tenantId);
      const held = deletions.flatMap(({ personal }) => rolesLost(personal));
      assertMayRule(
        principal,
        held.flatMap((key) => roles.get(key)?.permissions ?? []),
      );
      const version = Math.max(...deletions.map(({ subjectVersion }) => Number(subjectVersion)));
      await this.erase(tx, principal, { id, version }, reason);
      await forgetFormerUsers(tx, [id]);
      return true;
    });
  }

  private async erase(
    tx: EntityManager,
    principal: Principal,
    user: { id: string; version: number },
    reason: string | null,
  ): Promise<void> {
    const { tenantId } = principal;
    await this.ledger.erasePerson(tx, tenantId, user.id);
    await eraseSessions(tx, tenantId, user.id);
    await this.ledger.record(tx, [
      {
        tenantId,
        type: 'user.erased',
        subject: { type: 'user', ...user },
        actor: actorOf(principal),
        via: 'rest',
        reason,
      },
    ]);
  }

  private toView(person: Person | null | undefined): UserView {
    if (!person) throw new Problem('not_found');
    return toUserView(person, this.clock.now());
  }
}

/** The roles that a deletion took, by its event; none where that was erased. */
function rolesLost(personal: SqlValue | undefined): string[] {
  if (typeof personal !== 'string') return [];
  const { revoked } = JSON.parse(personal) as { revoked?: readonly GrantWord[] };
  return (revoked ?? []).flatMap(({ kind, key }) => (kind === 'role' ? [key] : []));
}

async function assertNotOwned(person: Person, fields: readonly string[], scene: EditScene): Promise<void> {
  if (fields.length === 0 || person.identities.length === 0) return;
  const connectionIds = person.identities.map(({ connectionId }) => connectionId);
  const policies = await loadPolicies(scene.tx, person.user.tenantId, connectionIds, scene.roles);
  const owned = fields.flatMap((field) => {
    const connection = ownerOf(person, field, (id) => policies.get(id) ?? null);
    return connection === null ? [] : [{ field, connection }];
  });
  const [first] = owned;
  if (!first) return;
  throw new Problem('owned_by_connection', `${first.field} comes from the connection ${first.connection}.`, {
    faults: owned.map(({ field, connection }) => ({
      pointer: `/${field.replace('.', '/')}`,
      detail: `comes from the connection ${connection}`,
    })),
    extra: first,
  });
}
