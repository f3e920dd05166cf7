import { Injectable } from '@nestjs/common';
import { Readable } from 'node:stream';
import type { EntityManager } from 'typeorm';
import type { Principal } from '../../platform/access.js';
import { Clock } from '../../platform/clock.js';
import { Database, type Snapshot } from '../../platform/database.js';
import { Problem } from '../../platform/problem.js';
import { selectRows } from '../../platform/sql.js';
import { followedBy, isFollower } from './follower.js';
import { holdToTime } from './hold-to-time.js';
import { readPeoplePages, readPlace, THE_FIRST, type People, type PeoplePlace } from './people-pages.js';
import { loadPersons } from './person-loader.js';
import { ReadingPlaces } from './reading-places.js';
import type { UserRecordView } from './user-record.dto.js';
import { toUserRecords } from './user-record.js';
import { UsersService } from './users.service.js';

const USERS_PER_PAGE = 500;
/** Whoever is slower than that goes on behind what they have. */
const READER_TIMES = { stalledMs: 60_000, totalMs: 2 * 3_600_000 };

const AFTER_FORM = 'must be `statedAt` and `externalId` of a record, with a comma between';

export interface ExportRequest {
  connection?: string | null;
  after?: string;
}

interface ExportOrder {
  people: People;
  /** The connection in whose words the records are; null: Rollcall's own. */
  wordsOf: string | null;
  after: PeoplePlace;
}

/** Users in the shape of sync records, for whoever keeps a copy of them. */
@Injectable()
export class UserExportService {
  constructor(
    private readonly database: Database,
    private readonly users: UsersService,
    private readonly clock: Clock,
    private readonly places: ReadingPlaces,
  ) {}

  /** Throws `not_found` if there is no such user, or they have no identity at the connection. */
  async record(principal: Principal, id: string, connectionId: string | null): Promise<UserRecordView> {
    const person = await this.users.get(principal, id);
    const [record] = toUserRecords(person, connectionId, this.clock.now());
    if (!record) throw new Problem('not_found', 'The user has no identity at that connection.');
    return record;
  }

  /**
   * NDJSON: first `{"position": N}`, then a record a line, all of one moment. Every event up to N of the change feed is
   * in it; later ones may be. It reads on only as fast as it is read. A follower gets the people of their connection in
   * Rollcall’s own words. With `after` it goes on behind a record of an export that broke off: the order is that of the last
   * change, and who changed since stands further on, so nobody is left out. Throws `overloaded` when too many of
   * the tenant, or of all, run at once.
   */
  async open(principal: Principal, request: ExportRequest): Promise<Readable> {
    const order = readOrder(principal, request);
    const leave = this.places.take(principal.tenantId);
    if (!leave) throw new Problem('overloaded', 'Other exports are running.', { retryAfterSeconds: 30 });
    let snapshot: Snapshot | null = null;
    try {
      snapshot = await this.database.openSnapshot();
      const position = await readPosition(snapshot.manager, principal.tenantId);
      const stream = this.stream(snapshot, `{"position":${position}}\n`, order);
      return stream.once('close', leave);
    } catch (error) {
      leave();
      await snapshot?.close();
      throw error;
    }
  }

  private stream(snapshot: Snapshot, head: string, { people, wordsOf, after }: ExportOrder): Readable {
    const { tenantId } = people;
    const now = this.clock.now();
    let noteTaken = (): void => undefined;
    async function* lines(): AsyncGenerator<string> {
      yield head;
      for await (const rows of readPeoplePages(snapshot.manager, people, after, USERS_PER_PAGE)) {
        const ids = rows.map(({ id }) => id);
        const { persons } = await loadPersons(snapshot.manager, tenantId, ids);
        const records = ids.flatMap((id) => {
          const person = persons.get(id);
          return person ? toUserRecords(person, wordsOf, now) : [];
        });
        if (records.length > 0) yield records.map((record) => `${JSON.stringify(record)}\n`).join('');
        // They have taken what there is, also where it is long in coming.
        noteTaken();
      }
    }
    const stream = Readable.from(lines(), { objectMode: false, highWaterMark: 64 * 1024 });
    noteTaken = holdToTime(stream, READER_TIMES);
    stream.once('close', () => void snapshot.close());
    return stream;
  }
}

function readOrder(principal: Principal, { connection = null, after }: ExportRequest): ExportOrder {
  const place = after === undefined ? THE_FIRST : readPlace(after);
  if (!place) throw new Problem('invalid_request', undefined, { faults: [{ pointer: '/after', detail: AFTER_FORM }] });
  const { tenantId } = principal;
  if (isFollower(principal)) {
    return { people: { tenantId, connectionId: followedBy(principal, connection) }, wordsOf: null, after: place };
  }
  return { people: { tenantId, connectionId: connection }, wordsOf: connection, after: place };
}

/** The last number of the tenant's ledger; 0 where nothing is numbered yet. */
async function readPosition(manager: EntityManager, tenantId: string): Promise<number> {
  const [head] = await selectRows(manager, 'SELECT number FROM ledger_heads WHERE tenantId = ?', [tenantId]);
  return Number(head?.number ?? 0);
}
