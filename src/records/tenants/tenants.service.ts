import { Inject, Injectable } from '@nestjs/common';
import { type EntityManager, MoreThan } from 'typeorm';
import { actorOf, LedgerService } from '../../ledger/ledger.service.js';
import type { Principal } from '../../platform/access.js';
import { Clock, formatTime, HOUR, type Micros } from '../../platform/clock.js';
import type { Config } from '../../platform/config.js';
import { Database } from '../../platform/database.js';
import { duplicateOf } from '../../platform/database-errors.js';
import type { PageQuery } from '../../platform/page-query.dto.js';
import { keyOfCursor, type Page, pageOf } from '../../platform/paging.js';
import { builtInRoles } from '../../platform/permissions.js';
import { CONFIG } from '../../platform/platform.module.js';
import { Problem } from '../../platform/problem.js';
import { publicUrl } from '../../platform/public-url.js';
import { checkVersion } from '../../platform/versions.js';
import { issueKey } from '../api-keys/issue-key.js';
import { createOneTimeLink, INVITE_LIFE, linkTo } from '../local-admins/one-time-links.js';
import { endSessions } from '../sessions/end-sessions.js';
import { createTenant } from './create-tenant.js';
import { assertOperator, inBothLedgers, loadTenant, refusePlatform, writeTenant } from './tenant-events.js';
import { TenantEntity } from './tenant.entity.js';
import {
  type CreateTenantBody,
  type NewTenantView,
  type TenantAccessView,
  type TenantView,
  toTenantView,
} from './tenants.dto.js';

const ACCESS_LIFE: Micros = HOUR;

/** What an operator may do inside for an hour: an admin's part, but nothing that outlives the hour unseen. */
export const accessScopes: readonly string[] = (
  builtInRoles.find((role) => role.key === 'admin')?.permissions ?? []
).filter((each) => each !== 'api-keys:write');

@Injectable()
export class TenantsService {
  constructor(
    private readonly database: Database,
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  async list(principal: Principal, query: PageQuery): Promise<Page<TenantView>> {
    await assertOperator(this.database.read, principal);
    const after = keyOfCursor(query.cursor);
    const rows = await this.database.read.find(TenantEntity, {
      where: after === null ? {} : { id: MoreThan(after) },
      order: { id: 'ASC' },
      take: query.limit + 1,
    });
    return pageOf(rows, query.limit, (row) => row.id, toTenantView);
  }

  async get(principal: Principal, id: string): Promise<TenantView> {
    await assertOperator(this.database.read, principal);
    return toTenantView(await loadTenant(this.database.read, id));
  }

  /** A tenant, and the link by which its first owner comes in. Throws `name_taken`. */
  async create(principal: Principal, body: CreateTenantBody): Promise<NewTenantView> {
    try {
      return await this.database.transaction(async (tx) => {
        await assertOperator(tx, principal);
        const now = this.clock.now();
        const by = { actor: actorOf(principal), via: 'rest' as const };
        const tenant = await createTenant(tx, body, { ...by, now, ledger: this.ledger });
        const expiresAt = now + INVITE_LIFE;
        const token = await createOneTimeLink(tx, {
          purpose: 'invite-owner',
          tenantId: tenant.id,
          userId: null,
          expiresAt,
        });
        const link = linkTo(publicUrl(this.config), token);
        return { ...toTenantView(tenant), invite: { link, expiresAt: formatTime(expiresAt) } };
      });
    } catch (error) {
      if (duplicateOf(error) === null) throw error;
      throw new Problem('name_taken', `There is a tenant ${body.slug} already.`, {
        faults: [{ pointer: '/slug', detail: 'is taken' }],
      });
    }
  }

  rename(principal: Principal, id: string, name: string, ifMatch: string | undefined): Promise<TenantView> {
    return this.change(principal, id, async (tx, tenant) => {
      checkVersion(ifMatch, tenant.version);
      if (tenant.name === name) return tenant;
      return this.write(tx, principal, { ...tenant, name }, 'tenant.updated', ['name']);
    });
  }

  /** Its sessions end; its keys, links and logins stop at once, because each request reads the tenant's status. */
  suspend(principal: Principal, id: string): Promise<TenantView> {
    return this.change(principal, id, async (tx, tenant) => {
      refusePlatform(tenant);
      if (tenant.status === 'suspended') return tenant;
      if (tenant.status === 'deleting') throw new Problem('tenant_not_active', 'It is being deleted.');
      const suspended = await this.write(tx, principal, { ...tenant, status: 'suspended' }, 'tenant.suspended', [
        'status',
      ]);
      await endSessions(tx, 'tenantId', [id], 'tenant_suspended', this.clock.now());
      return suspended;
    });
  }

  resume(principal: Principal, id: string): Promise<TenantView> {
    return this.change(principal, id, async (tx, tenant) => {
      if (tenant.status === 'active') return tenant;
      if (tenant.status === 'deleting') throw new Problem('tenant_not_active', 'It is being deleted.');
      return this.write(tx, principal, { ...tenant, status: 'active' }, 'tenant.resumed', ['status']);
    });
  }

  /** One hour inside a customer's tenant, with a reason that both ledgers keep. */
  async enter(principal: Principal, id: string, reason: string): Promise<TenantAccessView> {
    return this.database.transaction(async (tx) => {
      await assertOperator(tx, principal);
      const tenant = await loadTenant(tx, id);
      refusePlatform(tenant);
      if (tenant.status !== 'active') throw new Problem('tenant_not_active', `The tenant is ${tenant.status}.`);
      const now = this.clock.now();
      const expiresAt = now + ACCESS_LIFE;
      const { row, key } = await issueKey(tx, {
        tenantId: tenant.id,
        name: 'Operator access',
        scopes: accessScopes,
        connectionId: null,
        expiresAt,
        operatorOf: principal.tenantId,
        createdBy: principal.id,
        now,
      });
      const by = { actor: actorOf(principal), via: 'rest' as const };
      await this.ledger.record(tx, [
        ...inBothLedgers('tenant.entered', tenant, principal.tenantId, by, { reason }),
        {
          tenantId: tenant.id,
          type: 'api_key.created',
          subject: { type: 'api-key', id: row.id, version: 1 },
          ...by,
          reason,
          fields: ['scopes', 'expiresAt'],
        },
      ]);
      return { key, keyId: row.id, scopes: row.scopes, expiresAt: formatTime(expiresAt) };
    });
  }

  private async change(
    principal: Principal,
    id: string,
    work: (tx: EntityManager, tenant: TenantEntity) => Promise<TenantEntity>,
  ): Promise<TenantView> {
    return this.database.transaction(async (tx) => {
      await assertOperator(tx, principal);
      return toTenantView(await work(tx, await loadTenant(tx, id)));
    });
  }

  private async write(
    tx: EntityManager,
    principal: Principal,
    changed: TenantEntity,
    type: string,
    fields: string[],
  ): Promise<TenantEntity> {
    const tenant = { ...changed, version: changed.version + 1, updatedAt: this.clock.now() };
    await writeTenant(tx, tenant);
    const by = { actor: actorOf(principal), via: 'rest' as const };
    const ledgers = tenant.id === principal.tenantId ? 1 : 2;
    const events = inBothLedgers(type, tenant, principal.tenantId, by, { fields });
    await this.ledger.record(tx, events.slice(0, ledgers));
    return tenant;
  }
}
