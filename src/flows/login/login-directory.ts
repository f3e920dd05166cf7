import { Injectable } from '@nestjs/common';
import { Clock, type Micros, SECOND } from '../../platform/clock.js';
import { Database } from '../../platform/database.js';
import { isId } from '../../platform/ids.js';
import { ApplicationEntity } from '../../records/applications/application.entity.js';
import { TenantEntity } from '../../records/tenants/tenant.entity.js';

const KEPT_FOR = SECOND;
const TENANTS_MAX = 10_000;

/** Tenants and applications, as a login names them. Applications are up to a second old. */
@Injectable()
export class LoginDirectory {
  private readonly byTenant = new Map<string, { at: Micros; found: Promise<ApplicationEntity[]> }>();

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** A tenant's id by its slug or id; null if there is none. */
  async findTenantId(named: string): Promise<string | null> {
    const row = await this.database.read.findOneBy(TenantEntity, isId(named) ? { id: named } : { slug: named });
    return row?.id ?? null;
  }

  /** The application with this audience, or the tenant's default. Null if there is none. */
  async findApplication(tenantId: string, audience: string | null): Promise<ApplicationEntity | null> {
    const isWanted = (each: ApplicationEntity) => (audience === null ? each.isDefault : each.audience === audience);
    const found = (await this.list(tenantId)).find(isWanted);
    if (found) return found;
    // It may be newer than the list.
    this.byTenant.delete(tenantId);
    return (await this.list(tenantId)).find(isWanted) ?? null;
  }

  private list(tenantId: string): Promise<ApplicationEntity[]> {
    const now = this.clock.now();
    const cached = this.byTenant.get(tenantId);
    if (cached && cached.at <= now && now < cached.at + KEPT_FOR) return cached.found;
    const found = this.database.read.findBy(ApplicationEntity, { tenantId });
    found.catch(() => this.byTenant.delete(tenantId));
    if (this.byTenant.size >= TENANTS_MAX) this.byTenant.clear();
    this.byTenant.set(tenantId, { at: now, found });
    return found;
  }
}
