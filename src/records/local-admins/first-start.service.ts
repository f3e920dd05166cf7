import { Inject, Injectable } from '@nestjs/common';
import { LedgerService, SYSTEM } from '../../ledger/ledger.service.js';
import { Clock } from '../../platform/clock.js';
import type { Config } from '../../platform/config.js';
import { Database } from '../../platform/database.js';
import { duplicateOf } from '../../platform/database-errors.js';
import { OPERATOR } from '../../platform/permissions.js';
import { CONFIG } from '../../platform/config.js';
import { publicUrl } from '../../platform/public-url.js';
import { createTenant } from '../tenants/create-tenant.js';
import { PLATFORM_SLUG, TenantEntity } from '../tenants/tenant.entity.js';
import { findHolder } from '../users/last-owner.js';
import { createOneTimeLink, FIRST_LINK_LIFE, linkTo } from './one-time-links.js';

const PLATFORM = { slug: PLATFORM_SLUG, name: 'Platform' };

@Injectable()
export class FirstStartService {
  constructor(
    private readonly database: Database,
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * Makes tenant `platform` if there is none. Then, while nobody is an operator, a one-time link that makes the first
   * one, in place of any before it; null when there is an operator. `port`: what the service listens on, where the
   * configuration leaves that open.
   */
  async createLink(port?: number): Promise<string | null> {
    await this.ensurePlatform();
    return this.database.transaction(async (tx) => {
      const now = this.clock.now();
      const platform = await tx.findOneByOrFail(TenantEntity, { slug: PLATFORM_SLUG });
      if (await findHolder(tx, platform.id, OPERATOR, now)) return null;
      const token = await createOneTimeLink(tx, {
        purpose: 'first-operator',
        tenantId: null,
        userId: null,
        expiresAt: now + FIRST_LINK_LIFE,
      });
      return linkTo(publicUrl({ ...this.config, PORT: port ?? this.config.PORT }), token);
    });
  }

  /** Makes tenant `platform` if there is none; safe on several instances at once. */
  async ensurePlatform(): Promise<void> {
    if (await this.database.read.existsBy(TenantEntity, { slug: PLATFORM_SLUG })) return;
    try {
      await this.database.transaction((tx) =>
        createTenant(tx, PLATFORM, {
          actor: SYSTEM,
          via: 'system',
          now: this.clock.now(),
          ledger: this.ledger,
        }),
      );
    } catch (error) {
      // Another instance that starts at the same moment was first.
      if (duplicateOf(error) === null) throw error;
    }
  }
}

/** What the terminal shows; not the log, which is kept and read by others. */
export function firstStartNotice(link: string): string {
  return `\n  Rollcall has no operator yet. Open this link within 24 hours; it works once:\n\n    ${link}\n\n`;
}
