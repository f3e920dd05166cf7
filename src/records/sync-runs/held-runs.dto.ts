import { ApiProperty } from '@nestjs/swagger';
import { formatTime } from '../../platform/clock.js';
import { ENTRY_CHANGES, ENTRY_STATES, type RunEntryEntity } from './run.entity.js';

/** What a run takes away from one user, or would. */
export class RunEntryView {
  /** Its place in the order in which they are applied. */
  entry: number;
  /** The number of the record that says so; null: no record does. */
  record: number | null;
  user: string;
  userName: string | null;
  displayName: string | null;
  identity: string;
  externalId: string | null;
  /**
   * `deactivate`: the person is missing from a snapshot. `statement`: a record says so. `replan`, `groups`: it follows from
   * edited rules or changed groups.
   */
  @ApiProperty({ enum: ENTRY_CHANGES }) change: string;
  /** The person is switched off. */
  deactivates: boolean;
  /** What they would hold no more: `role editor`, `entitlement report:1`. */
  loses: string[];
  /** The moment of the statement. */
  at: string;
  /** The revision of the identity's row when it was planned. */
  revision: number;
  @ApiProperty({ enum: ENTRY_STATES }) state: string;

  static toView(row: RunEntryEntity & { person: EntryPerson | null }): RunEntryView {
    const { entry, record, change, deactivates, loses, revision, state, externalId, person } = row;
    return {
      entry,
      record,
      user: row.userId,
      userName: person?.userName ?? null,
      displayName: person?.displayName ?? null,
      identity: row.identityId,
      externalId,
      change,
      deactivates,
      loses,
      at: formatTime(row.at),
      revision,
      state,
    };
  }
}

/** What an admin knows the user by. */
export interface EntryPerson {
  userName: string | null;
  displayName: string | null;
}

/** How many people lose one role or entitlement. */
export class RunLoss {
  /** `role editor`, `entitlement report:1`. */
  held: string;
  people: number;
}

/** What a run takes away, all told. */
export class RunRemovals {
  /** People who are switched off. */
  deactivated: number;
  /** People who stay, and lose roles or entitlements. */
  reduced: number;
  /** Active people of the connection, or of the run's scope, now. */
  people: number;
  /** What those who stay lose, most people first; at most 200. */
  losses: RunLoss[];
  /** How many entries there are in each state. */
  @ApiProperty({ type: 'object', additionalProperties: { type: 'integer' } })
  states: Record<string, number>;
}

/** What a run takes away: all of it told, and one by one. */
export class RunPlanView {
  run: string;
  status: string;
  /** Why it is held, in a sentence. */
  reason: string | null;
  heldUntil: string | null;
  /** Of the first page; null further on. */
  removals: RunRemovals | null;
  /** In the order in which they are applied. */
  items: RunEntryView[];
  cursor: string | null;
}
