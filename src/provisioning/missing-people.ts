import { Injectable } from '@nestjs/common';
import { findLoss } from '../plan/losses.js';
import { isMissing, missingStatement, planToMiss, type SnapshotTruth } from '../plan/missing.js';
import { breathe } from '../platform/breathe.js';
import { Database } from '../platform/database.js';
import { selectByKeys, selectRows } from '../platform/sql.js';
import type { NameSet } from '../records/sync-runs/name-set.js';
import { addEntries, type EntryOfRun, type NewEntry } from '../records/sync-runs/run-entries.js';
import { readNamed } from '../records/sync-runs/seen-names.js';
import { ProvisioningService } from './provisioning.service.js';
import type { Submission } from './submission.js';

/** From the index alone: whoever was named is passed over unread. */
const NAMES_PER_READ = 2000;
const HASHED_IN_A_ROW = 500;
const PEOPLE_PER_PAGE = 500;

/** Finds who is missing from a snapshot, in memory that does not grow with the connection. */
@Injectable()
export class MissingPeople {
  constructor(
    private readonly database: Database,
    private readonly provisioning: ProvisioningService,
  ) {}

  /**
   * Page by page what would be taken from whom: people of the scope whom no push of the connection has named since the
   * truth's moment, its own run included as far as it is noted, and `own` does not name.
   */
  async *find(tenantId: string, truth: SnapshotTruth, own: NameSet | null = null): AsyncGenerator<NewEntry[]> {
    for await (const named of readNamed(this.database.read, truth.connectionId, truth.statedAt)) {
      const lacks = (externalId: string) => named.lacks(externalId) && (own === null || own.lacks(externalId));
      for await (const externalIds of this.findUnnamed(truth.connectionId, lacks)) {
        const entries = await this.plan(tenantId, truth, externalIds);
        if (entries.length > 0) yield entries;
      }
    }
  }

  /**
   * Keeps what is to be taken from them as entries of the run. In the same transaction it is noted with each of them: a
   * push that names them from now on is heard, and overrules it, until the very moment at which it is applied.
   */
  async keep(run: EntryOfRun, entries: readonly NewEntry[]): Promise<void> {
    const submissions = entries.map(({ identityId, at, statement }): Submission => ({
      ...toSubmission(run.tenantId, statement?.says ?? missingStatement(run.connectionId, identityId, at)),
      draft: ({ directory }) => ({ outcome: planToMiss(directory, identityId, at) }),
      pushHash: null,
    }));
    await this.provisioning.submitWhole(submissions, (tx) => addEntries(tx, run, entries));
  }

  private async *findUnnamed(connectionId: string, lacks: (id: string) => boolean): AsyncGenerator<string[]> {
    const sql = `SELECT externalId FROM identities WHERE connectionId = ? AND externalId > ?
      ORDER BY externalId LIMIT ${NAMES_PER_READ}`;
    let unnamed: string[] = [];
    for (let after: string | null = ''; after !== null;) {
      const rows = await selectRows(this.database.read, sql, [connectionId, after]);
      for (const [place, { externalId }] of rows.entries()) {
        if (place % HASHED_IN_A_ROW === 0) await breathe();
        if (lacks(String(externalId))) unnamed.push(String(externalId));
      }
      after = rows.length < NAMES_PER_READ ? null : String(rows.at(-1)?.externalId);
      while (unnamed.length >= PEOPLE_PER_PAGE) {
        yield unnamed.slice(0, PEOPLE_PER_PAGE);
        unnamed = unnamed.slice(PEOPLE_PER_PAGE);
      }
    }
    if (unnamed.length > 0) yield unnamed;
  }

  /** Who of them is missing by the rules, and what that takes from them. Whoever is leaving already is not counted again. */
  private async plan(tenantId: string, truth: SnapshotTruth, externalIds: readonly string[]): Promise<NewEntry[]> {
    const { connectionId, scope, statedAt } = truth;
    const rows = await selectByKeys(
      this.database.read,
      (keys) =>
        `SELECT id FROM identities WHERE connectionId = ? AND scope = ? AND active = 1 AND leavingAt IS NULL
           AND externalId IN ${keys}`,
      [connectionId, scope],
      externalIds,
    );
    const statements = rows.map(({ id }) => missingStatement(connectionId, String(id), statedAt));
    if (statements.length === 0) return [];
    const { settled, loaded, now } = await this.provisioning.plan(
      statements.map((each) => toSubmission(tenantId, each)),
    );
    return settled.flatMap((one, place): NewEntry[] => {
      if (one.kind !== 'planned') return [];
      const { before, identityId, userId } = one.outcome;
      const identity = before?.identities.find(({ id }) => id === identityId);
      const loss = findLoss(one.outcome, now);
      const says = statements[place];
      if (!identity || !isMissing(identity, truth) || !loss || !says || userId === null) return [];
      return [
        {
          userId,
          identityId: identity.id,
          externalId: identity.externalId,
          change: 'deactivate',
          record: null,
          at: statedAt,
          statement: { says },
          ...loss,
          revision: loaded.revisions.get(identity.id) ?? 0,
        },
      ];
    });
  }
}

function toSubmission(tenantId: string, statement: Submission['statement']): Submission {
  return { tenantId, statement, purpose: 'push', via: 'sync', actor: null };
}
