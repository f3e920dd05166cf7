import type { EntityManager } from 'typeorm';
import { actorOf } from '../../ledger/ledger.service.js';
import { deleteByKeys, insertRows } from '../../platform/sql.js';
import { type NamedPeople, spareNamed } from '../../provisioning/spare-named.js';
import { type Naming, SEEN_COLUMNS, seenRows } from '../../records/sync-runs/seen-names.js';
import type { PushParts } from './push-parts.js';
import { type Pushing, runOf } from './run-of-push.js';

/** `unheard`: those of them of whom nothing else was written. */
export interface PushNaming extends Naming {
  unheard: NamedPeople;
}

/**
 * Whom the records of a run named that had nothing else to write. It is written with the next word of the run that counts
 * them as done with: what came later is read again if the process dies, and noted then.
 */
export class SeenNotes {
  private waiting: PushNaming[] = [];
  private noted: NamedPeople[] = [];

  constructor(
    private readonly parts: Pick<PushParts, 'database' | 'provisioning'>,
    private readonly pushing: Pushing,
  ) {}

  add(naming: PushNaming): void {
    this.waiting.push(naming);
  }

  /** What was written otherwise, and is committed. */
  addNoted({ unheard }: PushNaming): void {
    this.noted.push(unheard);
  }

  /** Writes, in `tx`, those of the records up to this one. Call `settle` with the same number after the commit. */
  async write(tx: EntityManager, upTo: number): Promise<void> {
    const run = runOf(this.pushing);
    const rows = this.waiting.filter(({ part }) => part <= upTo).flatMap((each) => seenRows(run, each));
    // The answer to a commit can be lost, and the commit be there.
    const keys = rows.map(([id = null, part = null]) => [id, part]);
    await deleteByKeys(tx, 'run_seen', ['runId', 'part'], keys);
    await insertRows(tx, 'run_seen', SEEN_COLUMNS, rows);
  }

  /** Forgets what is committed, once nobody of it is taken for missing by a snapshot that had not heard of it. */
  async settle(upTo: number): Promise<void> {
    for (const each of this.waiting) if (each.part <= upTo) this.addNoted(each);
    this.waiting = this.waiting.filter(({ part }) => part > upTo);
    const { noted } = this;
    this.noted = [];
    const run = { ...runOf(this.pushing), actor: actorOf(this.pushing.principal) };
    await spareNamed(this.parts, run, noted).catch((error: unknown) => {
      this.noted.push(...noted);
      throw error;
    });
  }
}
