import type { NewEvent } from '../ledger/ledger.service.js';
import type { IdentityState } from '../plan/person.js';
import { planReplan } from '../plan/plan.js';
import type { Statement } from '../plan/statement.js';
import type { Micros } from '../platform/clock.js';
import { Problem } from '../platform/problem.js';
import type { RunEntity, RunEntryEntity } from '../records/sync-runs/run.entity.js';
import { draftLeaving } from './leaving-entries.js';
import type { Drafted, Scene, Submission } from './submission.js';

/** What an entry says, as a statement on its way to the writer. */
export type SubmissionMaker = (run: RunEntity, entry: RunEntryEntity, terms: EntryTerms) => Submission;

export interface EntryTerms {
  /** When whoever is missing leaves; null: at once. */
  leaveAt: Micros | null;
  /** Another push has named the person since. */
  isStated: boolean;
}

/** For entries of pushes and re-plans; a flow registers its own (RemovalsService). */
export const submissionMakers: ReadonlyMap<RunEntryEntity['change'], SubmissionMaker> = new Map<
  RunEntryEntity['change'],
  SubmissionMaker
>([
  ['statement', restate],
  ['deactivate', leave],
  ['replan', replan],
]);

/** The actor of a run, as its events name it. */
export function actorOfRun({ actorType, actorId }: RunEntity): NewEvent['actor'] {
  return { type: actorType as NewEvent['actor']['type'], id: actorId };
}

/**
 * The statement again, with the time that it had. It makes nobody anew, renames nobody, and once somebody had to agree to
 * it, it says nothing of whoever was stated since.
 */
function restate(run: RunEntity, entry: RunEntryEntity) {
  const { identityId, at, statement } = entry;
  const isApproved = run.heldUntil !== null;
  const says: Statement | null = statement && { ...statement.says, identityId, at, newest: false };
  const draft = ({ directory }: Scene): Drafted => {
    const identity = directory.findIdentity(identityId)?.identity;
    const isOther = !identity || identity.externalId !== entry.externalId || isOfOthers(identity, run, entry);
    const isLate = isApproved && (identity?.facts.push?.at ?? 0) > (says?.replacesUntil ?? at);
    if (!says || isOther || isLate) return { problem: goneBy() };
    return { statement: says };
  };
  return {
    tenantId: run.tenantId,
    statement: says ?? nobody(run.connectionId, identityId),
    draft,
    purpose: 'push' as const,
    via: 'sync' as const,
    actor: actorOfRun(run),
    runId: run.id,
    // Newer words may have won over some of it: sent again, it says something.
    pushHash: null,
  } satisfies Submission;
}

/** Missing from a scope that they are not of any more: another one has taken them over since. */
function isOfOthers({ scope }: IdentityState, run: RunEntity, { change }: RunEntryEntity): boolean {
  return change === 'deactivate' && scope !== run.scope;
}

/** As `restate`, unless the person is given time to be stated again. */
function leave(run: RunEntity, entry: RunEntryEntity, terms: EntryTerms): Submission {
  const submission = restate(run, entry);
  const draft = draftLeaving(run, entry, terms);
  return draft ? { ...submission, draft: (scene) => draft(scene) ?? submission.draft(scene) } : submission;
}

/**
 * What the rules of the run make of the identity. Once others have been saved, the run of these says what they take: it
 * is this person's turn there.
 */
function replan(run: RunEntity, { identityId, userId }: RunEntryEntity): Submission {
  return {
    tenantId: run.tenantId,
    statement: nobody(run.connectionId, identityId),
    draft: ({ directory, policy, context }) => {
      if (policy.mappingVersion > run.mappingVersion) return { problem: goneBy() };
      const outcomes = planReplan(directory, userId, policy, context);
      const outcome = outcomes.find((one) => one.identityId === identityId);
      return outcome ? { outcome } : { problem: goneBy() };
    },
    purpose: 'login',
    via: 'replan',
    actor: actorOfRun(run),
    runId: run.id,
  };
}

/** Says nothing, of somebody who is to be loaded. */
function nobody(connectionId: string, identityId: string): Statement {
  const names = { externalId: null, subject: null, identityId };
  const nothing = { fields: {}, overage: [], complete: false, partial: true };
  return { connectionId, voice: 'push', at: 0, newest: true, ...names, ...nothing };
}

/** The person is gone, or was stated since. */
function goneBy(): Problem {
  return new Problem('not_found');
}
