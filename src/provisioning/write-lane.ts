import { Problem } from '../platform/problem.js';

/** Some work that is written in one transaction, or not at all, with whatever waits beside it. */
interface Job<In, Out> {
  tenantId: string;
  items: readonly In[];
  since: number;
  resolve(results: Out[]): void;
  reject(error: unknown): void;
}

export interface LaneOptions {
  /** Items in one batch at most; a job is never cut. */
  itemsMax: number;
  /** Batches under way at once. */
  batchesMax: number;
  /** A batch beside one that is under way begins only when so many jobs wait; asked each time. */
  besideMin(): number;
  /** Whoever would wait behind work that has waited this long is told to come back. */
  waitMsMax: number;
}

/**
 * Group commit: what arrives while a batch is being written waits and goes together in the next. No timer: an idle lane
 * writes at once, a busy one writes many at a time. Tenants take turns.
 */
export class WriteLane<In, Out> {
  private readonly waiting = new Map<string, Job<In, Out>[]>();
  private running = 0;
  private isWaking = false;
  private idle: (() => void)[] = [];

  constructor(
    private readonly write: (items: readonly In[]) => Promise<Out[]>,
    private readonly options: LaneOptions,
  ) {}

  /** The results of `items`, in their order, after they are committed. Throws `Problem('overloaded')`. */
  submit(tenantId: string, items: readonly In[]): Promise<Out[]> {
    const now = Date.now();
    if (now - this.oldest() > this.options.waitMsMax) {
      return Promise.reject(new Problem('overloaded', undefined, { retryAfterSeconds: 2 }));
    }
    return new Promise((resolve, reject) => {
      const job = { tenantId, items, since: now, resolve, reject };
      const queue = this.waiting.get(tenantId);
      if (queue) queue.push(job);
      else this.waiting.set(tenantId, [job]);
      this.wake();
    });
  }

  /** Settles when nothing waits and nothing is being written. */
  async drain(): Promise<void> {
    if (this.running === 0 && this.waiting.size === 0) return;
    await new Promise<void>((resolve) => this.idle.push(resolve));
  }

  get length(): number {
    let count = 0;
    for (const queue of this.waiting.values()) count += queue.length;
    return count;
  }

  private oldest(): number {
    let oldest = Infinity;
    for (const [first] of this.waiting.values()) if (first && first.since < oldest) oldest = first.since;
    return oldest;
  }

  /** After what has arrived with this job has been read too: requests that come together go together. */
  private wake(): void {
    if (this.isWaking) return;
    this.isWaking = true;
    setImmediate(() => {
      this.isWaking = false;
      this.pump();
    });
  }

  private pump(): void {
    while (this.running < this.options.batchesMax && this.waiting.size > 0) {
      if (this.running > 0 && this.length < this.options.besideMin()) return;
      const jobs = this.takeJobs();
      this.running += 1;
      void this.runJobs(jobs).finally(() => {
        this.running -= 1;
        this.pump();
        if (this.running === 0 && this.waiting.size === 0) {
          for (const resolve of this.idle.splice(0)) resolve();
        }
      });
    }
  }

  /** One job of each waiting tenant in turn, until the batch is full. */
  private takeJobs(): Job<In, Out>[] {
    const jobs: Job<In, Out>[] = [];
    let items = 0;
    while (this.waiting.size > 0) {
      for (const [tenantId, queue] of this.waiting) {
        const [next] = queue;
        if (next && jobs.length > 0 && items + next.items.length > this.options.itemsMax) return jobs;
        queue.shift();
        // Taken out and put back at the end: the tenant that was served waits behind the others.
        this.waiting.delete(tenantId);
        if (queue.length > 0) this.waiting.set(tenantId, queue);
        if (next) {
          jobs.push(next);
          items += next.items.length;
        }
        break;
      }
    }
    return jobs;
  }

  /** A batch that is refused as a whole is tried again tenant by tenant, then job by job: only the bad one fails. */
  private async runJobs(jobs: readonly Job<In, Out>[]): Promise<void> {
    let results: Out[];
    try {
      results = await this.write(jobs.flatMap((job) => job.items));
    } catch (error) {
      const parts = splitJobs(jobs);
      if (parts.length === 1 || isWorthless(error)) {
        for (const job of jobs) job.reject(error);
        return;
      }
      for (const part of parts) await this.runJobs(part);
      return;
    }
    let start = 0;
    for (const job of jobs) {
      job.resolve(results.slice(start, start + job.items.length));
      start += job.items.length;
    }
  }
}

/** By tenant where there are several, else one by one. */
function splitJobs<In, Out>(jobs: readonly Job<In, Out>[]): Job<In, Out>[][] {
  const byTenant = Map.groupBy(jobs, (job) => job.tenantId);
  return byTenant.size > 1 ? [...byTenant.values()] : jobs.map((job) => [job]);
}

/** Trying again in parts does not bring a database back. */
function isWorthless(error: unknown): boolean {
  return error instanceof Problem && error.code === 'database_unavailable';
}
