import { Injectable } from '@nestjs/common';
import { EventReader, type NumberedRow } from './event-reader.js';
import { EventWaiters } from './event-waiters.js';

/** The change feed: each change once, in order, to a reader that keeps where it is; waiting if it wants to. */
@Injectable()
export class EventFeed {
  constructor(
    private readonly reader: EventReader,
    private readonly waiters: EventWaiters,
  ) {}

  /**
   * Up to `limit` changes after the number `after`. With none there it waits `waitMs` at most, or until `signal`
   * says that the reader has gone, and then answers with what there is. `stopping`: the service is shutting down.
   * With a `connectionId`, changes of its people alone.
   */
  async read(
    { tenantId, connectionId }: { tenantId: string; connectionId: string | null },
    after: number,
    limit: number,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<{ rows: NumberedRow[]; position: number; head: number; stopping: boolean }> {
    const endMs = performance.now() + waitMs;
    let position = after;
    for (;;) {
      const turn = this.waiters.enter(tenantId);
      const page = await this.reader.readFeed(tenantId, position, limit, connectionId).catch((error: unknown) => {
        turn.leave();
        throw error;
      });
      position = page.position;
      const leftMs = endMs - performance.now();
      if (page.rows.length > 0 || leftMs <= 0 || signal.aborted || this.waiters.isStopping) {
        turn.leave();
        return { rows: page.rows, position, head: page.head, stopping: this.waiters.isStopping };
      }
      // A page that its time ended has more to look through already.
      if (position < page.head) turn.leave();
      else await turn.wait(position, leftMs, signal);
    }
  }
}
