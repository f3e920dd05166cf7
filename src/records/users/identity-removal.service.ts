import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { NewEvent } from '../../ledger/ledger.service.js';
import type { IdentityState, Person } from '../../plan/person.js';
import { findProtection } from '../../plan/protection.js';
import { removeIdentity } from '../../plan/remove-identity.js';
import type { Principal } from '../../platform/access.js';
import type { Micros } from '../../platform/clock.js';
import { Database } from '../../platform/database.js';
import { isId } from '../../platform/ids.js';
import { Problem } from '../../platform/problem.js';
import { selectRows } from '../../platform/sql.js';
import { loadPolicies } from '../connections/load-policies.js';
import { endSessions } from '../sessions/end-sessions.js';
import { noteFormerUser } from './former-users.js';
import { leaveTraces } from './identity-traces.js';
import { type EditScene, PersonEditor } from './person-editor.js';

const LOOKS_MAX = 4;

export interface RemovalRequest {
  connectionId: string;
  identityId: string;
  via: NewEvent['via'];
  /** Throws a Problem to refuse, such as `version_conflict`. The identity is locked as it is stored; may run again. */
  check?(identity: IdentityState, tx: EntityManager): void | Promise<void>;
  /** What else goes in the same transaction; may run again. */
  alongside?(tx: EntityManager, now: Micros): Promise<void>;
}

/** What became of the user. */
export interface Removed {
  userId: string;
  userDeleted: boolean;
}

/** Takes an identity away at the word of its source. */
@Injectable()
export class IdentityRemoval {
  constructor(
    private readonly database: Database,
    private readonly editor: PersonEditor,
  ) {}

  /**
   * Removes the identity with what it gave, and the user where nothing else holds them (`removeIdentity`). In the same
   * transaction its sessions end, a trace keeps out every token from before (rule 7), and for thirty days a note keeps
   * the user's id for them.
   *
   * Throws `not_found`, `protected_user`, `last_owner`, `conflict`.
   */
  async remove(principal: Principal, request: RemovalRequest): Promise<Removed> {
    for (let look = 1; ; look++) {
      const userId = await this.findUser(principal.tenantId, request);
      try {
        return await this.removeFrom(principal, userId, request);
      } catch (error) {
        // Merged into another user, or split off, since it was looked up.
        if (!(error instanceof Elsewhere)) throw error;
        if (look === LOOKS_MAX) throw new Problem('conflict', undefined, { retryAfterSeconds: 1, cause: error });
      }
    }
  }

  private async findUser(tenantId: string, { connectionId, identityId }: RemovalRequest): Promise<string> {
    if (!isId(identityId)) throw new Problem('not_found');
    const [row] = await selectRows(
      this.database.read,
      'SELECT userId FROM identities WHERE id = ? AND connectionId = ? AND tenantId = ?',
      [identityId, connectionId, tenantId],
    );
    if (!row) throw new Problem('not_found');
    return String(row.userId);
  }

  private async removeFrom(principal: Principal, userId: string, request: RemovalRequest): Promise<Removed> {
    const { identityId, via } = request;
    let before: Person | null = null;
    let isThere = false;
    const edited = this.editor.edit(principal, {
      userIds: [userId],
      change: async ([person], scene) => {
        isThere = true;
        const identity = person?.identities.find(({ id }) => id === identityId);
        if (!person || !identity) throw new Elsewhere();
        await request.check?.(identity, scene.tx);
        before = person;
        return [{ before: person, after: await planRemoval(person, identity, scene) }];
      },
      alongside: async ({ tx, now }, [change]) => {
        const identity = change?.identitiesRemoved[0];
        if (!change || !before || !identity) return;
        const { engine } = this.database;
        await endSessions(tx, 'identityId', [identityId], 'deleted', now);
        if (change.deleted) await endSessions(tx, 'userId', [userId], 'deleted', now);
        await leaveTraces(tx, engine, [identity], now);
        await noteFormerUser(tx, engine, before, identity, now);
        await request.alongside?.(tx, now);
      },
      eventOf: ({ event }) => ({
        via,
        personal: { granted: event?.granted ?? [], revoked: event?.revoked ?? [], identity: identityId },
      }),
    });
    try {
      const [after] = await edited;
      return { userId, userDeleted: !after };
    } catch (error) {
      throw isThere || !isNotFound(error) ? error : new Elsewhere();
    }
  }
}

async function planRemoval(person: Person, identity: IdentityState, scene: EditScene): Promise<Person | null> {
  const { tx, roles, now } = scene;
  const { user, identities } = person;
  const policies = await loadPolicies(
    tx,
    user.tenantId,
    identities.map(({ connectionId }) => connectionId),
    roles,
  );
  const policy = policies.get(identity.connectionId) ?? { id: identity.connectionId, allowPrivileged: false, roles };
  const protection = findProtection(person, policy, now);
  if (protection) throw new Problem('protected_user', protection.detail);
  const [password] = await selectRows(tx, 'SELECT userId FROM local_passwords WHERE userId = ?', [user.id]);
  return removeIdentity(person, identity.id, password !== undefined, (id) => policies.get(id) ?? null);
}

/** The identity is another user's now. */
class Elsewhere extends Error {}

function isNotFound(error: unknown): boolean {
  return error instanceof Problem && error.code === 'not_found';
}
