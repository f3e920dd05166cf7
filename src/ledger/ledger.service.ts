import { Injectable } from '@nestjs/common';
import { hash } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import type { Principal } from '../platform/access.js';
import { breathe } from '../platform/breathe.js';
import { Clock, type Micros } from '../platform/clock.js';
import type { SqlValue } from '../platform/database.js';
import { newId } from '../platform/ids.js';
import { randomText } from '../platform/random-text.js';
import { execute, insertRows, writeTogether } from '../platform/sql.js';
import { packEvents, PARCEL_COLUMNS } from './event-parcels.js';
import { LedgerPulse } from './ledger-pulse.js';
import { SKELETON_COLUMNS } from './seal-event.js';

/** What a feature says of a change or an attempt. */
export interface NewEvent {
  tenantId: string;
  /** `subject.what_happened`, such as `user.role_granted`. */
  type: string;
  /** `version`: the row's after this change, by which its events are ordered; for an attempt, which changes none, 0. */
  subject: { type: string; id: string; version: number };
  actor: { type: Principal['type']; id: string };
  via: 'login' | 'sync' | 'scim' | 'rest' | 'replan' | 'cli' | 'system';
  runId?: string | null;
  reason?: string | null;
  /** Names of changed fields, never values. */
  fields?: readonly string[];
  /** What tells of a person; kept apart, and erased with them. Never a secret. */
  personal?: unknown;
  /** Whose personal part it is, where that is not the subject. */
  personalSubjectId?: string;
  at?: Micros;
}

const EVENT_COLUMNS = [...SKELETON_COLUMNS, 'personalOf', 'salt', 'personal'] as const;

/** To make the rows of so many events takes about a millisecond; then requests have their turn. */
const MADE_IN_A_ROW = 100;

@Injectable()
export class LedgerService {
  constructor(
    private readonly clock: Clock,
    private readonly pulse: LedgerPulse,
  ) {}

  /**
   * Writes events inside the caller's transaction: what is announced happened, and what happened is announced.
   * They get their numbers after the commit; nobody need call for it.
   */
  async record(tx: EntityManager, events: readonly NewEvent[]): Promise<void> {
    if (events.length === 0) return;
    const now = this.clock.now();
    const rows: SqlValue[][] = [];
    const waiting: { id: string; tenantId: string }[] = [];
    for (const [index, event] of events.entries()) {
      if (index > 0 && index % MADE_IN_A_ROW === 0) await breathe();
      const id = newId();
      const salt = event.personal === undefined ? null : randomText(16);
      const personal = event.personal === undefined ? null : JSON.stringify(event.personal);
      rows.push([
        id,
        event.tenantId,
        event.type,
        event.at ?? now,
        event.subject.type,
        event.subject.id,
        event.subject.version,
        event.actor.type,
        event.actor.id,
        event.via,
        event.runId ?? null,
        event.reason ?? null,
        JSON.stringify(event.fields ?? []),
        salt === null || personal === null ? null : digestPersonal(salt, personal),
        event.personalSubjectId ?? null,
        salt,
        personal,
      ]);
      waiting.push({ id, tenantId: event.tenantId });
    }
    await writeTogether(tx, [
      () => insertRows(tx, 'events', EVENT_COLUMNS, rows),
      () => insertRows(tx, 'event_queue', PARCEL_COLUMNS, packEvents(waiting)),
    ]);
    this.pulse.emit('recorded');
  }

  /**
   * Deletes what the tenant's events tell of a person; who did what to which id stays, and every seal still fits.
   * Attempts that named nobody known are not found by this: their personal parts belong to the connection.
   */
  async erasePerson(tx: EntityManager, tenantId: string, userId: string): Promise<void> {
    const erase = 'UPDATE events SET salt = NULL, personal = NULL WHERE tenantId = ?';
    await execute(tx, `${erase} AND subjectId = ? AND personalOf IS NULL`, [tenantId, userId]);
    await execute(tx, `${erase} AND personalOf = ?`, [tenantId, userId]);
  }
}

export function digestPersonal(salt: string, body: string): string {
  return hash('sha256', `${salt}.${body}`, 'base64url');
}

/** What nobody asked for: schedules, sweeps, what follows from something else. */
export const SYSTEM = { type: 'system', id: 'system' } as const satisfies NewEvent['actor'];

export function actorOf(principal: Principal): NewEvent['actor'] {
  return { type: principal.type, id: principal.id };
}
