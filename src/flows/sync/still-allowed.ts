import type { EntityManager } from 'typeorm';
import type { Principal } from '../../platform/access.js';
import type { Micros } from '../../platform/clock.js';
import { ApiKeyEntity } from '../../records/api-keys/api-key.entity.js';
import { SessionEntity } from '../../records/sessions/session.entity.js';

/** Whether whoever began a stream would still be let in: a revoked key does not go on for hours. */
export async function isStillAllowed(
  read: EntityManager,
  { type, id, sessionId }: Principal,
  now: Micros,
): Promise<boolean> {
  if (type === 'api-key') {
    const key = await read.findOneBy(ApiKeyEntity, { id });
    return key?.revokedAt === null && (key.expiresAt === null || key.expiresAt > now);
  }
  return sessionId === null || (await read.findOneBy(SessionEntity, { id: sessionId }))?.endedAt === null;
}
