import { Injectable } from '@nestjs/common';
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { Database } from './database.js';

/** Numbers for Prometheus. A feature adds its own to `registry`; labels must have few values (never an id). */
@Injectable()
export class Metrics {
  readonly registry = new Registry();
  private readonly requestSeconds: Histogram<'method' | 'route' | 'status'>;
  private readonly inFlight: Gauge;

  constructor(database: Database) {
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry });
    this.requestSeconds = new Histogram({
      name: 'rollcall_http_request_seconds',
      help: 'Time from the first byte of a request to the last of its answer.',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60],
      registers,
    });
    this.inFlight = new Gauge({ name: 'rollcall_http_requests_running', help: 'Requests being answered.', registers });
    const connections = new Gauge({
      name: 'rollcall_database_connections',
      help: 'Connections of the pool to the database server.',
      labelNames: ['state'],
      registers,
      collect: () => {
        const use = database.poolUse();
        if (!use) return;
        connections.set({ state: 'busy' }, use.busy);
        connections.set({ state: 'idle' }, use.idle);
        connections.set({ state: 'awaited' }, use.awaited);
      },
    });
  }

  requestStarted(): void {
    this.inFlight.inc();
  }

  requestEnded(labels: { method: string; route: string; status: number }, seconds: number): void {
    this.inFlight.dec();
    this.requestSeconds.observe(labels, seconds);
  }
}
