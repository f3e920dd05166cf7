import { actorOf, type NewEvent } from '../../ledger/ledger.service.js';
import type { Principal } from '../../platform/access.js';
import type { ApiKeyEntity } from './api-key.entity.js';

export function keyEventOf(type: string, row: ApiKeyEntity, principal: Principal, fields: string[]): NewEvent {
  return {
    tenantId: row.tenantId,
    type,
    subject: { type: 'api-key', id: row.id, version: 1 },
    actor: actorOf(principal),
    via: 'rest',
    fields,
  };
}
