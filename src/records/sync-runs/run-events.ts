import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Principal } from '../../platform/access.js';
import { Clock } from '../../platform/clock.js';
import { statusOf } from './run-state.js';
import { RunView } from './sync-runs.dto.js';
import { SyncRunsService } from './sync-runs.service.js';

const LOOK_EVERY_MS = 500;
const TELL_EVERY_MS = 1000;
/** Then the reader comes again by itself, and is let in or not as things then are. */
const OPEN_MS_MAX = 5 * 60_000;

/**
 * The progress of a run as server-sent events. What is told is read from the database, so that it does not matter which
 * instance works on the run and which one is asked.
 */
@Injectable()
export class RunEvents implements BeforeApplicationShutdown {
  private readonly stop = new AbortController();

  constructor(
    private readonly runs: SyncRunsService,
    private readonly clock: Clock,
  ) {}

  beforeApplicationShutdown(): void {
    this.stop.abort();
  }

  /**
   * Null: the end of the run was told to this reader already, who came again by itself. Throws `not_found` before
   * anything is told.
   */
  async open(principal: Principal, id: string, lastEventId?: string): Promise<AsyncGenerator<string> | null> {
    const status = statusOf(await this.runs.get(principal, id), this.clock.now());
    return status !== 'running' && status === lastEventId ? null : this.tell(principal, id);
  }

  /** `progress` at once, when something has moved, and each second; `end` when the run is over. */
  private async *tell(principal: Principal, id: string): AsyncGenerator<string> {
    const until = performance.now() + OPEN_MS_MAX;
    let told = '';
    let toldAt = -Infinity;
    yield 'retry: 2000\n\n';
    while (performance.now() < until && !this.stop.signal.aborted) {
      const run = await this.runs.get(principal, id);
      const now = this.clock.now();
      const text = JSON.stringify(RunView.toView(run, now));
      const status = statusOf(run, now);
      if (status !== 'running') {
        yield `id: ${status}\nevent: end\ndata: ${text}\n\n`;
        return;
      }
      if (text !== told || performance.now() - toldAt >= TELL_EVERY_MS - LOOK_EVERY_MS / 2) {
        told = text;
        toldAt = performance.now();
        yield `event: progress\ndata: ${text}\n\n`;
      }
      await sleep(LOOK_EVERY_MS, undefined, { signal: this.stop.signal }).catch(() => undefined);
    }
  }
}
