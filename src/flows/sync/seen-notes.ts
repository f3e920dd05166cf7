import type { EntityManager } from 'typeorm';
import { deleteByKeys, insertRows } from '../../platform/sql.js';
import type { EntryOfRun } from '../../records/sync-runs/run-entries.js';
import { type Naming, SEEN_COLUMNS, seenRows } from '../../records/sync-runs/seen-names.js';

/**
 * Whom the records of a run named that had nothing else to write. It is written with the next word of the run that counts
 * them as done with: what came later is read again if the process dies, and noted then.
 */
export class SeenNotes {
  private waiting: Naming[] = [];

  constructor(private readonly run: EntryOfRun) {}

  add(naming: Naming): void {
    this.waiting.push(naming);
  }

  /** Writes, in `tx`, those of the records up to this one. Call `drop` with the same number after the commit. */
  async write(tx: EntityManager, upTo: number): Promise<void> {
    const rows = this.waiting.filter(({ part }) => part <= upTo).flatMap((each) => seenRows(this.run, each));
    // The answer to a commit can be lost, and the commit be there.
    const keys = rows.map(([id = null, part = null]) => [id, part]);
    await deleteByKeys(tx, 'run_seen', ['runId', 'part'], keys);
    await insertRows(tx, 'run_seen', SEEN_COLUMNS, rows);
  }

  drop(upTo: number): void {
    this.waiting = this.waiting.filter(({ part }) => part > upTo);
  }
}
