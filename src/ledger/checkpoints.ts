import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Clock, formatTime, HOUR, type Micros } from '../platform/clock.js';
import { Database } from '../platform/database.js';
import { databaseTroubleOf } from '../platform/database-errors.js';
import { insertRows } from '../platform/sql.js';

/** Signs a text with a key whose public half is published under `kid`. */
export type HeadSigner = (text: string) => Promise<{ kid: string; signature: string }>;

interface DueHead {
  tenantId: string;
  number: number;
  hash: string;
}

/** How often an instance looks whether an hour has passed; one that restarts often still finds out. */
const LOOK_MS = 5 * 60_000;
const HEADS_MAX = 200;

/**
 * Once an hour signs the head of each ledger that moved, keeps the signature and logs it: whoever keeps the log can
 * show that a ledger was rewritten as a whole. Without a signer there are no checkpoints: one that nobody signed
 * would say nothing.
 */
@Injectable()
export class Checkpoints implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(Checkpoints.name);
  private signer: HeadSigner | null = null;
  private timer: NodeJS.Timeout | null = null;
  private running: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** Called once at start by the module that owns the signing keys, which stands above this one. */
  signWith(signer: HeadSigner): void {
    this.signer = signer;
  }

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.running = this.signDue().catch((error: unknown) => this.logger.warn(`No checkpoint: ${String(error)}`));
    }, LOOK_MS).unref();
  }

  async onApplicationShutdown(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    await this.running;
  }

  /** Signs every head that moved since its last checkpoint, where that is an hour old. Returns how many. */
  async signDue(): Promise<number> {
    const signer = this.signer;
    if (signer === null) return 0;
    let signed = 0;
    for (;;) {
      const now = this.clock.now();
      const due = await this.findDue(now);
      const rows = await Promise.all(due.map((head) => signHead(head, now, signer)));
      if (rows.length > 0) await this.keep(rows);
      signed += rows.length;
      if (due.length < HEADS_MAX) return signed;
    }
  }

  private async findDue(now: Micros): Promise<DueHead[]> {
    const rows: DueHead[] = await this.database.read.query(
      `SELECT h.tenantId, h.number, h.hash FROM ledger_heads h
       LEFT JOIN (SELECT tenantId, MAX(number) AS number, MAX(at) AS at FROM ledger_checkpoints GROUP BY tenantId) c
         ON c.tenantId = h.tenantId
       WHERE h.number > 0 AND (c.number IS NULL OR (h.number > c.number AND c.at <= ?))
       ORDER BY h.tenantId LIMIT ${HEADS_MAX}`,
      [now - HOUR],
    );
    return rows.map((row) => ({ ...row, number: Number(row.number) }));
  }

  private async keep(rows: SignedHead[]): Promise<void> {
    const values = rows.map((row) => [row.tenantId, row.number, row.hash, row.at, row.kid, row.signature]);
    const columns = ['tenantId', 'number', 'hash', 'at', 'kid', 'signature'];
    try {
      await this.database.transaction((tx) => insertRows(tx, 'ledger_checkpoints', columns, values));
    } catch (error) {
      // Another instance was at it in the same moment; what it did not sign comes with the next look.
      if (databaseTroubleOf(error) === 'duplicate') return;
      throw error;
    }
    for (const row of rows) {
      const { tenantId, number, hash, kid, signature } = row;
      this.logger.log({ message: 'ledger head', tenantId, number, hash, at: formatTime(row.at), kid, signature });
    }
  }
}

interface SignedHead extends DueHead {
  at: Micros;
  kid: string;
  signature: string;
}

async function signHead(head: DueHead, at: Micros, signer: HeadSigner): Promise<SignedHead> {
  return { ...head, at, ...(await signer(checkpointText(head.tenantId, head.number, head.hash, at))) };
}

/** What a checkpoint's signature covers. Never changed: signatures are for ever. */
export function checkpointText(tenantId: string, number: number, hash: string, at: Micros): string {
  return JSON.stringify(['rollcall-checkpoint-1', tenantId, number, hash, at]);
}
