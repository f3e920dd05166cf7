import type { NewEvent } from '../ledger/ledger.service.js';
import type { Outcome } from '../plan/outcome.js';
import type { Statement } from '../plan/statement.js';
import type { Micros } from '../platform/clock.js';
import type { SqlValue } from '../platform/database.js';
import type { ProblemCode } from '../platform/problem.js';
import type { KnownConnection } from './connection-policies.js';

/** One statement on its way to the writer, with what shall be written beside it in the same transaction. */
export interface Submission {
  tenantId: string;
  statement: Statement;
  purpose: 'login' | 'push';
  via: NewEvent['via'];
  /** Who states it; null: the user themselves (a login). */
  actor: NewEvent['actor'] | null;
  runId?: string | null;
  /** The version of the connection under which it was accepted; another one is answered with `moved`. */
  connectionVersion?: number;
  /** A token that logs in once only (D10). */
  once?: { jtiHash: string; expiresAt: Micros } | null;
  /** Digest of the push record that the identity stands for after this. */
  pushHash?: string | null;
  /** What else to write, now that it is known what becomes of the person. Pure: it may be asked again. */
  conclude?(outcome: Outcome, known: KnownConnection, now: Micros): Effects;
  /** On the last statement of a chunk: what to write for the whole of it. */
  ofChunk?: { size: number; conclude(settled: readonly Settled[]): Effects };
}

/** Rows and events that belong to the change, in the transaction of the change. */
export interface Effects {
  rows: readonly TableRow[];
  events: readonly NewEvent[];
}

export interface TableRow {
  table: string;
  columns: readonly string[];
  values: SqlValue[];
}

export type Settled =
  | { kind: 'planned'; outcome: Outcome; known: KnownConnection }
  /** The connection was changed or closed since it was read: look again. */
  | { kind: 'moved' }
  /** The token has logged someone in before. */
  | { kind: 'replayed' }
  | { kind: 'failed'; code: ProblemCode; detail: string };
