import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { LedgerService } from '../../ledger/ledger.service.js';
import { Clock } from '../../platform/clock.js';
import { Database } from '../../platform/database.js';
import { duplicateOf } from '../../platform/database-errors.js';
import { hashPassword } from '../../platform/password-hash.js';
import { OPERATOR, OWNER } from '../../platform/permissions.js';
import { type Fault, Problem } from '../../platform/problem.js';
import { createTenant } from '../tenants/create-tenant.js';
import { PLATFORM_SLUG, TenantEntity } from '../tenants/tenant.entity.js';
import { findHolder, lockTenant } from '../users/last-owner.js';
import { UserEntity } from '../users/user.entity.js';
import type { LinkPurposeView, SetupBody, SetupView } from './local-admins.dto.js';
import { LocalPasswordEntity, type OneTimeLinkEntity } from './local-password.entity.js';
import { findHeldPermissions } from './held-permissions.js';
import { claimLink, getLink } from './one-time-links.js';
import { insertLocalAdmin, loginNameOf, nameTaken, setLocalPassword, type Writing } from './write-local-admin.js';

/** The tenant of those who host Rollcall for themselves. */
const MAIN = { slug: 'main', name: 'Main' };

/** Nobody is logged in while a link is used: whoever holds it acts. */
const LINK_HOLDER = { actor: { type: 'system', id: 'one-time-link' }, via: 'rest' } as const;

@Injectable()
export class SetupService {
  constructor(
    private readonly database: Database,
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
  ) {}

  /** What the page asks before it shows its form. Throws `link_invalid`. */
  async describe(token: string): Promise<LinkPurposeView> {
    const read = this.database.read;
    const link = await getLink(read, token, this.clock.now());
    const tenant = link.tenantId === null ? null : await read.findOneBy(TenantEntity, { id: link.tenantId });
    const userName = link.userId === null ? null : await findLoginName(read, link.userId);
    return { purpose: link.purpose, tenant: tenant?.slug ?? null, userName };
  }

  /** Uses a link up: makes the account that it is for, or sets its password. Throws `link_invalid`, `name_taken`. */
  async redeem(body: SetupBody): Promise<SetupView> {
    const link = await getLink(this.database.read, body.token, this.clock.now());
    const faults = faultsOf(link, body);
    if (faults.length > 0) throw new Problem('invalid_request', undefined, { faults });
    const passwordHash = await hashPassword(body.password);
    try {
      return await this.database.transaction(async (tx) => {
        const now = this.clock.now();
        const claimed = await claimLink(tx, body.token, now);
        const writing: Writing = { ...LINK_HOLDER, now, ledger: this.ledger };
        if (claimed.purpose === 'first-operator') return this.makeFirstOperator(tx, body, passwordHash, writing);
        if (claimed.purpose === 'invite-owner') return this.makeOwner(tx, claimed, body, passwordHash, writing);
        return this.setPassword(tx, claimed, passwordHash, writing);
      });
    } catch (error) {
      if (duplicateOf(error) === null) throw error;
      throw nameTaken();
    }
  }

  /** The first operator, and the same person as owner of tenant `main`: a user in each. */
  private async makeFirstOperator(
    tx: EntityManager,
    body: SetupBody,
    passwordHash: string,
    writing: Writing,
  ): Promise<SetupView> {
    const platform = await tx.findOneByOrFail(TenantEntity, { slug: PLATFORM_SLUG });
    await lockTenant(tx, platform.id);
    // Of two links that two instances printed at once, the second makes no second operator.
    if (await findHolder(tx, platform.id, OPERATOR, writing.now)) throw new Problem('link_invalid');
    const person = personOf(body, passwordHash, 'First start');
    await insertLocalAdmin(tx, { ...person, tenantId: platform.id, roles: [OPERATOR] }, writing);
    if (await tx.existsBy(TenantEntity, { slug: MAIN.slug })) {
      return { userName: person.userName, tenants: [PLATFORM_SLUG] };
    }
    const main = await createTenant(tx, MAIN, writing);
    await insertLocalAdmin(tx, { ...person, tenantId: main.id, roles: [OWNER] }, writing);
    return { userName: person.userName, tenants: [PLATFORM_SLUG, main.slug] };
  }

  private async makeOwner(
    tx: EntityManager,
    link: OneTimeLinkEntity,
    body: SetupBody,
    passwordHash: string,
    writing: Writing,
  ): Promise<SetupView> {
    const tenant = await activeTenantOf(tx, link);
    const order = { ...personOf(body, passwordHash, 'Invited as owner'), tenantId: tenant.id, roles: [OWNER] };
    await insertLocalAdmin(tx, order, writing);
    return { userName: order.userName, tenants: [tenant.slug] };
  }

  private async setPassword(
    tx: EntityManager,
    link: OneTimeLinkEntity,
    passwordHash: string,
    writing: Writing,
  ): Promise<SetupView> {
    const tenant = await activeTenantOf(tx, link);
    const user = await tx.findOneBy(UserEntity, { id: link.userId ?? '', tenantId: tenant.id });
    if (!user) throw new Problem('link_invalid');
    const { mayHold } = link;
    // Who made the link might rule them then, and need not now.
    if (mayHold && (await findHeldPermissions(tx, user)).some((each) => !mayHold.includes(each))) {
      throw new Problem('link_invalid');
    }
    await setLocalPassword(tx, user, passwordHash, writing);
    return { userName: (await findLoginName(tx, user.id)) ?? '', tenants: [tenant.slug] };
  }
}

/** Null where they are no local admin any more. */
async function findLoginName(manager: EntityManager, userId: string): Promise<string | null> {
  const row = await manager.findOneBy(LocalPasswordEntity, { userId });
  return row && loginNameOf(row, await manager.findOneBy(UserEntity, { id: userId }));
}

async function activeTenantOf(tx: EntityManager, link: OneTimeLinkEntity): Promise<TenantEntity> {
  const tenant = await tx.findOneBy(TenantEntity, { id: link.tenantId ?? '' });
  if (tenant?.status !== 'active') throw new Problem('link_invalid');
  return tenant;
}

function personOf(body: SetupBody, passwordHash: string, reason: string) {
  return { userName: body.userName ?? '', displayName: body.displayName ?? null, passwordHash, reason };
}

function faultsOf(link: OneTimeLinkEntity, body: SetupBody): Fault[] {
  const chosen = link.purpose !== 'reset-password';
  if (chosen && !body.userName) return [{ pointer: '/userName', detail: 'must be chosen: this link makes an account' }];
  if (chosen) return [];
  return (['userName', 'displayName'] as const)
    .filter((field) => body[field] !== undefined)
    .map((field) => ({ pointer: `/${field}`, detail: 'must be left out: this link is for an account that has one' }));
}
