import { createHash, randomBytes } from 'node:crypto';
import { type EntityManager, IsNull, MoreThan } from 'typeorm';
import { DAY, type Micros } from '../../platform/clock.js';
import { Problem } from '../../platform/problem.js';
import { OneTimeLinkEntity } from './local-password.entity.js';

export const FIRST_LINK_LIFE: Micros = DAY;
export const RESET_LIFE: Micros = DAY;
export const INVITE_LIFE: Micros = 7 * DAY;

export type LinkOrder = Pick<OneTimeLinkEntity, 'purpose' | 'tenantId' | 'userId' | 'expiresAt'> &
  Partial<Pick<OneTimeLinkEntity, 'mayHold'>>;

/**
 * Stores a link that works once and returns its token (256 random bits): shown once, kept as a hash. A new one for a
 * user, or for the first operator, takes the place of the old.
 */
export async function createOneTimeLink(tx: EntityManager, order: LinkOrder): Promise<string> {
  if (order.userId !== null) await tx.delete(OneTimeLinkEntity, { userId: order.userId });
  if (order.purpose === 'first-operator') await tx.delete(OneTimeLinkEntity, { purpose: order.purpose });
  const token = randomBytes(32).toString('base64url');
  await tx.insert(OneTimeLinkEntity, { mayHold: null, ...order, tokenHash: hashToken(token), usedAt: null });
  return token;
}

/** The token stands behind the `#`: browsers keep that to themselves, so that it reaches no log on the way. */
export function linkTo(publicUrl: string, token: string): string {
  return `${publicUrl}/setup#token=${token}`;
}

/** A link that can still be used. Throws `link_invalid`, alike for unknown, used and expired ones. */
export async function getLink(manager: EntityManager, token: string, now: Micros): Promise<OneTimeLinkEntity> {
  const link = await manager.findOneBy(OneTimeLinkEntity, {
    tokenHash: hashToken(token),
    usedAt: IsNull(),
    expiresAt: MoreThan(now),
  });
  if (!link) throw new Problem('link_invalid');
  return link;
}

/** Uses the link up: of two at once, one gets it. Throws `link_invalid`. */
export async function claimLink(tx: EntityManager, token: string, now: Micros): Promise<OneTimeLinkEntity> {
  const link = await getLink(tx, token, now);
  const { affected } = await tx.update(
    OneTimeLinkEntity,
    { tokenHash: link.tokenHash, usedAt: IsNull() },
    { usedAt: now },
  );
  if (affected !== 1) throw new Problem('link_invalid');
  return link;
}

function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}
