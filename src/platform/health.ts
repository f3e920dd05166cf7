import { Injectable, Logger } from '@nestjs/common';
import { Database } from './database.js';

export type Health = { state: 'ok' } | { state: 'degraded'; detail: string };
export type HealthCheck = () => Promise<Health>;

export interface Readiness {
  status: 'ready' | 'degraded' | 'unavailable' | 'stopping';
  /** What does not work as it should, though the service serves; by name of the check. */
  degraded: { name: string; detail: string }[];
}

const CHECK_MS_MAX = 2000;
const KEPT_MS = 1000;

/**
 * Whether this instance can serve. Only the database and the end of the process make it unready: an identity provider
 * that is down degrades its own connections, and taking the instance away would take the others with it (C9).
 */
@Injectable()
export class HealthRegistry {
  private readonly logger = new Logger(HealthRegistry.name);
  private readonly checks = new Map<string, HealthCheck>();
  private isStopping = false;
  private last: { at: number; readiness: Promise<Readiness> } | null = null;

  constructor(private readonly database: Database) {}

  /** `check` must be quick; where METRICS_TOKEN is not set, anyone can read what it says. */
  register(name: string, check: HealthCheck): void {
    this.checks.set(name, check);
  }

  /** From now on not ready, for good. */
  stop(): void {
    this.isStopping = true;
  }

  /** Asked at most once a second, whoever asks: a public address must not be a way to load the database. */
  async read(): Promise<Readiness> {
    if (this.isStopping) return { status: 'stopping', degraded: [] };
    const now = performance.now();
    if (!this.last || now - this.last.at > KEPT_MS) this.last = { at: now, readiness: this.check() };
    return this.last.readiness;
  }

  private async check(): Promise<Readiness> {
    try {
      await within(this.database.ping(), CHECK_MS_MAX);
    } catch (error) {
      this.logger.warn(error);
      return { status: 'unavailable', degraded: [{ name: 'database', detail: 'The database does not answer.' }] };
    }
    const results = await Promise.all([...this.checks].map(([name, check]) => this.checkOne(name, check)));
    const degraded = results.filter((each) => each !== null);
    return { status: degraded.length > 0 ? 'degraded' : 'ready', degraded };
  }

  private async checkOne(name: string, check: HealthCheck): Promise<{ name: string; detail: string } | null> {
    try {
      const health = await within(check(), CHECK_MS_MAX);
      return health.state === 'ok' ? null : { name, detail: health.detail };
    } catch (error) {
      this.logger.warn(error);
      return { name, detail: 'The check failed.' };
    }
  }
}

async function within<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
