import type { Json, Statement } from '../../src/plan/statement.js';
import type { Principal } from '../../src/platform/access.js';
import { newId } from '../../src/platform/ids.js';
import { ProvisioningService } from '../../src/provisioning/provisioning.service.js';
import type { Settled } from '../../src/provisioning/submission.js';
import {
  IdentityRemoval,
  type RemovalRequest,
  type Removed,
} from '../../src/records/users/identity-removal.service.js';
import type { Customer } from './login-world.js';

export interface Pushed {
  userId: string;
  identityId: string;
  externalId: string;
}

/** A customer's directory, below any protocol: it states people, names their identities, and deletes them. */
export class DirectoryWrites {
  private count = 0;

  constructor(private readonly customer: Customer) {}

  /** What a directory says of one person. */
  state(fields: Record<string, Json>, more: Partial<Statement>): Promise<Settled> {
    const { tenantId, connectionId, world } = this.customer;
    const statement: Statement = {
      connectionId,
      voice: 'push',
      at: 0,
      newest: true,
      externalId: null,
      subject: null,
      fields,
      overage: [],
      complete: false,
      guarded: true,
      ...more,
    };
    const submission = { tenantId, statement, purpose: 'push' as const, via: 'scim' as const };
    const actor = { type: 'api-key' as const, id: newId() };
    return world.rollcall.app.get(ProvisioningService).submit({ ...submission, actor });
  }

  async push(externalId: string, fields: Record<string, Json> = {}): Promise<Pushed> {
    const settled = await this.state(fields, { externalId });
    if (settled.kind !== 'planned') throw new Error(JSON.stringify(settled));
    return { userId: settled.outcome.userId ?? '', identityId: settled.outcome.identityId ?? '', externalId };
  }

  /** Somebody new. */
  pushNext(fields: Record<string, Json> = {}): Promise<Pushed> {
    const externalId = `u-${++this.count}`;
    return this.push(externalId, { userName: `${externalId}@acme.com`, ...fields });
  }

  remove(identityId: string, more: Partial<RemovalRequest> = {}): Promise<Removed> {
    const { tenantId, connectionId, world } = this.customer;
    const principal: Principal = {
      type: 'api-key',
      id: newId(),
      tenantId,
      connectionId,
      sessionId: null,
      operatorOf: null,
      permissions: new Set(['scim:write']),
    };
    const removal = world.rollcall.app.get(IdentityRemoval);
    return removal.remove(principal, { connectionId, identityId, via: 'scim', ...more });
  }
}
