import type { NewEvent } from '../../ledger/ledger.service.js';
import type { Statement } from '../../plan/statement.js';
import type { SceneLoader, Submission } from '../../provisioning/submission.js';
import { type GroupOfMember, readGroupsOf } from './group-store.js';

/** A group as it will be after the change that is being written, beside the stored ones. */
export interface PendingGroup extends GroupOfMember {
  isMember(identityId: string): boolean;
}

/** Who is followed, and on whose word. */
export interface Followed {
  tenantId: string;
  connectionId: string;
  actor: NewEvent['actor'];
  runId: string | null;
}

/** The stored groups of everybody in a batch, read after their rows: a later change of them moves the rows too. */
const storedGroups: SceneLoader = {
  async load(manager, submissions) {
    const groups = new Map<string, GroupOfMember[]>();
    for (const [connectionId, some] of Map.groupBy(submissions, (each) => each.statement.connectionId)) {
      const ids = some.map(({ statement }) => statement.identityId ?? '');
      for (const [id, of] of await readGroupsOf(manager, connectionId, ids)) groups.set(id, of);
    }
    return groups;
  },
};

/** Brings the fact `groups` of a person in line with the groups that they are a member of. */
export function followGroups(of: Followed, identityId: string, pending: PendingGroup | null): Submission {
  const { tenantId, connectionId, actor, runId } = of;
  const statement: Statement = {
    connectionId,
    voice: 'push',
    at: 0,
    newest: true,
    externalId: null,
    subject: null,
    identityId,
    guarded: true,
    fields: {},
    overage: [],
    complete: false,
    partial: true,
  };
  return {
    tenantId,
    statement,
    beside: storedGroups,
    draft: ({ policy, extra }) => {
      const stored = (extra as Map<string, GroupOfMember[]>).get(identityId) ?? [];
      const groups = pending ? stored.filter(({ id }) => id !== pending.id) : [...stored];
      if (pending?.isMember(identityId)) groups.push(pending);
      return { statement: { ...statement, fields: { groups: namesOf(groups, policy.mapping.groupKey) } } };
    },
    purpose: 'push',
    via: 'scim',
    actor,
    runId,
  };
}

/** What the rules call these groups, each once and in one order. */
function namesOf(groups: readonly GroupOfMember[], key: 'displayName' | 'externalId'): string[] {
  return [...new Set(groups.flatMap((group) => group[key] ?? []))].sort();
}
