import { Injectable, Logger } from '@nestjs/common';
import { LedgerService, SYSTEM } from '../../ledger/ledger.service.js';
import type { Principal } from '../../platform/access.js';
import { Clock, HOUR, type Micros } from '../../platform/clock.js';
import { Database } from '../../platform/database.js';
import { Problem } from '../../platform/problem.js';
import { ConnectionSourceEntity } from '../../records/sources/source.entity.js';
import { RunEntity } from '../../records/sync-runs/run.entity.js';
import { IdentityRemoval } from '../../records/users/identity-removal.service.js';
import {
  type CopiedIdentity,
  digestCopy,
  findInactive,
  findInactiveOf,
  type PeopleCopy,
} from '../../records/users/people-copy.js';
import { PullOrders, SOURCE_SCOPE } from './pull-orders.js';
import { type Comparison, type FollowedState, RollcallSource } from './sources/rollcall-source.js';
import type { SourceReader } from './sources/source-reader.js';

const IDS_PER_ASK = 500;
/** What reading everything did not mend it will not mend a minute later. */
const REPAIR_AGAIN: number = HOUR;

/** A pull that has ended. */
interface ReadRun {
  runId: string;
  /** Of the settings that it was read by. */
  version: number;
}

/** After a pull from another Rollcall: is the copy what it is a copy of? */
@Injectable()
export class CopyCheck {
  private readonly logger = new Logger(CopyCheck.name);

  constructor(
    private readonly database: Database,
    private readonly removal: IdentityRemoval,
    private readonly orders: PullOrders,
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
  ) {}

  /**
   * Compares count and digest with the primary's when the run has ended. If they differ, or change too fast to tell, those
   * whom it does not have any more are removed, as long as they are switched off (who is not, is held by the safety catch):
   * after everybody was read all of them, else those whom the changes told to be gone, and nobody where the primary knows
   * less than was read of it. If they still differ, everything is read again, which is tried once an hour, and not while
   * an admin's word on a run is awaited. Call it while nobody else reads the source.
   */
  async check(
    { runId, version }: ReadRun,
    reader: SourceReader,
    principal: Principal,
    signal: AbortSignal,
  ): Promise<void> {
    if (!(reader instanceof RollcallSource)) return;
    const { read } = this.database;
    const run = await read.findOneBy(RunEntity, { id: runId });
    const source = run && (await read.findOneBy(ConnectionSourceEntity, { connectionId: run.connectionId }));
    if (!run || !source?.state || source.version !== version) return;
    const { connectionId } = source;
    const state = source.state as FollowedState;
    const now = this.clock.now();
    // An admin's word is awaited, or was given: to ask again at once would be no answer to it.
    if (run.status === 'held' && run.mode === 'snapshot') {
      await this.note(source, { state: { ...state, differsSince: now } });
    }
    if (run.status !== 'finished') return;
    const copy = { connectionId, scope: SOURCE_SCOPE };
    const gone = run.mode === 'snapshot' ? null : reader.gone;
    let verdict = await this.compare(reader, state, copy, signal);
    const mayRemove = verdict === 'differs' || verdict === 'moved';
    if (mayRemove && (await this.removeGone(reader, copy, gone, { principal, signal })) > 0) {
      verdict = await this.compare(reader, state, copy, signal);
    }
    if (verdict === 'same') await this.note(source, { comparedAt: now, state: { position: state.position } });
    const mayMend = run.mode === 'snapshot' || now - (state.differsSince ?? 0) >= REPAIR_AGAIN;
    if (!mayMend || (verdict !== 'differs' && verdict !== 'behind')) return;
    if (!(await read.existsBy(RunEntity, { connectionId, status: 'held' }))) await this.mend(run, source, state);
  }

  private async compare(
    reader: RollcallSource,
    state: FollowedState,
    copy: PeopleCopy,
    signal: AbortSignal,
  ): Promise<Comparison> {
    return reader.compare(state, (without) => digestCopy(this.database.read, copy, without), signal);
  }

  /** How many were removed, of those who are `gone`; null: of all. */
  private async removeGone(
    reader: RollcallSource,
    copy: PeopleCopy,
    gone: ReadonlySet<string> | null,
    { principal, signal }: { principal: Principal; signal: AbortSignal },
  ): Promise<number> {
    let removed = 0;
    for await (const inactive of this.findSwitchedOff(copy, gone)) {
      const names = inactive.map(({ externalId }) => externalId);
      const missing = new Set(names.length > 0 ? await reader.findMissing(names, signal) : []);
      for (const { id, externalId } of inactive) {
        if (missing.has(externalId) && (await this.remove(principal, copy.connectionId, id))) removed += 1;
      }
    }
    return removed;
  }

  private async *findSwitchedOff(copy: PeopleCopy, gone: ReadonlySet<string> | null): AsyncGenerator<CopiedIdentity[]> {
    const { read } = this.database;
    if (gone === null) return yield* findInactive(read, copy, IDS_PER_ASK);
    const names = [...gone];
    for (let start = 0; start < names.length; start += IDS_PER_ASK) {
      yield await findInactiveOf(read, copy, names.slice(start, start + IDS_PER_ASK));
    }
  }

  private async remove(principal: Principal, connectionId: string, identityId: string): Promise<boolean> {
    try {
      await this.removal.remove(principal, {
        connectionId,
        identityId,
        via: 'sync',
        check: ({ active }) => {
          if (active) throw new Problem('conflict', 'It was switched on meanwhile.');
        },
      });
      return true;
    } catch (error) {
      // An owner who is the last one stays, and so does whoever is back.
      if (!(error instanceof Problem)) throw error;
      this.logger.warn(`Identity ${identityId} stays though its source has it no more: ${error.message}`);
      return false;
    }
  }

  private async mend(run: RunEntity, source: ConnectionSourceEntity, state: FollowedState): Promise<void> {
    const now = this.clock.now();
    const wasWhole = run.mode === 'snapshot';
    const { connectionId, tenantId } = source;
    await this.note(source, { state: { position: state.position, ...(wasWhole ? { differsSince: now } : {}) } });
    await this.database.transaction((tx) =>
      this.ledger.record(tx, [
        {
          tenantId,
          type: 'connection.source_differs',
          subject: { type: 'connection', id: connectionId, version: 0 },
          actor: SYSTEM,
          via: 'system',
          runId: run.id,
          reason: wasWhole
            ? 'It differs though everything was read: see what the run refused.'
            : 'Everything is read again.',
        },
      ]),
    );
    if (!wasWhole) await this.orders.order(connectionId, 'full', SYSTEM);
  }

  private async note(
    { connectionId, version }: ConnectionSourceEntity,
    { state, ...over }: { state: FollowedState; comparedAt?: Micros },
  ): Promise<void> {
    await this.database.transaction((tx) =>
      tx.update(ConnectionSourceEntity, { connectionId, version }, { ...over, state: state as object }),
    );
  }
}
