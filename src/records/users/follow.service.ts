import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { EventReader } from '../../ledger/event-reader.js';
import type { Principal } from '../../platform/access.js';
import { breathe } from '../../platform/breathe.js';
import { Clock, formatTime } from '../../platform/clock.js';
import { Database } from '../../platform/database.js';
import { Problem } from '../../platform/problem.js';
import type { FoundRecordsView, PeopleDigestView } from './follow.dto.js';
import { followedBy, isFollower } from './follower.js';
import { PeopleDigest } from './people-digest.js';
import { type People, readPeoplePages, THE_FIRST } from './people-pages.js';
import { loadPersons } from './person-loader.js';
import { ReadingPlaces } from './reading-places.js';
import { toUserRecords } from './user-record.js';

/** Counted in a row: about a millisecond. */
const COUNTED_PER_PAGE = 1000;

/** What another Rollcall asks that keeps a copy of a connection's people: see docs/following.md. */
@Injectable()
export class FollowService {
  constructor(
    private readonly database: Database,
    private readonly events: EventReader,
    private readonly clock: Clock,
    private readonly places: ReadingPlaces,
  ) {}

  /** Users as they are now, each of one moment, in Rollcall's own words. */
  async findRecords(principal: Principal, ids: readonly string[]): Promise<FoundRecordsView> {
    const { tenantId, connectionId } = peopleOf(principal);
    const now = this.clock.now();
    // A user that is read half before and half after a change would be told wrongly under the time of one of them.
    const persons = await this.inSnapshot(async (manager) => (await loadPersons(manager, tenantId, ids)).persons);
    const view: FoundRecordsView = { items: [], missing: [] };
    for (const id of new Set(ids)) {
      const person = persons.get(id);
      const isOfThem = connectionId === null || person?.identities.some((one) => one.connectionId === connectionId);
      if (person && isOfThem) view.items.push(...toUserRecords(person, null, now));
      else view.missing.push(id);
    }
    return view;
  }

  /**
   * Reads no more of a user than their id and the time of their last change. Of those who have changed after a position it
   * says who they are, and counts them not. Throws `overloaded` when too many of the tenant, or of all, are being read.
   */
  async digest(principal: Principal, after: number | null = null): Promise<PeopleDigestView> {
    const people = peopleOf(principal);
    const leave = this.places.take(people.tenantId);
    if (!leave) throw new Problem('overloaded', 'Others are being counted or exported.', { retryAfterSeconds: 5 });
    try {
      return await this.count(people, after);
    } finally {
      leave();
    }
  }

  private count(people: People, after: number | null): Promise<PeopleDigestView> {
    return this.inSnapshot(async (manager) => {
      const { tenantId, connectionId } = people;
      const position = await this.events.findPosition(tenantId, manager);
      const known = await this.events.findUnnumbered(tenantId, connectionId, manager);
      const pending = known === null || known.size > 0;
      const changed =
        after === null || known === null
          ? null
          : await this.events.findChanged(tenantId, connectionId, { after, head: position, known }, manager);
      const digest = new PeopleDigest();
      for await (const page of readPeoplePages(manager, people, THE_FIRST, COUNTED_PER_PAGE)) {
        for (const { id, updatedAt } of page) if (!changed?.has(id)) digest.add(id, updatedAt);
        await breathe();
      }
      const { count, text } = digest;
      const at = formatTime(this.clock.now());
      const told = { position, pending, changed: changed && [...changed].sort() };
      return { primary_id: connectionId, ...told, count, digest: text, at };
    });
  }

  private async inSnapshot<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    const snapshot = await this.database.openSnapshot();
    try {
      return await work(snapshot.manager);
    } finally {
      await snapshot.close();
    }
  }
}

function peopleOf(principal: Principal): People {
  const { tenantId, connectionId } = principal;
  return { tenantId, connectionId: isFollower(principal) ? followedBy(principal) : connectionId };
}
