import { Injectable } from '@nestjs/common';
import { Readable } from 'node:stream';
import { actorOf, LedgerService } from '../../ledger/ledger.service.js';
import type { Principal } from '../../platform/access.js';
import { Database } from '../../platform/database.js';
import { assertOperator, inBothLedgers, loadTenant, refusePlatform } from './tenant-events.js';
import { exportTenant } from './tenant-export.js';

@Injectable()
export class TenantExportService {
  constructor(
    private readonly database: Database,
    private readonly ledger: LedgerService,
  ) {}

  /** NDJSON of what the tenant holds; both ledgers are told first. Throws `not_found`. */
  async open(principal: Principal, id: string): Promise<Readable> {
    await this.database.transaction(async (tx) => {
      await assertOperator(tx, principal);
      const tenant = await loadTenant(tx, id);
      refusePlatform(tenant);
      const by = { actor: actorOf(principal), via: 'rest' as const };
      await this.ledger.record(tx, inBothLedgers('tenant.exported', tenant, principal.tenantId, by));
    });
    return Readable.from(exportTenant(this.database.read, id), { objectMode: false });
  }
}
