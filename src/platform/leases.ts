import { Injectable } from '@nestjs/common';
import { type EntityManager, LessThanOrEqual, MoreThan, Or } from 'typeorm';
import { Clock, HOUR, type Micros } from './clock.js';
import { Database } from './database.js';
import { databaseTroubleOf } from './database-errors.js';
import { newId } from './ids.js';
import { LeaseEntity } from './lease.entity.js';

/** What lies further ahead was written by a clock that was wrong. */
export const CLOCKS_MAY_DIFFER: Micros = HOUR;

/**
 * Work that one instance alone shall do. A lease ends by itself when its holder dies, so a holder that was paused past
 * the end may briefly run beside the next one: the work must be safe then (`lost` tells it to stop).
 */
@Injectable()
export class Leases {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /**
   * Runs `work` if nobody holds the lease `name`, renews it while the work runs, and gives it back after. Null, at
   * once, when somebody else holds it. `lost` is aborted when the lease could not be renewed in time.
   */
  async run<T>(name: string, ttlMs: number, work: (lost: AbortSignal) => Promise<T>): Promise<{ result: T } | null> {
    const holder = newId();
    if (!(await this.claim(name, holder, ttlMs))) return null;
    const lost = new AbortController();
    let heldUntil = this.clock.now() + ttlMs * 1000;
    const renew = async (): Promise<void> => {
      const until = this.clock.now() + ttlMs * 1000;
      if (await this.renew(name, holder, ttlMs)) heldUntil = until;
      else lost.abort();
    };
    const beat = setInterval(() => {
      // A database that does not answer costs the lease only once its time is over.
      renew().catch(() => (this.clock.now() >= heldUntil ? lost.abort() : undefined));
    }, ttlMs / 3);
    beat.unref();
    try {
      return { result: await work(lost.signal) };
    } finally {
      clearInterval(beat);
      await this.release(name, holder).catch(() => undefined);
    }
  }

  /**
   * Makes the transactions that call it with the same name run one after the other, on every instance. Call it first in
   * the transaction: what is read after it is then what the one before has committed.
   */
  async lock(tx: EntityManager, name: string): Promise<void> {
    if (await this.touch(tx, name)) return;
    try {
      await tx.insert(LeaseEntity, { name, holder: newId(), until: 0 });
    } catch (error) {
      if (databaseTroubleOf(error) !== 'duplicate') throw error;
      await this.touch(tx, name);
    }
  }

  private async touch(tx: EntityManager, name: string): Promise<boolean> {
    // A new value each time: a row that an UPDATE leaves as it is does not count as affected on every server.
    return (await tx.update(LeaseEntity, { name }, { holder: newId() })).affected === 1;
  }

  private async claim(name: string, holder: string, ttlMs: number): Promise<boolean> {
    try {
      return await this.database.transaction(async (tx) => {
        const now = this.clock.now();
        const until = now + ttlMs * 1000;
        // No holder has it for so long: it died while its clock ran ahead.
        const isOver = Or(LessThanOrEqual(now), MoreThan(until + CLOCKS_MAY_DIFFER));
        const taken = await tx.update(LeaseEntity, { name, until: isOver }, { holder, until });
        if (taken.affected === 1) return true;
        if (await tx.existsBy(LeaseEntity, { name })) return false;
        await tx.insert(LeaseEntity, { name, holder, until });
        return true;
      });
    } catch (error) {
      if (databaseTroubleOf(error) === 'duplicate') return false;
      throw error;
    }
  }

  private async renew(name: string, holder: string, ttlMs: number): Promise<boolean> {
    return this.database.transaction(async (tx) => {
      const now = this.clock.now();
      const mine = { name, holder, until: MoreThan(now) };
      return (await tx.update(LeaseEntity, mine, { until: now + ttlMs * 1000 })).affected === 1;
    });
  }

  private async release(name: string, holder: string): Promise<void> {
    await this.database.transaction((tx) => tx.update(LeaseEntity, { name, holder }, { until: 0 }));
  }
}
