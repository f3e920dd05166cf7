import { Injectable } from '@nestjs/common';
import type { NewEvent } from '../../ledger/ledger.service.js';
import type { PersonChanges } from '../../plan/changes.js';
import type { Person } from '../../plan/person.js';
import { deriveProfile } from '../../plan/profile.js';
import type { Principal } from '../../platform/access.js';
import { Clock } from '../../platform/clock.js';
import { isId, newId } from '../../platform/ids.js';
import { Problem } from '../../platform/problem.js';
import { execute, selectRows } from '../../platform/sql.js';
import { loadPolicies } from '../connections/load-policies.js';
import { endSessions } from '../sessions/end-sessions.js';
import { mergePersons, splitIdentity } from './edit-person.js';
import { assertMayRule, possiblePermissions } from './person-authority.js';
import { type EditScene, PersonEditor } from './person-editor.js';
import type { SplitView, UserView } from './user-view.dto.js';
import { toUserView } from './user-view.js';

/** Who is who, decided by hand: two users made one, one identity made a user of its own. */
@Injectable()
export class UserLinksService {
  constructor(
    private readonly editor: PersonEditor,
    private readonly clock: Clock,
  ) {}

  /**
   * Moves everything of the user `fromId` to the user `id`, and deletes the former. Whoever comes in by either's
   * identities holds then what both held: a caller who does not hold all of that is refused (`forbidden`).
   */
  async merge(principal: Principal, id: string, fromId: string, reason: string | null): Promise<UserView> {
    if (id === fromId) {
      const faults = [{ pointer: '/from', detail: 'from is the user itself' }];
      throw new Problem('invalid_request', undefined, { faults });
    }
    const [person] = await this.editor.edit(principal, {
      userIds: [id, fromId],
      reason,
      change: async ([survivor, other], scene) => {
        if (!survivor || !other) return [];
        for (const each of [survivor, other]) assertMayRule(principal, possiblePermissions(each, scene.roles));
        const merged = await withProfile(mergePersons(survivor, other), scene);
        return [
          { before: survivor, after: merged },
          { before: other, after: null },
        ];
      },
      alongside: async ({ tx, now }) => {
        await endSessions(tx, 'userId', [id, fromId], 'merged', now);
        const [own] = await selectRows(tx, 'SELECT userId FROM local_passwords WHERE userId = ?', [id]);
        if (own) await execute(tx, 'DELETE FROM local_passwords WHERE userId = ?', [fromId]);
        else await execute(tx, 'UPDATE local_passwords SET userId = ? WHERE userId = ?', [id, fromId]);
        // Whoever holds a link to one of the two was not given the other.
        await execute(tx, 'DELETE FROM one_time_links WHERE userId IN (?, ?)', [id, fromId]);
        await execute(tx, 'UPDATE former_users SET userId = ? WHERE userId = ?', [id, fromId]);
      },
      eventOf: (change) =>
        change.userId === id
          ? { type: 'user.merged', personal: { ...wordsOf(change), from: fromId } }
          : { personal: { ...wordsOf(change), into: id } },
    });
    if (!person) throw new Problem('not_found');
    return toUserView(person, this.clock.now());
  }

  /** Makes a new user of one identity. Throws `conflict` if it is the user's only one. */
  async split(principal: Principal, id: string, identityId: string, reason: string | null): Promise<SplitView> {
    if (!isId(identityId)) throw new Problem('not_found');
    const newUserId = newId();
    const [left, parted] = await this.editor.edit(principal, {
      userIds: [id],
      reason,
      change: async ([before], scene) => {
        if (!before?.identities.some((one) => one.id === identityId)) throw new Problem('not_found');
        if (before.identities.length === 1) {
          throw new Problem('conflict', 'It is the only identity of the user; there is nothing to split.');
        }
        assertMayRule(principal, possiblePermissions(before, scene.roles));
        const split = splitIdentity(before, identityId, { id: newUserId, createdAt: scene.now });
        return [
          { before, after: await withProfile(split.left, scene) },
          { before: null, after: await withProfile(split.parted, scene) },
        ];
      },
      alongside: ({ tx, now }) => endSessions(tx, 'identityId', [identityId], 'ended_by_admin', now),
      eventOf: (change) =>
        change.userId === id
          ? { type: 'user.identity_split', personal: { ...wordsOf(change), to: newUserId } }
          : { personal: { ...wordsOf(change), from: id } },
    });
    if (!left || !parted) throw new Problem('not_found');
    const now = this.clock.now();
    return { user: toUserView(left, now), newUser: toUserView(parted, now) };
  }
}

/** The profile follows from the identities: who has others now has another profile. */
async function withProfile(person: Person, { tx, roles }: EditScene): Promise<Person> {
  const connectionIds = person.identities.map(({ connectionId }) => connectionId);
  const policies = await loadPolicies(tx, person.user.tenantId, connectionIds, roles);
  return { ...person, user: deriveProfile(person, (id) => policies.get(id) ?? null) };
}

function wordsOf({ event }: PersonChanges): NonNullable<Pick<NewEvent, 'personal'>['personal']> {
  return { granted: event?.granted ?? [], revoked: event?.revoked ?? [] };
}
