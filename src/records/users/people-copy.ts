import type { EntityManager } from 'typeorm';
import { breathe } from '../../platform/breathe.js';
import type { Micros } from '../../platform/clock.js';
import { selectByKeys, selectRows, type SqlRow } from '../../platform/sql.js';
import { PeopleDigest } from './people-digest.js';

/** The identities of a connection that its source speaks for: what is kept here of another Rollcall's people. */
export interface PeopleCopy {
  connectionId: string;
  scope: string;
}

const ROWS_PER_READ = 1000;

/**
 * What the copy has, as the primary counts itself: by their ids there, and the time of the version that was stated; but
 * for some, and for whoever is leaving because the primary has them no more.
 */
export async function digestCopy(
  manager: EntityManager,
  { connectionId, scope }: PeopleCopy,
  without: ReadonlySet<string>,
): Promise<PeopleDigest> {
  const digest = new PeopleDigest();
  for (let after = ''; ;) {
    const rows = await selectRows(
      manager,
      `SELECT externalId, leavingAt, JSON_EXTRACT(facts, '$.push.at') AS statedAt FROM identities
       WHERE connectionId = ? AND externalId > ? AND scope = ? ORDER BY externalId LIMIT ${ROWS_PER_READ}`,
      [connectionId, after, scope],
    );
    for (const { externalId, leavingAt, statedAt } of rows) {
      if (leavingAt === null && !without.has(String(externalId))) digest.add(String(externalId), Number(statedAt));
    }
    if (rows.length < ROWS_PER_READ) return digest;
    after = String(rows.at(-1)?.externalId);
    await breathe();
  }
}

export interface CopiedIdentity {
  id: string;
  externalId: string;
}

/** Those who are switched off, page by page in the order of their external ids. */
export async function* findInactive(
  manager: EntityManager,
  { connectionId, scope }: PeopleCopy,
  size: number,
): AsyncGenerator<CopiedIdentity[]> {
  for (let after = ''; ;) {
    const rows = await selectRows(
      manager,
      `SELECT id, externalId FROM identities WHERE connectionId = ? AND externalId > ? AND scope = ? AND active = 0
       ORDER BY externalId LIMIT ${size}`,
      [connectionId, after, scope],
    );
    if (rows.length > 0) yield rows.map(toCopied);
    if (rows.length < size) return;
    after = String(rows.at(-1)?.externalId);
  }
}

/** Of these, those who are switched off. */
export async function findInactiveOf(
  manager: EntityManager,
  { connectionId, scope }: PeopleCopy,
  externalIds: readonly string[],
): Promise<CopiedIdentity[]> {
  const sql = (keys: string) =>
    `SELECT id, externalId FROM identities
     WHERE connectionId = ? AND scope = ? AND active = 0 AND externalId IN ${keys}`;
  return (await selectByKeys(manager, sql, [connectionId, scope], externalIds)).map(toCopied);
}

function toCopied({ id, externalId }: SqlRow): CopiedIdentity {
  return { id: String(id), externalId: String(externalId) };
}

/** Of these, those whom a connection's pushes call somebody who is switched on, with the time of what was last stated. */
export async function findActiveNames(
  manager: EntityManager,
  connectionId: string,
  externalIds: readonly string[],
): Promise<Map<string, Micros | null>> {
  const sql = (keys: string) =>
    `SELECT externalId, JSON_EXTRACT(facts, '$.push.at') AS statedAt FROM identities
     WHERE connectionId = ? AND active = 1 AND externalId IN ${keys}`;
  const rows = await selectByKeys(manager, sql, [connectionId], externalIds);
  return new Map(
    rows.map(({ externalId, statedAt }) => [String(externalId), statedAt === null ? null : Number(statedAt)]),
  );
}
