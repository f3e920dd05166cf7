import type { NewEvent } from '../ledger/ledger.service.js';
import { planReplan } from '../plan/plan.js';
import type { Statement } from '../plan/statement.js';
import { Problem } from '../platform/problem.js';
import type { RunEntity, RunEntryEntity } from '../records/sync-runs/run.entity.js';
import type { Drafted, Scene, Submission } from './submission.js';

/** What an entry says, as a statement on its way to the writer. */
export type SubmissionMaker = (run: RunEntity, entry: RunEntryEntity) => Submission;

/** For entries of pushes and re-plans; a flow registers its own (RemovalsService). */
export const submissionMakers: ReadonlyMap<RunEntryEntity['change'], SubmissionMaker> = new Map([
  ['statement', restate],
  ['deactivate', restate],
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
function restate(run: RunEntity, entry: RunEntryEntity): Submission {
  const { identityId, at, statement } = entry;
  const isApproved = run.heldUntil !== null;
  const says: Statement | null = statement && { ...statement.says, identityId, at, newest: false };
  const draft = ({ directory }: Scene): Drafted => {
    const identity = directory.findIdentity(identityId)?.identity;
    const isOther = !identity || identity.externalId !== entry.externalId;
    const isLate = isApproved && (identity?.facts.push?.at ?? 0) > at;
    if (!says || isOther || isLate) return { problem: goneBy() };
    return { statement: says };
  };
  return {
    tenantId: run.tenantId,
    statement: says ?? nobody(run.connectionId, identityId),
    draft,
    purpose: 'push',
    via: 'sync',
    actor: actorOfRun(run),
    runId: run.id,
    pushHash: statement?.digest ?? null,
  };
}

/** What the present rules make of the identity. */
function replan(run: RunEntity, { identityId, userId }: RunEntryEntity): Submission {
  return {
    tenantId: run.tenantId,
    statement: nobody(run.connectionId, identityId),
    draft: ({ directory, policy, context }) => {
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
