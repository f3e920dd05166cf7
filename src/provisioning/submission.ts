import type { NewEvent } from '../ledger/ledger.service.js';
import type { EntityManager } from 'typeorm';
import type { Directory } from '../plan/directory.js';
import type { Loss } from '../plan/losses.js';
import type { Outcome } from '../plan/outcome.js';
import type { ConnectionPolicy, PlanContext } from '../plan/policy.js';
import type { Statement } from '../plan/statement.js';
import type { Micros } from '../platform/clock.js';
import type { SqlValue } from '../platform/database.js';
import type { Problem } from '../platform/problem.js';
import type { KnownConnection } from './connection-policies.js';
import type { RemovalGuard } from './removal-guard.js';

/** One statement on its way to the writer, with what shall be written beside it in the same transaction. */
export interface Submission {
  tenantId: string;
  /** With `draft` only what it names counts: whom the loader shall look for. */
  statement: Statement;
  /**
   * Words the statement itself, now that the persons are loaded and whatever came before it in the batch is planned:
   * for messages that say what they change rather than what shall be (a SCIM PATCH). Pure: it may be asked again.
   */
  draft?(scene: Scene): Drafted;
  /** Reads what `draft` needs beside the persons. */
  beside?: SceneLoader;
  purpose: 'login' | 'push';
  via: NewEvent['via'];
  /** Who states it; null: the user themselves (a login). */
  actor: NewEvent['actor'] | null;
  runId?: string | null;
  /** The version of the connection under which it was accepted; another one is answered with `moved`. */
  connectionVersion?: number;
  /** Of a token that logs in once only (D10): its mark, which the session that it opens carries. */
  tokenMark?: string | null;
  /** Nobody is believed to have its names: it is planned without looking for them, and again if that was wrong. */
  isNew?: boolean;
  /** Of a run: what becomes of it if it takes something from a user. */
  guard?: RemovalGuard;
  /** Digest of the push record that the identity stands for after this. */
  pushHash?: string | null;
  /** What else to write, now that it is known what becomes of the person. Pure: it may be asked again. */
  conclude?(outcome: Outcome, known: KnownConnection, now: Micros): Effects;
  /** On the last statement of a chunk: what to write for the whole of it. */
  ofChunk?: { size: number; conclude(settled: readonly Settled[]): Effects };
}

/** What a draft sees: everybody whom the batch may concern, as the statements before it leave them. */
export interface Scene {
  directory: Directory;
  policy: ConnectionPolicy;
  context: PlanContext;
  /** What the submission's `beside` has loaded. */
  extra: unknown;
}

export type Drafted =
  | { statement: Statement }
  /** The draft has planned it itself, and put what becomes of the person into the directory. */
  | { outcome: Outcome }
  | { problem: Problem };

/**
 * Reads once for all submissions of a batch that share it, and after the persons: what changes later than that changes
 * with a person's row, whose revision then refuses the write.
 */
export interface SceneLoader {
  load(manager: EntityManager, submissions: readonly Submission[]): Promise<unknown>;
}

/** Rows and events that belong to the change, in the transaction of the change. */
export interface Effects {
  rows: readonly TableRow[];
  sets?: readonly RowSet[];
  events: readonly NewEvent[];
}

/** The rows of a table that have `values` in the columns `by` are these from now on, and no others. */
export interface RowSet {
  table: string;
  by: readonly string[];
  values: SqlValue[];
  columns: readonly string[];
  rows: SqlValue[][];
  /** None can be there yet: nothing needs to be deleted first. */
  isFirst: boolean;
  /**
   * All of them are there, `by` is their primary key, and only these columns may have moved, none of a unique index. To
   * delete and insert beside a unique key locks its neighbours, and writers of different rows wait for each other in a
   * circle.
   */
  moving?: readonly string[];
}

export interface TableRow {
  table: string;
  columns: readonly string[];
  values: SqlValue[];
}

/** It would take something away, and is not written: its run keeps it (RemovalGuard). */
export interface HeldStatement {
  kind: 'held';
  outcome: Outcome & { userId: string; identityId: string };
  known: KnownConnection;
  statement: Statement;
  /** The moment of the statement; one that has none of its own was the newest at this. */
  at: Micros;
  loss: Loss;
  /** Of the identity's row when it was planned. */
  revision: number;
}

export type Settled =
  | { kind: 'planned'; outcome: Outcome; known: KnownConnection }
  | HeldStatement
  /** The connection was changed or closed since it was read: look again. */
  | { kind: 'moved' }
  /** The token has logged someone in before. */
  | { kind: 'replayed' }
  | { kind: 'failed'; problem: Problem };
