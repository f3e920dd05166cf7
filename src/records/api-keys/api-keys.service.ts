import { Injectable } from '@nestjs/common';
import type { Principal } from '../../platform/access.js';
import { Clock } from '../../platform/clock.js';
import { Database } from '../../platform/database.js';
import { TenantEntity } from '../tenants/tenant.entity.js';
import { ApiKeyEntity } from './api-key.entity.js';
import { parseKey, secretMatches } from './key-format.js';

@Injectable()
export class ApiKeysService {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /**
   * The principal of a key, or null: malformed (no database read), unknown, revoked, expired, or its tenant is not
   * active. Read afresh with each request, so that a revocation counts at once on every instance.
   */
  async authenticate(key: string): Promise<Principal | null> {
    const parts = parseKey(key);
    if (!parts) return null;
    const row = await this.database.read.findOneBy(ApiKeyEntity, { keyId: parts.keyId });
    if (!row || !secretMatches(parts.secret, row.secretHash)) return null;
    if (row.revokedAt !== null || (row.expiresAt !== null && row.expiresAt <= this.clock.now())) return null;
    const tenant = await this.database.read.findOneBy(TenantEntity, { id: row.tenantId });
    if (tenant?.status !== 'active') return null;
    return {
      type: 'api-key',
      id: row.id,
      tenantId: row.tenantId,
      permissions: new Set(row.scopes),
      connectionId: row.connectionId,
      sessionId: null,
      operatorOf: null,
    };
  }
}
