import { createHash } from 'node:crypto';
import { In, type EntityManager } from 'typeorm';
import { nameTrace } from '../../plan/former-user.js';
import type { IdentityState } from '../../plan/person.js';
import { DAY, type Micros, SECOND } from '../../platform/clock.js';
import type { Engine } from '../../platform/database.js';
import { upsertRows } from '../../platform/sql.js';
import type { ConnectionSettings } from '../connections/connection-settings.js';
import { ConnectionEntity } from '../connections/connection.entity.js';

const COLUMNS = ['connectionId', 'subjectHash', 'notBefore', 'expiresAt'] as const;
const UNKNOWN_LIFE: Micros = 2 * DAY;

/**
 * Leaves a hashed trace of identities that are deleted in this transaction, so that a token from before cannot bring
 * them back (G7), nor one of an account that had not logged in yet and has the same user name. It stays until no such token can be valid, and holds nobody's place.
 */
export async function leaveTraces(
  tx: EntityManager,
  engine: Engine,
  identities: readonly (Pick<IdentityState, 'connectionId' | 'subject'> & Partial<IdentityState>)[],
  now: Micros,
): Promise<void> {
  const known = identities.flatMap(({ connectionId, subject, userNameKey = null }) => {
    const name = subject ?? (userNameKey === null ? null : nameTrace(userNameKey));
    return name === null ? [] : [{ connectionId, name }];
  });
  if (known.length === 0) return;
  const ids = [...new Set(known.map(({ connectionId }) => connectionId))];
  const connections = await tx.findBy(ConnectionEntity, { id: In(ids) });
  const lives = new Map(connections.map(({ id, settings }) => [id, tokenLife(settings)]));
  const rows = known.map(({ connectionId, name }) => [
    connectionId,
    hashSubject(name),
    now,
    now + (lives.get(connectionId) ?? UNKNOWN_LIFE),
  ]);
  const upsert = { table: 'identity_traces', columns: COLUMNS, key: COLUMNS.slice(0, 2), update: COLUMNS.slice(2) };
  await upsertRows(tx, engine, upsert, rows);
}

/** SHA-256, base64url. */
export function hashSubject(subject: string): string {
  return createHash('sha256').update(subject).digest('base64url');
}

/** How long after its issue a token can still be taken, at most. */
function tokenLife(settings: Partial<ConnectionSettings>): Micros {
  const { maxTokenAgeSeconds, maxLifetimeSeconds, clockToleranceSeconds, iatOffsetSeconds } = settings;
  const seconds = (maxTokenAgeSeconds ?? NaN) + (maxLifetimeSeconds ?? NaN) + 2 * (clockToleranceSeconds ?? 0);
  return Number.isFinite(seconds) ? (seconds + (iatOffsetSeconds ?? 0)) * SECOND : UNKNOWN_LIFE;
}
