import type { EntityManager } from 'typeorm';
import { Problem } from '../../platform/problem.js';
import { ConnectionSourceEntity } from '../../records/sources/source.entity.js';

/** A run, and the source by which it began. */
interface ReadBy {
  source: ConnectionSourceEntity;
  opened: { runId: string };
}

/**
 * What an admin saves, removes or resumes counts at once: what was read by the old settings is not gone on with. Throws
 * `run_cancelled` where the source was removed, as the run was with it, and `conflict` where it was set otherwise.
 */
export async function assertSame(read: EntityManager, { source, opened }: ReadBy): Promise<void> {
  const stored = await read.findOneBy(ConnectionSourceEntity, { connectionId: source.connectionId });
  if (stored?.lastRunId !== opened.runId) throw new Problem('run_cancelled');
  if (stored.version !== source.version || stored.suspendedAt !== null) throw sourceChanged();
}

export function sourceChanged(): Problem {
  return new Problem('conflict', 'The source was changed meanwhile.');
}
