import type { EntityManager } from 'typeorm';
import type { Micros } from '../../platform/clock.js';
import { newId } from '../../platform/ids.js';
import { ApiKeyEntity } from './api-key.entity.js';
import { createKey } from './key-format.js';

export interface KeyOrder {
  tenantId: string;
  name: string;
  scopes: readonly string[];
  connectionId: string | null;
  expiresAt: Micros | null;
  operatorOf: string | null;
  createdBy: string;
  now: Micros;
}

/** Stores a new key inside the caller's transaction. `key` is the credential: shown once, and nowhere kept. */
export async function issueKey(tx: EntityManager, order: KeyOrder): Promise<{ row: ApiKeyEntity; key: string }> {
  const { key, keyId, secretHash } = createKey();
  const { now, ...rest } = order;
  const row: ApiKeyEntity = {
    ...rest,
    id: newId(),
    keyId,
    secretHash,
    scopes: [...order.scopes],
    revokedAt: null,
    lastUsedAt: null,
    createdAt: now,
  };
  await tx.insert(ApiKeyEntity, row);
  return { row, key };
}
