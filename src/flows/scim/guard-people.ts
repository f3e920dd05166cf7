import type { EntityManager } from 'typeorm';
import type { PlannedBatch } from '../../provisioning/batch.js';
import { raiseRevisions } from '../../records/users/raise-revisions.js';

/**
 * Tells whoever plans another change of these people that the list of groups which they have read is old from now on,
 * also where nothing of the people themselves is written.
 */
export async function guardPeople(tx: EntityManager, people: readonly string[], planned: PlannedBatch): Promise<void> {
  const written = new Set(planned.changes.flatMap(({ identitiesUpdated }) => identitiesUpdated.map(({ id }) => id)));
  const others = people.filter((id) => !written.has(id));
  await raiseRevisions(tx, others, planned.loaded.revisions);
}
