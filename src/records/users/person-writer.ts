import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { LedgerService, type NewEvent } from '../../ledger/ledger.service.js';
import type { PersonChanges } from '../../plan/changes.js';
import type { IdentityState } from '../../plan/person.js';
import { Clock } from '../../platform/clock.js';
import { Database, type SqlValue } from '../../platform/database.js';
import { forUpdate } from '../../platform/row-locks.js';
import {
  deleteByKeys,
  execute,
  insertRows,
  type Replacement,
  replaceRevisions,
  selectByKeys,
  type SqlRow,
  upsertRows,
  writeTogether,
} from '../../platform/sql.js';
import { forgetMembers } from '../groups/forget-members.js';
import { areNew, blocksOf, grantsOf, usersOf } from './change-rows.js';
import { noteDepartures } from './departures.js';
import {
  blockColumns,
  grantColumns,
  grantKey,
  grantRow,
  identityColumns,
  identityRow,
  userColumns,
} from './person-rows.js';
import { switchScimUsers } from './switch-scim-users.js';

/** Who did it, how and why: the same for a whole batch, or by user. */
export interface WriteContext extends Pick<NewEvent, 'actor' | 'via' | 'runId' | 'reason'> {
  /** The revisions under which the identities were loaded. */
  revisions: ReadonlyMap<string, number>;
  /** Digest of the push record that an identity now stands for; null takes an older one away, absent keeps it. */
  pushHashes?: ReadonlyMap<string, string | null>;
  /** What the event of a user tells beside the plan's own words. */
  eventOf?: (change: PersonChanges) => Partial<NewEvent>;
}

/** Rows moved since they were loaded: load these users again and plan anew (rule 8). */
export class PersonsMoved extends Error {
  constructor(readonly userIds: readonly string[]) {
    super('Persons were changed by another writer since they were loaded.');
  }
}

/** So many changed people take a while to be put into packets. */
const LARGE = 50;

/** Rows of identities as they are locked, by id. */
type StoredKeys = ReadonlyMap<string, SqlRow>;

/** The one writer of users, identities, grants and blocks: brings the tables from what they hold to what follows. */
@Injectable()
export class PersonWriter {
  constructor(
    private readonly database: Database,
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
  ) {}

  /**
   * Writes changes, and the events that tell of them, set by set inside `tx`. Throws PersonsMoved, before anything is
   * written, when a row is not the one that was loaded; a duplicate key comes as the driver's error.
   */
  async write(tx: EntityManager, changes: readonly PersonChanges[], context: WriteContext): Promise<void> {
    if (changes.length === 0) return;
    if (this.database.engine === 'mysql' && areQuiet(changes, context)) return this.writeQuietly(tx, changes, context);
    // Where all are new there is nothing to lock, to compare and to remove.
    const stored = areNew(changes) ? new Map<string, SqlRow>() : await this.lock(tx, changes, context);
    if (!areNew(changes)) await this.remove(tx, changes);
    // Rows of different tables, or of one table and different keys: none needs the answer to another.
    const writes = [
      () => insertRows(tx, 'users', userColumns, usersOf(changes, 'new')),
      () =>
        upsertRows(
          tx,
          this.database.engine,
          { table: 'users', columns: userColumns, key: ['id'], update: userColumns.slice(2) },
          usersOf(changes, 'known'),
        ),
      () => this.writeIdentities(tx, changes, context, stored),
      () => insertRows(tx, 'grants', grantColumns, grantsOf(changes)),
      () => this.updateGrants(tx, changes),
      () => insertRows(tx, 'blocks', blockColumns, blocksOf(changes)),
      () =>
        this.ledger.record(
          tx,
          changes.flatMap((change) => eventsOf(change, context)),
        ),
    ];
    await writeTogether(tx, writes, changes.length >= LARGE);
  }

  /** Where only times and reasons moved, as with most logins: one statement locks, compares and writes. */
  private async writeQuietly(tx: EntityManager, changes: readonly PersonChanges[], context: WriteContext) {
    const rows: SqlValue[][] = changes.flatMap(({ identitiesUpdated }) =>
      identitiesUpdated.map(({ id, facts, mappingVersion, lastLoginAt, scope }) => {
        const revision = (context.revisions.get(id) ?? 0) + 1;
        return [id, revision, JSON.stringify(facts), mappingVersion, lastLoginAt, scope];
      }),
    );
    // In order of id, as `lock` does it.
    rows.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
    const isWritten = await replaceRevisions(tx, QUIET_COLUMNS, rows);
    if (!isWritten) throw new PersonsMoved(changes.map(({ userId }) => userId));
    await this.updateGrants(tx, changes);
  }

  /** Locks what will be written, in order of id so that two batches cannot deadlock, and checks that it has not moved. */
  private async lock(tx: EntityManager, changes: readonly PersonChanges[], context: WriteContext): Promise<StoredKeys> {
    const moved = new Set<string>();
    const loud = changes.filter((each) => each.fromVersion > 0 && !each.quiet);
    const versions = new Map(loud.map((each) => [each.userId, each.fromVersion]));
    const users = await selectByKeys(
      tx,
      (keys) => `SELECT id, version FROM users WHERE id IN ${keys} ORDER BY id${forUpdate(tx)}`,
      [],
      [...versions.keys()].sort(),
    );
    for (const row of users) {
      if (versions.get(String(row.id)) === Number(row.version)) versions.delete(String(row.id));
    }
    for (const userId of versions.keys()) moved.add(userId);

    const owners = new Map<string, string>();
    for (const each of changes) {
      for (const one of [...each.identitiesUpdated, ...each.identitiesRemoved]) owners.set(one.id, each.userId);
    }
    const identities = await selectByKeys(
      tx,
      (keys) =>
        `SELECT id, revision, externalId, subject, userNameKey, active FROM identities WHERE id IN ${keys} ORDER BY id${forUpdate(tx)}`,
      [],
      [...owners.keys()].sort(),
    );
    for (const row of identities) {
      if (context.revisions.get(String(row.id)) === Number(row.revision)) owners.delete(String(row.id));
    }
    for (const userId of owners.values()) moved.add(userId);
    if (moved.size > 0) throw new PersonsMoved([...moved]);
    return new Map(identities.map((row) => [String(row.id), row]));
  }

  private async updateGrants(tx: EntityManager, changes: readonly PersonChanges[]): Promise<void> {
    await upsertRows(
      tx,
      this.database.engine,
      { table: 'grants', columns: grantColumns, key: grantColumns.slice(0, 5), update: grantColumns.slice(5) },
      changes.flatMap((each) => each.grantsUpdated.map(({ after }) => grantRow(after, each.tenantId, each.userId))),
    );
  }

  private async remove(tx: EntityManager, changes: readonly PersonChanges[]): Promise<void> {
    const deleted = changes.filter((each) => each.deleted).map((each) => each.userId);
    await deleteByKeys(
      tx,
      'users',
      ['id'],
      deleted.map((id) => [id]),
    );
    const removed = changes.flatMap((each) => each.identitiesRemoved);
    await deleteByKeys(
      tx,
      'identities',
      ['id'],
      removed.map(({ id }) => [id]),
    );
    await noteDepartures(tx, this.database.engine, changes, this.clock.now());
    // A merge or a split gives an identity to another user: it stays in its directory, and in its groups.
    const stay = new Set(changes.flatMap((each) => each.identitiesAdded.map(({ id }) => id)));
    await this.removeFromDirectory(
      tx,
      removed.filter(({ id }) => !stay.has(id)),
    );
    await deleteByKeys(
      tx,
      'grants',
      grantColumns.slice(0, 5),
      changes.flatMap((each) => each.grantsRemoved.map((grant) => grantKey(grant, each.userId))),
    );
    await deleteByKeys(
      tx,
      'blocks',
      blockColumns.slice(0, 3),
      changes.flatMap((each) => each.blocksRemoved.map((block) => [each.userId, block.kind, block.key])),
    );
  }

  private async removeFromDirectory(tx: EntityManager, gone: readonly IdentityState[]): Promise<void> {
    for (const [connectionId, some] of Map.groupBy(gone, (one) => one.connectionId)) {
      const ids = some.map(({ id }) => id);
      await forgetMembers(tx, connectionId, ids, this.clock.now());
    }
    const keys = gone.map(({ id }) => [id]);
    await deleteByKeys(tx, 'scim_users', ['identityId'], keys);
    await deleteByKeys(tx, 'scim_emails', ['identityId'], keys);
    // What runs kept of them; nothing is to be taken from them any more.
    await deleteByKeys(tx, 'run_entries', ['identityId'], keys);
  }

  private async writeIdentities(
    tx: EntityManager,
    changes: readonly PersonChanges[],
    context: WriteContext,
    stored: StoredKeys,
  ): Promise<void> {
    const added: SqlValue[][] = [];
    const kept: SqlValue[][] = [];
    const keptWithHash: SqlValue[][] = [];
    for (const change of changes) {
      const place = (one: IdentityState) => ({
        tenantId: change.tenantId,
        userId: change.userId,
        revision: (context.revisions.get(one.id) ?? 0) + 1,
        pushHash: context.pushHashes?.get(one.id) ?? null,
      });
      for (const one of change.identitiesAdded) added.push(identityRow(one, place(one)));
      for (const one of change.identitiesUpdated) {
        (context.pushHashes?.has(one.id) ? keptWithHash : kept).push(identityRow(one, place(one)));
      }
    }
    const updated = changes.flatMap(({ identitiesUpdated }) => identitiesUpdated);
    await switchScimUsers(
      tx,
      updated.filter(({ id, active }) => Boolean(stored.get(id)?.active) !== active),
    );
    await insertRows(tx, 'identities', identityColumns, added);
    await this.updateIdentities(tx, kept, stored, false);
    await this.updateIdentities(tx, keptWithHash, stored, true);
  }

  /**
   * Many rows in one statement. An upsert could hit another row that holds the same external id, subject or name: it
   * writes only the columns that are in no unique index, and rows whose keys changed get them by a statement each.
   */
  private async updateIdentities(
    tx: EntityManager,
    rows: SqlValue[][],
    stored: StoredKeys,
    withHash: boolean,
  ): Promise<void> {
    if (rows.length === 0) return;
    const unique = new Set<string>(['externalId', 'subject', 'userNameKey']);
    for (const row of rows) {
      const { externalId, subject, userNameKey } = stored.get(String(row[0])) ?? {};
      if (externalId === row[4] && subject === row[5] && userNameKey === row[6]) continue;
      await execute(tx, 'UPDATE identities SET externalId = ?, subject = ?, userNameKey = ? WHERE id = ?', [
        ...row.slice(4, 7),
        row[0] ?? null,
      ]);
    }
    const update = identityColumns.slice(3).filter((name) => !unique.has(name) && (withHash || name !== 'pushHash'));
    const upsert = { table: 'identities', columns: identityColumns, key: ['id'], update };
    await upsertRows(tx, this.database.engine, upsert, rows);
  }
}

/** The columns of an identity that may move unheard. */
const QUIET_COLUMNS: Replacement = {
  table: 'identities',
  columns: ['id', 'revision', 'facts', 'mappingVersion', 'lastLoginAt', 'scope'],
  others: { tenantId: "''", connectionId: "''", userId: "''", active: '0', createdAt: '0' },
};

function areQuiet(changes: readonly PersonChanges[], { pushHashes }: WriteContext): boolean {
  return changes.every(({ quiet, identitiesUpdated }) => {
    return quiet && !identitiesUpdated.some(({ id }) => pushHashes?.has(id));
  });
}

function eventsOf(change: PersonChanges, context: WriteContext): NewEvent[] {
  if (!change.event) return [];
  const { type, userId, version, fields, granted, revoked } = change.event;
  return [
    {
      tenantId: change.tenantId,
      type,
      subject: { type: 'user', id: userId, version },
      actor: context.actor,
      via: context.via,
      runId: context.runId ?? null,
      reason: context.reason ?? null,
      fields,
      ...(granted.length + revoked.length > 0 ? { personal: { granted, revoked } } : {}),
      ...context.eventOf?.(change),
    },
  ];
}
