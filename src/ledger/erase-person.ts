import type { EntityManager } from 'typeorm';
import { execute } from '../platform/sql.js';

/** Erases the personal part of every event about a person; the events stay, and their seals still verify. */
export async function erasePerson(tx: EntityManager, tenantId: string, subjectId: string): Promise<void> {
  await execute(tx, 'DELETE FROM event_personal WHERE subjectId = ? AND tenantId = ?', [subjectId, tenantId]);
}
