import { Inject, Injectable } from '@nestjs/common';
import { isDeepStrictEqual } from 'node:util';
import { type EntityManager, Not } from 'typeorm';
import { actorOf, LedgerService, type NewEvent } from '../../ledger/ledger.service.js';
import type { Principal } from '../../platform/access.js';
import { Clock } from '../../platform/clock.js';
import { CONFIG, type Config } from '../../platform/config.js';
import { Database } from '../../platform/database.js';
import { type Fault, Problem } from '../../platform/problem.js';
import { SealError } from '../../platform/seal.js';
import { checkVersion, requireVersion } from '../../platform/versions.js';
import { getConnection } from '../connections/connection-rows.js';
import { ConnectionEntity } from '../connections/connection.entity.js';
import { RunEntity } from '../sync-runs/run.entity.js';
import { type ReadSource, readSource } from './check-source.js';
import { CredentialVault } from './credential-vault.js';
import { lockSource } from './lock-source.js';
import { nextPullsOf, type PullSchedule } from './pull-schedule.js';
import type { SourceCredential } from './source-credential.js';
import type { SourceBody } from './source.dto.js';
import { ConnectionSourceEntity } from './source.entity.js';

@Injectable()
export class SourcesService {
  constructor(
    private readonly database: Database,
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
    private readonly vault: CredentialVault,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Throws `not_found` where the connection, or its source, is not there for this principal. */
  async get(principal: Principal, connectionId: string): Promise<ConnectionSourceEntity> {
    await getConnection(this.database.read, principal, connectionId);
    const row = await this.database.read.findOneBy(ConnectionSourceEntity, { connectionId });
    if (!row) throw noSource();
    return row;
  }

  /**
   * Sets a connection's source, or puts another in its place (then `If-Match` is needed). Where another place would be
   * read, reading begins anew. What is suspended stays so; what changes nothing writes nothing. Throws `invalid_request`
   * with every fault.
   */
  set(
    principal: Principal,
    connectionId: string,
    ifMatch: string | undefined,
    body: SourceBody,
  ): Promise<ConnectionSourceEntity> {
    return this.database.transaction(async (tx) => {
      const connection = await getConnection(tx, principal, connectionId, 'locked');
      const before = await lockSource(tx, connectionId);
      if (before) requireVersion(ifMatch, before.version);
      else checkVersion(ifMatch, 0);
      const now = this.clock.now();
      const read = readSource(body, {
        now,
        allowLoopbackHttp: this.config.ALLOW_LOOPBACK_HTTP,
        outboundAllow: this.config.OUTBOUND_ALLOW,
      });
      const faults = [...read.faults, ...findLostCredential(before, read)];
      if (faults.length > 0) throw new Problem('invalid_request', undefined, { faults });
      const row = this.toRow(connection, before, read, now);
      const fields = findChanges(before, row);
      if (before && fields.length === 0) return before;
      const columns: object = { ...row };
      if (before) await tx.update(ConnectionSourceEntity, { connectionId }, columns);
      else await tx.insert(ConnectionSourceEntity, columns);
      await this.record(tx, 'connection.source_set', connection, principal, fields);
      return row;
    });
  }

  /** Nothing is fetched any more, and what is being fetched is cancelled; who was fetched stays. */
  async remove(principal: Principal, connectionId: string, ifMatch: string | undefined): Promise<void> {
    await this.database.transaction(async (tx) => {
      const connection = await getConnection(tx, principal, connectionId, 'locked');
      const row = await lockSource(tx, connectionId);
      if (!row) throw noSource();
      checkVersion(ifMatch, row.version);
      await tx.delete(ConnectionSourceEntity, { connectionId });
      await tx.update(ConnectionEntity, { id: connectionId }, { lastSourceVersion: row.version });
      if (row.lastRunId !== null) {
        // What a reading of everybody takes away is decided by then, and cannot be cancelled.
        const open = { id: row.lastRunId, status: 'running', phase: Not('removing') } as const;
        await tx.update(RunEntity, open, { cancelAt: this.clock.now() });
      }
      await this.record(tx, 'connection.source_removed', connection, principal, ['source']);
    });
  }

  private toRow(
    { id: connectionId, tenantId, lastSourceVersion }: ConnectionEntity,
    before: ConnectionSourceEntity | null,
    { settings, schedule, credential }: ReadSource,
    now: number,
  ): ConnectionSourceEntity {
    const isSamePlace = before !== null && isDeepStrictEqual(before.settings, settings);
    const isSameSchedule = before !== null && isDeepStrictEqual(scheduleOf(before), schedule);
    const { nextAt, nextFullAt } = isSameSchedule ? before : nextPullsOf(connectionId, schedule, now);
    return {
      connectionId,
      tenantId,
      type: settings.type,
      settings,
      sealedCredential: this.sealAnew(connectionId, before, credential),
      state: isSamePlace ? before.state : null,
      ...schedule,
      nextAt,
      nextFullAt,
      failures: before?.failures ?? 0,
      suspendedAt: before?.suspendedAt ?? null,
      suspendedReason: before?.suspendedReason ?? null,
      lastRunId: before?.lastRunId ?? null,
      comparedAt: isSamePlace ? before.comparedAt : null,
      version: (before?.version ?? lastSourceVersion ?? 0) + 1,
      createdAt: before?.createdAt ?? now,
      updatedAt: now,
    };
  }

  /** What is sealed again is another text each time; whoever sends the credential that is there changes nothing. */
  private sealAnew(
    connectionId: string,
    before: ConnectionSourceEntity | null,
    credential: ReadSource['credential'],
  ): string | null {
    if (credential === undefined) return before?.sealedCredential ?? null;
    if (before && credential && isDeepStrictEqual(this.openKnown(before), credential)) return before.sealedCredential;
    return this.vault.seal(connectionId, credential);
  }

  private openKnown(row: ConnectionSourceEntity): SourceCredential | null {
    try {
      return this.vault.open(row);
    } catch (error) {
      // Under a secret that nobody has any more: it is given again for that.
      if (error instanceof SealError) return null;
      throw error;
    }
  }

  private async record(
    tx: EntityManager,
    type: string,
    { tenantId, id, version }: ConnectionEntity,
    principal: Principal,
    fields: readonly string[],
  ): Promise<void> {
    const subject = { type: 'connection', id, version };
    const event: NewEvent = { tenantId, type, subject, actor: actorOf(principal), via: 'rest', fields };
    await this.ledger.record(tx, [event]);
  }
}

function noSource(): Problem {
  return new Problem('not_found', 'This connection has no source.');
}

/** A stored credential goes to the host that it was given for: else whoever may set an address could read it. */
function findLostCredential(
  before: ConnectionSourceEntity | null,
  { settings, credential, faults }: ReadSource,
): Fault[] {
  if (credential !== undefined || !before?.sealedCredential || faults.length > 0) return [];
  if (new URL(before.settings.url).origin === new URL(settings.url).origin) return [];
  return [{ pointer: '/credential', detail: 'must be given again, or be null: `url` leads to another host' }];
}

function scheduleOf({ cron, fullCron, timeZone, jitterSeconds }: ConnectionSourceEntity): PullSchedule {
  return { cron, fullCron, timeZone, jitterSeconds };
}

/** Names of what a save has changed. */
function findChanges(before: ConnectionSourceEntity | null, after: ConnectionSourceEntity): string[] {
  const names: Record<string, number | string | object | null> = {};
  const note = (row: ConnectionSourceEntity | null, sign: string): void => {
    if (!row) return;
    for (const [name, value] of Object.entries(row.settings)) names[`${sign}source.${name}`] = value as string;
    names[`${sign}source.schedule`] = scheduleOf(row);
    names[`${sign}source.credential`] = row.sealedCredential;
  };
  note(before, '-');
  note(after, '+');
  const all = new Set(Object.keys(names).map((name) => name.slice(1)));
  return [...all].filter((name) => !isDeepStrictEqual(names[`-${name}`], names[`+${name}`])).sort();
}
