import type { EntityManager } from 'typeorm';
import { breathe } from '../../platform/breathe.js';
import type { Micros } from '../../platform/clock.js';
import { selectByKeys, selectRows } from '../../platform/sql.js';
import { PeopleDigest } from './people-digest.js';

/** The identities of a connection that its source speaks for: what is kept here of another Rollcall's people. */
export interface PeopleCopy {
  connectionId: string;
  scope: string;
}

const ROWS_PER_READ = 1000;

/** What the copy has, as the primary counts itself: by their ids there, and the time of the version that was stated. */
export async function digestCopy(manager: EntityManager, { connectionId, scope }: PeopleCopy): Promise<PeopleDigest> {
  const digest = new PeopleDigest();
  for (let after = ''; ;) {
    const rows = await selectRows(
      manager,
      `SELECT externalId, JSON_EXTRACT(facts, '$.push.at') AS statedAt FROM identities
       WHERE connectionId = ? AND externalId > ? AND scope = ? ORDER BY externalId LIMIT ${ROWS_PER_READ}`,
      [connectionId, after, scope],
    );
    for (const { externalId, statedAt } of rows) digest.add(String(externalId), Number(statedAt));
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
export async function findInactive(
  manager: EntityManager,
  { connectionId, scope }: PeopleCopy,
  after: string,
  limit: number,
): Promise<CopiedIdentity[]> {
  const rows = await selectRows(
    manager,
    `SELECT id, externalId FROM identities WHERE connectionId = ? AND externalId > ? AND scope = ? AND active = 0
     ORDER BY externalId LIMIT ${limit}`,
    [connectionId, after, scope],
  );
  return rows.map(({ id, externalId }) => ({ id: String(id), externalId: String(externalId) }));
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
