import { Injectable, Logger } from '@nestjs/common';
import { LoginFailures } from '../../ledger/login-failures.js';
import { PLATFORM_SLUG } from '../../records/tenants/tenant.entity.js';
import { LoginDirectory } from './login-directory.js';
import type { LoginRefusal } from './login-refusal.js';

/** Where a login comes from, as far as the connection tells. */
export interface Client {
  address: string | null;
  userAgent: string | null;
}

/** Tells the ledger precisely what the caller is not told. */
@Injectable()
export class RefusalNotes {
  private readonly logger = new Logger('Login');

  constructor(
    private readonly directory: LoginDirectory,
    private readonly failures: LoginFailures,
  ) {}

  /** In the tenant's ledger where it is known whose login it was, else in the operators'. */
  async note(refusal: LoginRefusal, { address, userAgent }: Client, requestId: string): Promise<void> {
    const tenantId = refusal.tenantId ?? (await this.directory.findTenantId(PLATFORM_SLUG));
    const { connectionId, userId, reason } = refusal;
    const where = { tenant: refusal.tenantId ?? undefined, connection: connectionId ?? undefined };
    this.logger.log({ message: `refused: ${reason}`, requestId, ...where });
    if (tenantId === null) return;
    this.failures.note({ tenantId, connectionId, userId, reason, address, personal: { userAgent } });
  }
}
