import { Directory } from '../../src/plan/directory.js';
import { compileMapping } from '../../src/plan/mapping.js';
import type { MappingJson, MatchJson } from '../../src/plan/mapping-shape.js';
import type { FormerUser } from '../../src/plan/former-user.js';
import type { Outcome } from '../../src/plan/outcome.js';
import type { Person } from '../../src/plan/person.js';
import { planReplan, planStatement } from '../../src/plan/plan.js';
import type { ConnectionPolicy, PlanContext } from '../../src/plan/policy.js';
import { readToken } from '../../src/plan/read-token.js';
import type { Json, Statement } from '../../src/plan/statement.js';

export const TENANT = 'tenant-1';
export const NOW = 1_000_000_000;

export const ROLES: ReadonlyMap<string, { privileged: boolean }> = new Map([
  ['viewer', { privileged: false }],
  ['editor', { privileged: false }],
  ['billing', { privileged: false }],
  ['owner', { privileged: true }],
]);

export type PolicyChanges = Partial<Omit<ConnectionPolicy, 'mapping'>> & {
  mapping?: MappingJson;
  subject?: string;
  match?: MatchJson[];
};

/** A connection `a` that may grant viewer and editor; editor goes to the group engineering. */
export function makePolicy(changes: PolicyChanges = {}): ConnectionPolicy {
  const { mapping, subject = 'claims.sub', match = [], ...rest } = changes;
  const plain = {
    id: 'a',
    tenantId: TENANT,
    name: 'Acme',
    authority: 'push-first' as const,
    mappingVersion: 1,
    allowedRoles: new Set(['viewer', 'editor']),
    allowedEntitlements: ['report:*'],
    allowPrivileged: false,
    createUsers: true,
    authoritativeDomains: [],
    emailVerified: 'claim' as const,
    roles: ROLES,
    ...rest,
  };
  const { compiled, faults } = compileMapping(
    {
      userName: 'claims.preferred_username',
      email: 'claims.email',
      displayName: 'claims.name',
      groups: 'claims.groups',
      roles: [{ id: 'eng', when: "'engineering' in claims.groups", grant: ['editor'] }],
      ...mapping,
    },
    { ...plain, subject, match },
  );
  if (!compiled) throw new Error(JSON.stringify(faults));
  return { ...plain, mapping: compiled };
}

/** A tenant with its connections and a directory that stands for the database: what is planned is kept. */
export class World {
  readonly policies = new Map<string, ConnectionPolicy>();
  readonly people = new Map<string, Person>();
  readonly traces: { connectionId: string; subject: string; notBefore: number }[] = [];
  readonly formers: { connectionId: string; name: string; former: FormerUser }[] = [];
  now = NOW;
  private ids = 0;

  constructor(...policies: ConnectionPolicy[]) {
    for (const policy of policies) this.policies.set(policy.id, policy);
  }

  get context(): PlanContext {
    return {
      now: this.now,
      newId: () => `id-${String(++this.ids).padStart(6, '0')}`,
      findPolicy: (id) => this.policies.get(id) ?? null,
    };
  }

  open(): Directory {
    const directory = new Directory();
    for (const person of this.people.values()) directory.load(person);
    for (const { connectionId, subject, notBefore } of this.traces) directory.forbid(connectionId, subject, notBefore);
    for (const { connectionId, name, former } of this.formers) directory.remember(connectionId, name, former);
    return directory;
  }

  /** Keeps what a directory changed, by its own account of it. */
  keep(directory: Directory): void {
    for (const { userId, after } of directory.changes(this.now)) {
      if (after) this.people.set(userId, after);
      else this.people.delete(userId);
    }
  }

  apply(statement: Statement): Outcome {
    const directory = this.open();
    const purpose = statement.voice === 'token' ? 'login' : 'push';
    const outcome = planStatement(directory, statement, this.policy(statement.connectionId), this.context, purpose);
    this.keep(directory);
    return { ...outcome, person: this.people.get(outcome.userId ?? '') ?? null };
  }

  push(externalId: string, fields: Record<string, Json>, more: Partial<Statement> = {}): Outcome {
    return this.apply(pushOf(externalId, fields, { at: this.now, ...more }));
  }

  login(claims: Record<string, Json>, more: Partial<Statement> = {}): Outcome {
    return this.apply(this.tokenOf(claims, more));
  }

  tokenOf(claims: Record<string, Json>, more: Partial<Statement> = {}): Statement {
    const policy = this.policy(more.connectionId ?? 'a');
    const { faults, ...reading } = readToken(policy.mapping, claims, {
      emailVerified: policy.emailVerified,
      now: this.now,
    });
    if (faults.length > 0) throw new Error(JSON.stringify(faults));
    return { connectionId: policy.id, voice: 'token', at: this.now, newest: false, ...reading, ...more };
  }

  replan(userId: string, connectionId = 'a'): Outcome[] {
    const directory = this.open();
    const outcomes = planReplan(directory, userId, this.policy(connectionId), this.context);
    this.keep(directory);
    return outcomes;
  }

  edit(changes: PolicyChanges): void {
    const id = changes.id ?? 'a';
    this.policies.set(id, makePolicy({ ...changes, id }));
  }

  person(userId: string | null): Person {
    const person = this.people.get(userId ?? '');
    if (!person) throw new Error(`no person ${userId}`);
    return person;
  }

  change(userId: string | null, edit: (person: Person) => Person): void {
    const person = edit(this.person(userId));
    this.people.set(person.user.id, person);
  }

  private policy(id: string): ConnectionPolicy {
    const policy = this.policies.get(id);
    if (!policy) throw new Error(`no connection ${id}`);
    return policy;
  }
}

export function pushOf(
  externalId: string | null,
  fields: Record<string, Json>,
  more: Partial<Statement> = {},
): Statement {
  return {
    connectionId: 'a',
    voice: 'push',
    at: NOW,
    newest: false,
    externalId,
    subject: null,
    fields,
    overage: [],
    complete: false,
    ...more,
  };
}

/** `editor by eng`, for all that the person's rows say. */
export function grantsOf(person: Person | null): string[] {
  return (person?.grants ?? [])
    .map((grant) => `${grant.key} by ${grant.source === 'admin' ? 'admin' : `${grant.connectionId}/${grant.rule}`}`)
    .sort();
}
