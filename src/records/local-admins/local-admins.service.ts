import { Inject, Injectable } from '@nestjs/common';
import { type EntityManager, In, MoreThan } from 'typeorm';
import { actorOf, LedgerService, type NewEvent } from '../../ledger/ledger.service.js';
import type { Principal } from '../../platform/access.js';
import { Clock, formatTime } from '../../platform/clock.js';
import type { Config } from '../../platform/config.js';
import { Database } from '../../platform/database.js';
import { duplicateOf } from '../../platform/database-errors.js';
import { assertMayGrant, assertReaches } from '../../platform/grant-rules.js';
import type { PageQuery } from '../../platform/page-query.dto.js';
import { keyOfCursor, type Page, pageOf } from '../../platform/paging.js';
import { CONFIG } from '../../platform/config.js';
import { Problem } from '../../platform/problem.js';
import { publicUrl } from '../../platform/public-url.js';
import { RoleEntity } from '../roles/role.entity.js';
import { UserEntity } from '../users/user.entity.js';
import { LocalPasswordEntity } from './local-password.entity.js';
import type { InviteLocalAdminBody, LocalAdminLinkView, LocalAdminView } from './local-admins.dto.js';
import { findHeldPermissions } from './held-permissions.js';
import { lastLock } from './lock-out.js';
import { createOneTimeLink, INVITE_LIFE, linkTo, RESET_LIFE } from './one-time-links.js';
import { insertLocalAdmin, loginNameOf, nameTaken, NO_PASSWORD } from './write-local-admin.js';

@Injectable()
export class LocalAdminsService {
  constructor(
    private readonly database: Database,
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  async list(principal: Principal, query: PageQuery): Promise<Page<LocalAdminView>> {
    const after = keyOfCursor(query.cursor);
    const rows = await this.database.read.find(LocalPasswordEntity, {
      where: { tenantId: principal.tenantId, ...(after === null ? {} : { userId: MoreThan(after) }) },
      order: { userId: 'ASC' },
      take: query.limit + 1,
    });
    const users = await this.database.read.findBy(UserEntity, { id: In(rows.map((row) => row.userId)) });
    const byId = new Map(users.map((user) => [user.id, user]));
    return pageOf(
      rows,
      query.limit,
      (row) => row.userId,
      (row) => toView(row, byId.get(row.userId) ?? null),
    );
  }

  /**
   * A local admin without a password yet, and the link to set it. Throws `may_not_grant` for roles with permissions
   * that the caller does not hold, `name_taken`, `forbidden` for a key that is bound to a connection.
   */
  async invite(principal: Principal, body: InviteLocalAdminBody, via: NewEvent['via']): Promise<LocalAdminLinkView> {
    assertReaches(principal, null);
    try {
      return await this.database.transaction(async (tx) => {
        await this.assertMayGive(tx, principal, body.roles);
        const now = this.clock.now();
        const order = {
          tenantId: principal.tenantId,
          userName: body.userName,
          displayName: body.displayName ?? null,
          roles: body.roles,
          passwordHash: null,
          reason: 'Local admin',
        };
        const user = await insertLocalAdmin(tx, order, { actor: actorOf(principal), via, now, ledger: this.ledger });
        return this.withLink(tx, principal, user, now + INVITE_LIFE);
      });
    } catch (error) {
      if (duplicateOf(error) === null) throw error;
      throw nameTaken();
    }
  }

  /**
   * A link by which a local admin sets a new password, as long as they hold no more than now; the old one works until
   * then. Throws `may_not_grant` if the account holds more than the caller, who could take it over with the link;
   * `forbidden` for a key that is bound to a connection.
   */
  async reset(principal: Principal, userId: string, via: NewEvent['via']): Promise<LocalAdminLinkView> {
    assertReaches(principal, null);
    return this.database.transaction(async (tx) => {
      const { tenantId } = principal;
      const found = await tx.findOneBy(LocalPasswordEntity, { userId, tenantId });
      const user = found && (await tx.findOneBy(UserEntity, { id: userId, tenantId }));
      if (!user) throw new Problem('not_found');
      assertMayGrant(principal, await findHeldPermissions(tx, user));
      await this.ledger.record(tx, [
        {
          tenantId,
          type: 'local_admin.reset_started',
          subject: { type: 'user', id: userId, version: user.version },
          actor: actorOf(principal),
          via,
        },
      ]);
      return this.withLink(tx, principal, user, this.clock.now() + RESET_LIFE);
    });
  }

  private async assertMayGive(tx: EntityManager, principal: Principal, keys: readonly string[]): Promise<void> {
    const roles = await tx.findBy(RoleEntity, { tenantId: principal.tenantId, key: In([...keys]) });
    const known = new Set(roles.map((role) => role.key));
    const faults = keys.flatMap((key, index) =>
      known.has(key) ? [] : [{ pointer: `/roles/${index}`, detail: `there is no role ${key}` }],
    );
    if (faults.length > 0) throw new Problem('invalid_request', undefined, { faults });
    assertMayGrant(
      principal,
      roles.flatMap((role) => role.permissions),
    );
  }

  private async withLink(
    tx: EntityManager,
    principal: Principal,
    user: UserEntity,
    expiresAt: number,
  ): Promise<LocalAdminLinkView> {
    const token = await createOneTimeLink(tx, {
      purpose: 'reset-password',
      tenantId: user.tenantId,
      userId: user.id,
      // Whoever keeps the link must not get, later, at more than they could have got at now.
      mayHold: principal.type === 'system' ? null : await findHeldPermissions(tx, user),
      expiresAt,
    });
    const row = await tx.findOneByOrFail(LocalPasswordEntity, { userId: user.id });
    const link = linkTo(publicUrl(this.config), token);
    return { ...toView(row, user), link, linkExpiresAt: formatTime(expiresAt) };
  }
}

function toView(row: LocalPasswordEntity, user: UserEntity | null): LocalAdminView {
  const locked = lastLock(row.guesses);
  return {
    userId: row.userId,
    userName: loginNameOf(row, user),
    displayName: user?.displayName ?? null,
    passwordSet: row.passwordHash !== NO_PASSWORD,
    lockedUntil: locked === null ? null : formatTime(locked),
  };
}
