import { Inject, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { Counter } from 'prom-client';
import { breathe } from '../../platform/breathe.js';
import { DAY } from '../../platform/clock.js';
import { CONFIG, type Config } from '../../platform/config.js';
import { Database, type SqlValue } from '../../platform/database.js';
import { Metrics } from '../../platform/metrics.js';
import { ShutdownDrains } from '../../platform/shutdown.js';
import { execute, insertRows } from '../../platform/sql.js';
import { KeyAuthentication } from '../api-keys/key-authentication.js';
import { type FinishedRequest, type RequestOwner, toMaskedRow } from './finished-request.js';
import { RequestQueue } from './request-queue.js';
import type { ScimRequestEntity } from './scim-request.entity.js';

const FLUSH_MS = 250;
/** In each quarter of a second, of one connection, accepted and refused ones each. */
const WAITING_MAX = 100;
const WAITING_BYTES_MAX = 16 * 1024 * 1024;
const MASKED_AT_ONCE = 10;
/** Of one connection; older ones go first. */
const ROWS_MAX = 2000;
/** How far a connection may go beyond that before it is cut back. */
const ROWS_OVER_MAX = 500;

const COLUMNS = [
  'id',
  'tenantId',
  'connectionId',
  'keyId',
  'requestId',
  'at',
  'method',
  'path',
  'userAgent',
  'status',
  'took',
  'bodyBytes',
  'body',
  'answerBytes',
  'answer',
  'problem',
  'expiresAt',
] as const satisfies readonly (keyof ScimRequestEntity)[];

/** A request whose answer is out. `key`: where nobody was authenticated, the API key that came with it, if any. */
interface Waiting {
  request: FinishedRequest;
  owner: RequestOwner | null;
  key: string | null;
  connectionId: string;
  isRefused: boolean;
  bytes: number;
}

/**
 * Writes what SCIM clients sent and were answered, behind their backs: a request waits for nothing and fails for
 * nothing here. What is too much for the queue, or cannot be written, is counted and dropped.
 */
@Injectable()
export class ScimRequestLog implements OnModuleInit {
  private readonly logger = new Logger(ScimRequestLog.name);
  private readonly queue = new RequestQueue<Waiting>(WAITING_MAX, WAITING_BYTES_MAX);
  /** Rows written since a connection was last cut back. */
  private readonly written = new Map<string, number>();
  private readonly unlogged: Counter;
  private timer: NodeJS.Timeout | null = null;
  private writing: Promise<unknown> = Promise.resolve();

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly database: Database,
    private readonly keys: KeyAuthentication,
    private readonly drains: ShutdownDrains,
    metrics: Metrics,
  ) {
    this.unlogged = new Counter({
      name: 'rollcall_scim_requests_unlogged_total',
      help: 'Requests of SCIM clients that are not in the request log of their connection, because it was behind.',
      registers: [metrics.registry],
    });
  }

  get isOn(): boolean {
    return this.config.SCIM_REQUEST_LOG_DAYS > 0;
  }

  onModuleInit(): void {
    this.drains.register('The log of SCIM requests', async () => {
      if (this.timer) clearTimeout(this.timer);
      await this.flush();
    });
  }

  /** Notes a request; returns at once and never throws. `owner` null: whose it was follows from `key`. */
  note(request: FinishedRequest, owner: RequestOwner | null, key: string | null): void {
    const bytes = request.bodyBytes + (request.answer?.length ?? 0);
    const isRefused = request.status >= 400;
    const isTaken = this.queue.add({ request, owner, key, connectionId: owner?.connectionId ?? '', isRefused, bytes });
    if (!isTaken) this.unlogged.inc();
    this.timer ??= setTimeout(() => void this.flush(), FLUSH_MS).unref();
  }

  /** Writes what was noted so far; what another flush has taken is written too when this one ends. Never throws. */
  flush(): Promise<void> {
    this.timer = null;
    const flushed = this.writing.then(() => this.writeNoted());
    this.writing = flushed;
    return flushed;
  }

  private async writeNoted(): Promise<void> {
    const waiting = this.queue.takeAll();
    if (waiting.length === 0) return;
    try {
      const rows = await this.maskAll(waiting);
      await this.database.transaction((tx) => insertRows(tx, 'scim_requests', COLUMNS, rows.map(toValues)));
      for (const [connectionId, group] of Map.groupBy(rows, (row) => row.connectionId)) {
        await this.cutBack(connectionId, group.length);
      }
    } catch (error) {
      this.unlogged.inc(waiting.length);
      this.logger.warn(`${waiting.length} SCIM requests were not logged: ${String(error)}`);
    }
  }

  private async maskAll(waiting: readonly Waiting[]): Promise<ScimRequestEntity[]> {
    const owners = new Map<string, RequestOwner | null>();
    const rows: ScimRequestEntity[] = [];
    for (const [index, { request, owner, key }] of waiting.entries()) {
      if (index % MASKED_AT_ONCE === MASKED_AT_ONCE - 1) await breathe();
      if (key !== null && !owners.has(key)) owners.set(key, await this.findOwner(key));
      const whose = owner ?? owners.get(key ?? '');
      if (whose) rows.push(toMaskedRow(request, whose, this.config.SCIM_REQUEST_LOG_DAYS * DAY));
    }
    return rows;
  }

  private async findOwner(key: string): Promise<RequestOwner | null> {
    const found = await this.keys.findOwner(key);
    if (!found || found.connectionId === null) return null;
    const { id: keyId, tenantId, connectionId, refusal } = found;
    return { keyId, tenantId, connectionId, refusal };
  }

  /** Keeps the newest rows of a connection; looks only once in some hundred rows. */
  private async cutBack(connectionId: string, added: number): Promise<void> {
    const known = this.written.get(connectionId);
    // After a start nobody knows how many there are.
    if (known !== undefined && known + added < ROWS_OVER_MAX) {
      this.written.set(connectionId, known + added);
      return;
    }
    this.written.set(connectionId, 0);
    const newest: { id: string }[] = await this.database.read.query(
      'SELECT id FROM scim_requests WHERE connectionId = ? ORDER BY id DESC LIMIT 1 OFFSET ?',
      [connectionId, ROWS_MAX - 1],
    );
    const oldest = newest[0]?.id;
    if (oldest === undefined) return;
    await this.database.transaction((tx) =>
      execute(tx, 'DELETE FROM scim_requests WHERE connectionId = ? AND id < ?', [connectionId, oldest]),
    );
  }
}

function toValues(row: ScimRequestEntity): SqlValue[] {
  return COLUMNS.map((column) => {
    const value = row[column];
    return typeof value === 'object' && value !== null ? JSON.stringify(value) : value;
  });
}
