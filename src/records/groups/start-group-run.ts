import type { EntityManager } from 'typeorm';
import type { NewEvent } from '../../ledger/ledger.service.js';
import type { Micros } from '../../platform/clock.js';
import type { SqlValue } from '../../platform/database.js';
import { newId } from '../../platform/ids.js';
import { execute, placeholders } from '../../platform/sql.js';
import { RunEntity } from '../sync-runs/run.entity.js';

export interface GroupRunOrder {
  tenantId: string;
  connectionId: string;
  mappingVersion: number;
  actor: NewEvent['actor'];
  now: Micros;
}

/**
 * Whose facts are to be brought in line with their groups: those of a whole group as it is now, of every group of the
 * connection, or those named.
 */
export type DuePeople = { groupId: string } | { connectionId: string } | { identityIds: readonly string[] };

const IDS_PER_INSERT = 500;

/**
 * Orders a run over people whose groups have changed, inside the transaction of the change. It is carried out in chunks
 * after the commit, by whichever instance takes it; who is done drops out of the list. Returns the run's id.
 */
export async function startGroupRun(
  tx: EntityManager,
  order: GroupRunOrder,
  people: readonly DuePeople[],
): Promise<string> {
  const { tenantId, connectionId, mappingVersion, actor, now } = order;
  const runId = newId();
  await tx.insert(RunEntity, {
    id: runId,
    tenantId,
    connectionId,
    kind: 'groups',
    status: 'running',
    actorType: actor.type,
    actorId: actor.id,
    mappingVersion,
    counts: {},
    error: null,
    startedAt: now,
    finishedAt: null,
  });
  for (const some of people) {
    if ('groupId' in some) await addDue(tx, order, runId, ['m.groupId = ?', [some.groupId]]);
    else if ('connectionId' in some) await addDue(tx, order, runId, ['m.connectionId = ?', [some.connectionId]]);
    else {
      for (let start = 0; start < some.identityIds.length; start += IDS_PER_INSERT) {
        const ids = some.identityIds.slice(start, start + IDS_PER_INSERT);
        await addNamed(tx, order, runId, ids);
      }
    }
  }
  return runId;
}

const COLUMNS = 'INSERT INTO scim_due (runId, identityId, tenantId, connectionId)';
const NOT_YET = 'NOT EXISTS (SELECT 1 FROM scim_due d WHERE d.runId = ? AND d.identityId = i.id)';

/** Members that nobody knows have no facts. */
function addDue(
  tx: EntityManager,
  { connectionId }: GroupRunOrder,
  runId: string,
  [where, values]: [string, SqlValue[]],
): Promise<unknown> {
  const members = `i.id IN (SELECT m.memberId FROM scim_members m WHERE ${where})`;
  return insertDue(tx, runId, `${members} AND i.connectionId = ?`, [...values, connectionId]);
}

function addNamed(tx: EntityManager, { connectionId }: GroupRunOrder, runId: string, ids: readonly string[]) {
  return insertDue(tx, runId, `i.id IN ${placeholders(ids.length)} AND i.connectionId = ?`, [...ids, connectionId]);
}

function insertDue(tx: EntityManager, runId: string, where: string, values: SqlValue[]): Promise<unknown> {
  const people = `SELECT ?, i.id, i.tenantId, i.connectionId FROM identities i WHERE ${where} AND ${NOT_YET}`;
  return execute(tx, `${COLUMNS} ${people}`, [runId, ...values, runId]);
}
