import type { EntityManager } from 'typeorm';
import type { Directory } from '../plan/directory.js';
import { noteWaiting } from '../plan/facts.js';
import { findLoss, type Loss } from '../plan/losses.js';
import { type Losing, type SafetyCatch, trips } from '../plan/safety-catch.js';
import type { Micros } from '../platform/clock.js';
import { NameSet, packNames } from '../records/sync-runs/name-set.js';
import { countPeople } from '../records/sync-runs/run-people.js';
import type { Settled, Submission } from './submission.js';

/**
 * What becomes of statements that take something from a user:
 *
 * - `hold`: they are not written; the run keeps them until all of it is known.
 * - `count`: they are written if the whole batch stays within the limits; else nothing is, and RemovalsWait is thrown.
 * - `stop`: RemovalsWait is thrown at the first, before anything is written.
 */
export class RemovalGuard {
  /** By eight bytes each: there may be millions. Null: nobody. */
  private waiting: NameSet | null = null;
  /** Users from whom something was taken already, where the limits are counted. */
  readonly deactivated = new Set<string>();
  readonly reduced = new Set<string>();

  /** `scope`: the part of the connection whose people are counted; null: all of them. */
  constructor(
    readonly mode: 'hold' | 'count' | 'stop',
    readonly limits: SafetyCatch,
    readonly scope: string | null,
  ) {}

  /** Something of the identity waits already: what is said of it after that waits behind it. */
  isWaiting(identityId: string): boolean {
    return this.waiting !== null && !this.waiting.lacks(identityId);
  }

  noteWaiting(identityIds: Iterable<string>): void {
    this.waiting ??= new NameSet();
    this.waiting.addPacked(packNames([...identityIds]));
  }
}

/** A run would take away more than it may by itself, or than it can without being written down. */
export class RemovalsWait extends Error {
  constructor(
    readonly losing: Losing,
    readonly people: number,
  ) {
    super(`A run would take something from ${losing.deactivated + losing.reduced} users.`);
  }
}

type Planned = Settled & { kind: 'planned' };
const NOTHING_LOST: Loss = { deactivates: false, loses: [] };

interface Counted {
  connectionId: string;
  deactivated: Set<string>;
  reduced: Set<string>;
}

/** What the guarded statements of one planned batch take away, by guard. */
export class RemovalTally {
  private readonly users = new Map<RemovalGuard, Counted>();
  private readonly waiting = new Map<RemovalGuard, Set<string>>();

  constructor(
    private readonly directory: Directory,
    private readonly revisions: ReadonlyMap<string, number>,
    private readonly now: Micros,
  ) {}

  /** The planned statement, or that it waits: then that is all that becomes of the person. */
  guard({ guard }: Submission, planned: Planned, statement: Submission['statement']): Settled {
    const { outcome, known } = planned;
    const { identityId, userId, before, result } = outcome;
    if (!guard || identityId === null || userId === null || result === 'failed' || result === 'stale') return planned;
    // Made by this very batch: nobody has had anything yet.
    if (before?.user.version === 0) return planned;
    const waits = guard.isWaiting(identityId) || this.waiting.get(guard)?.has(identityId) === true;
    const loss = findLoss(outcome, this.now) ?? (waits ? NOTHING_LOST : null);
    if (!loss) return planned;
    if (guard.mode !== 'hold') {
      this.count(guard, known.row.id, userId, loss);
      return planned;
    }
    const waiting = this.waiting.get(guard) ?? new Set();
    this.waiting.set(guard, waiting.add(identityId));
    const heard = before?.identities.find(({ id }) => id === identityId)?.facts.push?.at ?? 0;
    const at = statement.newest ? Math.max(this.now, heard) : statement.at;
    const revision = this.revisions.get(identityId) ?? 0;
    if (before) {
      const identities = before.identities.map((one) =>
        one.id === identityId ? { ...one, facts: noteWaiting(one.facts, at) } : one,
      );
      this.directory.put({ ...before, identities });
    }
    return { kind: 'held', outcome: { ...outcome, userId, identityId }, known, statement, at, loss, revision };
  }

  /** Throws RemovalsWait. Reads only where something is taken from as many users as may be held at all. */
  async check(read: EntityManager): Promise<void> {
    for (const [guard, of] of this.users) {
      const deactivated = new Set([...guard.deactivated, ...of.deactivated]);
      const reduced = new Set([...guard.reduced, ...of.reduced].filter((id) => !deactivated.has(id)));
      const losing = { deactivated: deactivated.size, reduced: reduced.size };
      if (guard.mode === 'stop') throw new RemovalsWait(losing, 0);
      if (!trips(guard.limits, losing, 0)) continue;
      const people = await countPeople(read, of.connectionId, guard.scope, this.now + 1);
      if (trips(guard.limits, losing, people)) throw new RemovalsWait(losing, people);
    }
  }

  /** The batch is written: what waits does so for the rest of the run. */
  keep(): void {
    for (const [guard, ids] of this.waiting) guard.noteWaiting(ids);
    for (const [guard, { deactivated, reduced }] of this.users) {
      for (const id of deactivated) guard.deactivated.add(id);
      for (const id of reduced) guard.reduced.add(id);
    }
  }

  private count(guard: RemovalGuard, connectionId: string, userId: string, { deactivates }: Loss): void {
    let of = this.users.get(guard);
    if (!of) this.users.set(guard, (of = { connectionId, deactivated: new Set(), reduced: new Set() }));
    (deactivates ? of.deactivated : of.reduced).add(userId);
  }
}
