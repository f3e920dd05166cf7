import { MINUTE, type Micros } from '../platform/clock.js';
import { networkOf } from '../platform/network-of.js';
import type { NewEvent } from './ledger.service.js';

/** A login that was refused, as the login flow tells it. */
export interface LoginFailure {
  /** Whose ledger: the tenant that was named or found; else the operators'. */
  tenantId: string;
  /** Null when no connection was found for the token. */
  connectionId: string | null;
  /** Null when nobody known tried. */
  userId: string | null;
  /** One of a fixed few codes, such as `bad_signature`: never text of the caller's. */
  reason: string;
  /** The client's address. */
  address: string | null;
  /** More that tells of the person or the client: claims' names, user agent. Never a token. */
  personal?: Record<string, unknown>;
}

/** Of one connection, reason, network and minute, so many are rows of their own. */
const ROWS_MAX = 20;
/** Networks are told apart for so many windows at once; past that, a connection's reason has one window for all. */
const WINDOWS_MAX = 10_000;
/** Rows that wait to be written; past that, attempts are counted only. */
const PENDING_MAX = 5_000;

interface Window {
  minute: number;
  failure: Pick<LoginFailure, 'tenantId' | 'connectionId' | 'reason'>;
  network: string;
  rows: number;
  more: number;
}

/**
 * Decides which refused logins are rows and which are counted, and holds both until they are written. Bounded: 5,000
 * rows and 10,000 windows, plus one for each connection and reason.
 */
export class FailureWindows {
  private readonly windows = new Map<string, Window>();
  private readonly pending: NewEvent[] = [];

  note(failure: LoginFailure, now: Micros): void {
    const window = this.windowOf(failure, Math.floor(now / MINUTE));
    if (window.rows >= ROWS_MAX || this.pending.length >= PENDING_MAX) {
      window.more += 1;
      return;
    }
    window.rows += 1;
    this.pending.push({
      tenantId: failure.tenantId,
      type: 'login.refused',
      subject: failure.userId === null ? subjectOf(failure) : { type: 'user', id: failure.userId, version: 0 },
      actor: { type: 'system', id: 'system' },
      via: 'login',
      reason: failure.reason,
      personal: { ...failure.personal, address: failure.address, connection: failure.connectionId },
      at: now,
    });
  }

  /** Turns the windows of minutes before the one of `until` into count events, while there is room for these. */
  close(until: Micros): void {
    const minute = Math.floor(until / MINUTE);
    for (const [key, window] of this.windows) {
      if (window.minute >= minute) continue;
      if (this.pending.length >= PENDING_MAX) return;
      this.windows.delete(key);
      if (window.more > 0) this.pending.push(countEvent(window));
    }
  }

  /** Removes and returns up to `count` events, oldest first. */
  take(count: number): NewEvent[] {
    return this.pending.splice(0, count);
  }

  putBack(events: readonly NewEvent[]): void {
    this.pending.unshift(...events);
  }

  private windowOf(failure: LoginFailure, minute: number): Window {
    const network = this.windows.size < WINDOWS_MAX ? networkOf(failure.address) : null;
    const { tenantId, connectionId, reason } = failure;
    const key = JSON.stringify([network === null ? null : minute, tenantId, connectionId, reason, network]);
    let window = this.windows.get(key);
    if (window === undefined) {
      window = { minute, failure: { tenantId, connectionId, reason }, network: network ?? 'many', rows: 0, more: 0 };
      this.windows.set(key, window);
    }
    return window;
  }
}

function subjectOf({ tenantId, connectionId }: Pick<LoginFailure, 'tenantId' | 'connectionId'>): NewEvent['subject'] {
  return connectionId === null
    ? { type: 'tenant', id: tenantId, version: 0 }
    : { type: 'connection', id: connectionId, version: 0 };
}

function countEvent({ failure, network, minute, more }: Window): NewEvent {
  return {
    tenantId: failure.tenantId,
    type: 'login.refused_many',
    subject: subjectOf(failure),
    actor: { type: 'system', id: 'system' },
    via: 'login',
    reason: `${failure.reason} ×${more}`,
    personal: { network, count: more },
    at: minute * MINUTE,
  };
}
