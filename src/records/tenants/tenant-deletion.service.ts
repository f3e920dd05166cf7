import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { actorOf, LedgerService, SYSTEM } from '../../ledger/ledger.service.js';
import type { Principal } from '../../platform/access.js';
import { Clock } from '../../platform/clock.js';
import { Database } from '../../platform/database.js';
import { Problem } from '../../platform/problem.js';
import { forUpdate } from '../../platform/row-locks.js';
import { execute, placeholders, selectRows } from '../../platform/sql.js';
import { endSessions } from '../sessions/end-sessions.js';
import { assertOperator, type By, loadTenant, refusePlatform, tenantEvent, writeTenant } from './tenant-events.js';
import { PLATFORM_SLUG, TenantEntity } from './tenant.entity.js';
import { type TenantTable, tenantTables } from './tenant-tables.js';

const ROWS_PER_CHUNK = 500;

/** What is lost with a tenant for good, and may be somebody else's. */
const USES = ['users', 'connections'] as const;

@Injectable()
export class TenantDeletionService implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(TenantDeletionService.name);
  private stopping = false;

  constructor(
    private readonly database: Database,
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
  ) {}

  /** A deletion that was cut off goes on at the next start; nobody waits for it. */
  onApplicationBootstrap(): void {
    this.resumeAll().catch((error: unknown) => this.logger.error(error));
  }

  onModuleDestroy(): void {
    this.stopping = true;
  }

  /**
   * Removes a tenant with all it holds, its ledger too. What is left is the word of it in the operators' ledger. Throws
   * `tenant_in_use` (409) with the counts where it holds users or connections, unless `force`.
   */
  async remove(principal: Principal, id: string, force: boolean): Promise<void> {
    const by: By = { actor: actorOf(principal), via: 'rest' };
    await this.database.transaction(async (tx) => {
      await assertOperator(tx, principal);
      const tenant = await loadTenant(tx, id);
      refusePlatform(tenant);
      if (tenant.status === 'deleting') return;
      if (!force) await assertUnused(tx, id);
      const now = this.clock.now();
      const deleting: TenantEntity = { ...tenant, status: 'deleting', version: tenant.version + 1, updatedAt: now };
      // From here on its keys, links and logins are refused, so that no new rows come while the old ones go.
      await writeTenant(tx, deleting);
      // Waits for pushes and logins that are being written, and tells those that come that they are too late.
      await execute(tx, `UPDATE connections SET status = 'disabled', version = version + 1 WHERE tenantId = ?`, [id]);
      await endSessions(tx, 'tenantId', [id], 'deleted', now);
      await this.ledger.record(tx, [tenantEvent('tenant.deletion_started', deleting, principal.tenantId, by)]);
    });
    await this.purge(id, by);
  }

  /** Goes on with every deletion that was begun. */
  async resumeAll(): Promise<void> {
    const unfinished = await this.database.read.findBy(TenantEntity, { status: 'deleting' });
    for (const tenant of unfinished) await this.purge(tenant.id, { actor: SYSTEM, via: 'system' });
  }

  /** Two instances may do this at once: rows go once, and so does the tenant. */
  private async purge(tenantId: string, by: By): Promise<void> {
    for (const table of tenantTables) {
      while (await this.database.transaction((tx) => removeChunk(tx, table, tenantId))) {
        if (this.stopping) throw new Problem('overloaded', 'The service stops; the deletion goes on when it starts.');
      }
    }
    await this.database.transaction(async (tx) => {
      const tenant = await tx.findOneBy(TenantEntity, { id: tenantId });
      const { affected } = await tx.delete(TenantEntity, { id: tenantId, status: 'deleting' });
      if (!tenant || affected !== 1) return;
      const platform = await tx.findOneByOrFail(TenantEntity, { slug: PLATFORM_SLUG });
      await this.ledger.record(tx, [
        {
          ...tenantEvent('tenant.deleted', tenant, platform.id, by),
          personal: { slug: tenant.slug, name: tenant.name },
        },
      ]);
    });
  }
}

/** Removes some rows of a table, with their children; false when there are none left. */
async function removeChunk(tx: EntityManager, table: TenantTable, tenantId: string): Promise<boolean> {
  const ofTenant = table.through
    ? `${table.through} IN (SELECT id FROM connections WHERE tenantId = ?)`
    : 'tenantId = ?';
  const rows = (await execute(
    tx,
    `SELECT DISTINCT ${table.key} AS k FROM ${table.table} WHERE ${ofTenant} LIMIT ${ROWS_PER_CHUNK}${table.waits ? forUpdate(tx) : ''}`,
    [tenantId],
  )) as { k: string | number }[];
  if (rows.length === 0) return false;
  const keys = rows.map((row) => row.k);
  const list = placeholders(keys.length);
  for (const child of table.children ?? []) {
    await execute(tx, `DELETE FROM ${child.table} WHERE ${child.by} IN ${list}`, keys);
  }
  await execute(tx, `DELETE FROM ${table.table} WHERE ${ofTenant} AND ${table.key} IN ${list}`, [tenantId, ...keys]);
  return true;
}

async function assertUnused(tx: EntityManager, tenantId: string): Promise<void> {
  const inUse: Partial<Record<(typeof USES)[number], number>> = {};
  for (const table of USES) {
    const [row] = await selectRows(tx, `SELECT COUNT(*) AS count FROM ${table} WHERE tenantId = ?`, [tenantId]);
    inUse[table] = Number(row?.count);
  }
  if (Object.values(inUse).every((count) => count === 0)) return;
  const detail = 'It holds users or connections, which cannot be brought back. Delete it with ?force=true.';
  throw new Problem('tenant_in_use', detail, { extra: { inUse } });
}
