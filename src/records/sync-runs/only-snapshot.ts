import { type EntityManager, Not } from 'typeorm';
import { Problem } from '../../platform/problem.js';
import { forUpdate } from '../../platform/row-locks.js';
import { selectRows } from '../../platform/sql.js';
import { RunEntity } from './run.entity.js';
import { statusOf } from './run-state.js';

/**
 * Of two snapshots of the same people at once neither would know whom the other has yet to name: the second hears
 * `conflict`. Call it in the transaction that writes the run's row.
 */
export async function assertOnlySnapshot(tx: EntityManager, run: RunEntity): Promise<void> {
  const { id, connectionId, mode, scope, aliveAt } = run;
  if (mode !== 'snapshot') return;
  // One after the other: of two that begin together the later sees the row of the earlier.
  await selectRows(tx, `SELECT id FROM connections WHERE id = ?${forUpdate(tx)}`, [connectionId]);
  const others = await tx.findBy(RunEntity, { status: 'running', connectionId, mode, scope, id: Not(id) });
  const other = others.find((each) => statusOf(each, aliveAt) === 'running');
  if (!other) return;
  throw new Problem('conflict', 'Another snapshot of this scope is under way.', {
    retryAfterSeconds: 15,
    extra: { run: other.id },
  });
}
