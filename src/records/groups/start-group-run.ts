import type { EntityManager } from 'typeorm';
import type { NewEvent } from '../../ledger/ledger.service.js';
import type { Micros } from '../../platform/clock.js';
import { newId } from '../../platform/ids.js';
import { execute, insertRows } from '../../platform/sql.js';
import { RunEntity } from '../sync-runs/run.entity.js';
import { newRun } from '../sync-runs/run-rows.js';

export interface GroupRunOrder {
  tenantId: string;
  connectionId: string;
  mappingVersion: number;
  actor: NewEvent['actor'];
  now: Micros;
}

/**
 * Whose facts are to be brought in line with their groups: the members of a group or of every group of the connection as
 * they are now, and those named, none of whom is among these.
 */
export interface DuePeople {
  groupId?: string;
  allGroups?: boolean;
  identityIds?: readonly string[];
}

/**
 * Orders a run over people whose groups have changed, inside the transaction of the change. It is carried out in chunks
 * after the commit, by whichever instance takes it; who is done drops out of the list. Returns the run's id.
 */
export async function startGroupRun(tx: EntityManager, order: GroupRunOrder, people: DuePeople): Promise<string> {
  const { tenantId, connectionId, mappingVersion, actor, now } = order;
  const runId = newId();
  const what = { kind: 'groups', cause: 'change', mode: null } as const;
  const by = { actorType: actor.type, actorId: actor.id };
  await tx.insert(RunEntity, newRun({ id: runId, tenantId, connectionId, mappingVersion, ...what, ...by }, now));
  const { groupId, allGroups, identityIds = [] } = people;
  if (groupId !== undefined) await addMembers(tx, runId, 'groupId', groupId);
  if (allGroups) await addMembers(tx, runId, 'connectionId', connectionId);
  const rows = identityIds.map((id) => [runId, id, tenantId, connectionId]);
  await insertRows(tx, 'scim_due', ['runId', 'identityId', 'tenantId', 'connectionId'], rows);
  return runId;
}

/** Members that nobody knows have no facts. */
async function addMembers(tx: EntityManager, runId: string, column: 'groupId' | 'connectionId', id: string) {
  const members = `SELECT DISTINCT ?, memberId, tenantId, connectionId FROM scim_members WHERE ${column} = ? AND known = ?`;
  const into = 'INSERT INTO scim_due (runId, identityId, tenantId, connectionId)';
  await execute(tx, `${into} ${members}`, [runId, id, 1]);
}
