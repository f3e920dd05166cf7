import type { EntityManager } from 'typeorm';
import type { SnapshotTruth } from '../../plan/missing.js';
import { trips } from '../../plan/safety-catch.js';
import type { Micros } from '../../platform/clock.js';
import type { MissingPeople } from '../../provisioning/missing-people.js';
import type { RemovalGuard } from '../../provisioning/removal-guard.js';
import type { Settled } from '../../provisioning/submission.js';
import { NameSet, packNames } from '../../records/sync-runs/name-set.js';
import type { EntryOfRun, NewEntry } from '../../records/sync-runs/run-entries.js';
import { countBefore, countPeople } from '../../records/sync-runs/run-people.js';
import type { Naming } from '../../records/sync-runs/seen-names.js';

/** People of whom a snapshot's dry run names: at 32 bytes each. */
const NAMES_MAX = 4_000_000;

/** What a push would take away. */
export interface PreviewedRemovals {
  /** Users who would be switched off. */
  deactivated: number;
  /** Users who would lose roles or entitlements. */
  reduced: number;
  /** Of so many active people. */
  people: number;
  /** The records that say so. */
  records: number;
  /** Of a snapshot: how many of its scope it does not name. */
  missing?: number;
  /** Why nobody would be taken for missing. */
  error?: string;
  /** An admin would have to agree. */
  held: boolean;
}

/** Gathers, over all of a dry run, what it would take away. */
export class RemovalPreview {
  /** Why not everybody was named though all was to be read. */
  gap: string | null = null;
  /** Users who would lose something, and those of them who would be switched off. */
  private readonly losing = new NameSet();
  private readonly leaving = new NameSet();
  private readonly named = new NameSet();
  private namesAnybody = false;
  private records = 0;
  private missing = 0;
  private unreadable: number | null = null;

  constructor(
    private readonly of: EntryOfRun & { truth: SnapshotTruth | null },
    private readonly guard: RemovalGuard,
    private readonly namesMax = NAMES_MAX,
  ) {}

  note(settled: readonly Settled[], { externalIds, unreadable }: Omit<Naming, 'part'>): void {
    for (const one of settled) {
      if (one.kind !== 'held') continue;
      this.noteLoss(one.outcome.userId, one.loss.deactivates);
      this.records += 1;
    }
    if (!this.of.truth) return;
    this.namesAnybody ||= externalIds.length > 0;
    if (this.named.size <= this.namesMax) this.named.addPacked(packNames(externalIds));
    this.unreadable ??= unreadable;
  }

  /** When all has been noted: page by page who is missing. */
  async *findMissing(people: MissingPeople): AsyncGenerator<NewEntry[]> {
    const { tenantId, truth } = this.of;
    if (!truth || this.flaw !== null) return;
    for await (const entries of people.find(tenantId, truth, this.named)) {
      this.missing += entries.length;
      for (const { userId } of entries) this.noteLoss(userId, true);
      yield entries;
    }
  }

  /** Why nobody would be taken for missing. */
  private get flaw(): string | null {
    if (this.gap !== null) return `Nobody is taken for missing: ${this.gap}`;
    if (this.named.size > this.namesMax) return tellTooMany(this.namesMax);
    return this.unreadable === null ? null : tellUnreadable(this.unreadable);
  }

  /** After `findMissing`; null for nothing. */
  async tell(read: EntityManager, now: Micros): Promise<PreviewedRemovals | null> {
    const { truth, connectionId } = this.of;
    if (this.losing.size === 0 && !truth) return null;
    const { limits, scope } = this.guard;
    const people = truth
      ? await countBefore(read, { ...this.of, scope: truth.scope }, now)
      : await countPeople(read, connectionId, scope, now);
    const deactivated = this.leaving.size;
    const losing = { deactivated, reduced: this.losing.size - deactivated };
    const namesNobody = this.missing > 0 && !this.namesAnybody;
    const held = namesNobody || trips(limits, losing, people);
    const removals = { ...losing, people, records: this.records, held };
    if (!truth) return removals;
    const error = this.flaw;
    return { ...removals, missing: this.missing, ...(error === null ? {} : { error }) };
  }

  private noteLoss(userId: string, deactivates: boolean): void {
    const packed = packNames([userId]);
    this.losing.addPacked(packed);
    if (deactivates) this.leaving.addPacked(packed);
  }
}

function tellTooMany(namesMax: number): string {
  return `Nobody is taken for missing: a dry run remembers whom it names up to ${namesMax.toLocaleString('en')} people.`;
}

export function tellUnreadable(record: number): string {
  return `Nobody is taken for missing: record ${record} does not say whom it is of.`;
}
