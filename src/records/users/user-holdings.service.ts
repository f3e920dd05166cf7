import { Injectable } from '@nestjs/common';
import type { Person } from '../../plan/person.js';
import type { Principal } from '../../platform/access.js';
import { Clock, parseTime } from '../../platform/clock.js';
import { assertMayGrant } from '../../platform/grant-rules.js';
import { Problem } from '../../platform/problem.js';
import type { RoleCatalogue } from '../roles/role-catalogue.js';
import {
  type AdminWord,
  blockHeld,
  confirmGrants,
  grantByHand,
  type HeldName,
  revokeByHand,
  unblockHeld,
} from './edit-person.js';
import { assertMayRule, effectivePermissions } from './person-authority.js';
import { type EditScene, PersonEditor } from './person-editor.js';
import type { EditOptions } from './users.service.js';
import { findHeldKeyFault } from './user-text.js';
import type { UserView } from './user-view.dto.js';
import { toUserView } from './user-view.js';

export interface GrantOptions extends EditOptions {
  /** RFC 3339. */
  until?: string | null;
}

type Edit = (person: Person, scene: EditScene) => Person;

/** What admins say of roles and entitlements: grants, and blocks against whoever grants. */
@Injectable()
export class UserHoldingsService {
  constructor(
    private readonly editor: PersonEditor,
    private readonly clock: Clock,
  ) {}

  /** Throws `may_not_grant` for a role with permissions that the caller does not hold. */
  grant(principal: Principal, id: string, held: HeldName, options: GrantOptions): Promise<UserView> {
    return this.edit(principal, id, options, (person, scene) => {
      const word = this.wordOf(principal, held, options, scene);
      assertMayGrant(principal, permissionsOf(held, scene.roles));
      return grantByHand(person, held, word);
    });
  }

  /**
   * Lets parked grants count again, all of them or those that are named. Throws `may_not_grant` for a role with
   * permissions that the caller does not hold, `not_found` if a named one is not parked.
   */
  confirm(
    principal: Principal,
    id: string,
    named: readonly HeldName[] | null,
    options: EditOptions,
  ): Promise<UserView> {
    return this.edit(principal, id, options, (person, scene) => {
      const parked = person.grants.filter((grant) => grant.source === 'admin' && grant.parkedAt !== undefined);
      for (const held of named ?? []) {
        if (parked.some(({ kind, key }) => kind === held.kind && key === held.key)) continue;
        throw new Problem('not_found', `No grant of the ${held.kind} ${held.key} waits to be confirmed.`);
      }
      const wanted = named ?? parked;
      assertMayGrant(
        principal,
        wanted.flatMap((held) => permissionsOf(held, scene.roles)),
      );
      return confirmGrants(person, wanted);
    });
  }

  /** Takes an admin's grant away. What a connection gives can only be blocked: `owned_by_connection`. */
  revoke(principal: Principal, id: string, held: HeldName, options: EditOptions): Promise<UserView> {
    return this.edit(principal, id, options, (person, scene) => {
      assertMayGrant(principal, permissionsOf(held, scene.roles));
      const after = revokeByHand(person, held);
      if (after !== person) return after;
      for (const grant of person.grants) {
        if (grant.source !== 'connection' || grant.kind !== held.kind || grant.key !== held.key) continue;
        const { connectionId: connection, rule } = grant;
        throw new Problem('owned_by_connection', `It comes from the connection ${connection}; block it instead.`, {
          extra: { field: held.kind === 'role' ? 'roles' : 'entitlements', connection, rule },
        });
      }
      throw new Problem('not_found', `No admin has given the user this ${held.kind}.`);
    });
  }

  block(principal: Principal, id: string, held: HeldName, options: GrantOptions): Promise<UserView> {
    return this.edit(principal, id, options, (person, scene) => {
      const word = this.wordOf(principal, held, options, scene);
      assertMayRule(principal, effectivePermissions(person, scene.roles, scene.now));
      return blockHeld(person, held, word);
    });
  }

  /** To lift a block may give a role back: it takes what granting it takes. */
  unblock(principal: Principal, id: string, held: HeldName, options: EditOptions): Promise<UserView> {
    return this.edit(principal, id, options, (person, scene) => {
      assertMayGrant(principal, permissionsOf(held, scene.roles));
      const after = unblockHeld(person, held);
      if (after === person) throw new Problem('not_found', `There is no block of this ${held.kind}.`);
      return after;
    });
  }

  private async edit(principal: Principal, id: string, options: EditOptions, edit: Edit): Promise<UserView> {
    const [person] = await this.editor.edit(principal, {
      userIds: [id],
      ifMatch: options.ifMatch,
      reason: options.reason,
      change: ([before], scene) => (before ? [{ before, after: edit(before, scene) }] : []),
    });
    if (!person) throw new Problem('not_found');
    return toUserView(person, this.clock.now());
  }

  private wordOf(principal: Principal, held: HeldName, options: GrantOptions, scene: EditScene): AdminWord {
    const fault = findHeldKeyFault(held.key);
    if (fault) throw new Problem('invalid_request', `The ${held.kind} ${fault}.`);
    if (held.kind === 'role' && !scene.roles.has(held.key)) {
      throw new Problem('not_found', `There is no role ${held.key}.`);
    }
    const until = typeof options.until === 'string' ? parseTime(options.until) : null;
    if (until !== null && until <= scene.now) {
      throw new Problem('invalid_request', undefined, {
        faults: [{ pointer: '/until', detail: 'until lies in the past' }],
      });
    }
    return { adminId: principal.id, reason: options.reason ?? null, until, now: scene.now };
  }
}

function permissionsOf(held: HeldName, roles: RoleCatalogue): readonly string[] {
  return held.kind === 'role' ? (roles.get(held.key)?.permissions ?? []) : [];
}
