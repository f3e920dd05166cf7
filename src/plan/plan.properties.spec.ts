import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { grantsOf, makePolicy, NOW, pushOf, ROLES, World } from '../../test/support/plan-world.js';
import { Directory } from './directory.js';
import { effectiveHoldings } from './holdings.js';
import type { BlockState, GrantState, Person } from './person.js';
import { planStatement } from './plan.js';
import type { ConnectionPolicy } from './policy.js';
import type { Json, Statement } from './statement.js';

const LINKING = { authoritativeDomains: ['acme.com'] };
const SECOND = { ...LINKING, id: 'b' };
const roles = [
  { id: 'eng', when: "'g1' in claims.groups", grant: ['editor'], entitlements: ['report:1'] },
  { id: 'dep', when: "claims.department == 'R&D'", grant: ['viewer', 'owner', 'billing'] },
  { id: 'own', from: 'claims.app', map: { boss: 'owner', see: 'viewer' } },
];

const groups = fc.subarray(['g1', 'g2', 'viewer']);
const email = fc.constantFrom('ada@acme.com', 'bob@acme.com', null);
const pushed: fc.Arbitrary<Record<string, Json>> = fc.record(
  {
    userName: fc.constantFrom('ada', 'bob', 'ADA'),
    email,
    emailVerified: fc.boolean(),
    active: fc.boolean(),
    groups,
    roles: fc.subarray(['viewer', 'editor']),
    entitlements: fc.subarray(['report:1', 'report:2']),
    'attributes.department': fc.constantFrom('R&D', 'Sales', null),
  },
  { requiredKeys: [] },
);
const claimed: fc.Arbitrary<Record<string, Json>> = fc.record(
  {
    preferred_username: fc.constantFrom('ada', 'bob', 'Eve'),
    email,
    email_verified: fc.boolean(),
    groups: fc.oneof(groups, fc.constant('g1')),
    department: fc.constantFrom('R&D', 'Sales'),
    app: fc.subarray(['boss', 'see', 'other']),
    hasgroups: fc.boolean(),
  },
  { requiredKeys: [] },
);
const step = fc.oneof(
  fc.record({
    kind: fc.constant('push' as const),
    on: fc.constantFrom('a', 'b'),
    who: fc.constantFrom('u-1', 'u-2'),
    fields: pushed,
  }),
  fc.record({
    kind: fc.constant('login' as const),
    on: fc.constantFrom('a', 'b'),
    who: fc.constantFrom('s-1', 's-2'),
    fields: claimed,
  }),
);
const steps = fc.array(fc.tuple(step, fc.integer({ min: -3, max: 5 })), { minLength: 1, maxLength: 10 });
const policies = fc
  .record({
    authority: fc.constantFrom('push-first' as const, 'newest' as const, 'token-first' as const),
    strict: fc.boolean(),
    whenAbsent: fc.constantFrom('keep' as const, 'clear' as const),
    allowedRoles: fc
      .subarray(['viewer', 'editor', 'owner', 'billing'])
      .map((some) => new Set(['viewer', 'editor', ...some])),
    allowPrivileged: fc.boolean(),
  })
  .map(({ strict, whenAbsent, ...rest }): ConnectionPolicy[] => {
    const match = [{ claim: 'preferred_username', field: 'userName' as const }];
    const mapping = { strict, whenAbsent, roles };
    return [makePolicy({ ...rest, ...LINKING, match, mapping }), makePolicy({ ...rest, ...SECOND, match, mapping })];
  });

type Drawn<A> = A extends fc.Arbitrary<infer T> ? T : never;

function toStatement(world: World, { kind, on, who, fields }: Drawn<typeof step>, shift: number): Statement {
  const at = world.now + shift;
  if (kind === 'push') return pushOf(who, fields, { connectionId: on, at });
  return world.tokenOf({ ...fields, sub: who }, { connectionId: on, at });
}
type Seen = { before: Map<string, Person>; after: Map<string, Person>; statement: Statement; result: string };

/** Plays the steps, and shows each one's before and after. */
function play(given: Drawn<typeof steps>, made: ConnectionPolicy[], look: (seen: Seen, world: World) => void): void {
  const world = new World(...made);
  for (const [one, shift] of given) {
    world.now += 2;
    const before = new Map(world.people);
    const statement = toStatement(world, one, shift);
    const { result } = world.apply(statement);
    look({ before, after: new Map(world.people), statement, result }, world);
    decide(world);
  }
}

/** An admin's words, on everybody there is. */
function decide(world: World): void {
  for (const person of Array.from(world.people.values())) {
    if (person.blocks.length > 0) continue;
    const cover: GrantState = {
      kind: 'role',
      key: 'billing',
      since: NOW,
      source: 'admin',
      adminId: 'x',
      reason: null,
      until: null,
    };
    const block: BlockState = { kind: 'role', key: 'editor', adminId: 'x', reason: null, since: NOW, until: null };
    world.change(person.user.id, () => ({ ...person, grants: [...person.grants, cover], blocks: [block] }));
  }
}

const all = (look: (seen: Seen, world: World) => void): void => {
  fc.assert(
    fc.property(steps, policies, (given, made) => play(given, made, look)),
    { numRuns: 300 },
  );
};

describe('properties of the plan', () => {
  it('no statement of a connection changes what another or an admin gave', () => {
    const others = (person: Person | undefined, connectionId: string): GrantState[] =>
      (person?.grants ?? []).filter((grant) => grant.source === 'admin' || grant.connectionId !== connectionId);
    all(({ before, after, statement }) => {
      for (const [id, person] of before) {
        expect(others(after.get(id), statement.connectionId)).toEqual(others(person, statement.connectionId));
        expect(after.get(id)?.blocks).toBe(person.blocks);
      }
    });
  });

  it('a token neither switches on nor off', () => {
    all(({ before, after, statement }) => {
      if (statement.voice !== 'token') return;
      for (const [id, person] of before) {
        for (const identity of person.identities) {
          expect(after.get(id)?.identities.find((one) => one.id === identity.id)).toMatchObject({
            active: identity.active,
          });
        }
      }
    });
  });

  it('a stale record changes nothing', () => {
    all(({ before, after, statement, result }) => {
      if (result === 'stale' && statement.voice === 'push') expect(after).toEqual(before);
    });
  });

  it('a refused login or a failed record changes nothing, but for a known person whom strict refuses', () => {
    all(({ before, after, result }, world) => {
      if (result === 'failed') expect(after).toEqual(before);
      if (result !== 'refused') return;
      expect([...after.keys()]).toEqual([...before.keys()]);
      if (![...world.policies.values()].some(({ mapping }) => mapping.strict)) expect(after).toEqual(before);
    });
  });

  it('ceilings are never exceeded', () => {
    all(({ after }, world) => {
      for (const person of after.values()) {
        for (const grant of person.grants) {
          if (grant.source === 'admin' || grant.kind !== 'role') continue;
          const policy = world.policies.get(grant.connectionId);
          expect(policy?.allowedRoles.has(grant.key)).toBe(true);
          expect(policy?.allowPrivileged || ROLES.get(grant.key)?.privileged === false).toBe(true);
        }
      }
    });
  });

  it('blocks win, whoever grants', () => {
    all(({ after }, world) => {
      for (const person of after.values()) {
        for (const { kind, key, effective } of effectiveHoldings(person, world.now)) {
          if (person.blocks.some((block) => block.kind === kind && block.key === key)) expect(effective).toBe(false);
        }
      }
    });
  });

  it('strict leaves nothing behind for unknown persons', () => {
    all(({ before, after, result }) => {
      if (result === 'refused') expect(after.size).toBe(before.size);
    });
  });

  it('the same statement again changes nothing that anybody is told of, and a record without a time nothing at all', () => {
    fc.assert(
      fc.property(steps, policies, (given, made) => {
        const world = new World(...made);
        for (const [one, shift] of given) {
          world.now += 2;
          const statement = { ...toStatement(world, one, shift), newest: one.kind === 'push' };
          world.apply(statement);
          const directory = world.open();
          const policy = world.policies.get(one.on) as ConnectionPolicy;
          planStatement(directory, statement, policy, world.context, one.kind);
          const changes = directory.changes(world.now);
          if (one.kind === 'push') expect(changes).toEqual([]);
          expect(changes.filter(({ quiet }) => !quiet)).toEqual([]);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('a re-plan under the same policy changes nothing, but for a user name that was taken and is free by now', () => {
    all((_, world) => {
      for (const person of Array.from(world.people.values())) {
        for (const id of ['a', 'b']) world.replan(person.user.id, id);
        const after = world.person(person.user.id);
        expect(after.grants).toBe(person.grants);
        const { userName, version, updatedAt } = person.user;
        expect({ ...after.user, userName, version, updatedAt }).toEqual(person.user);
        expect(after.identities.map(({ facts }) => facts)).toEqual(person.identities.map(({ facts }) => facts));
      }
    });
  });

  it('a batch ends as its statements one by one do', () => {
    fc.assert(
      fc.property(steps, policies, (given, made) => {
        const [single, batch] = [new World(...made), new World(...made)];
        const statements = given.map(([one, shift]) => toStatement(single, one, shift));
        const results = statements.map((statement) => single.apply(statement).result);
        const directory = new Directory();
        const context = batch.context;
        const planned = statements.map((statement) => {
          const policy = batch.policies.get(statement.connectionId) as ConnectionPolicy;
          return planStatement(directory, statement, policy, context, statement.voice === 'token' ? 'login' : 'push')
            .result;
        });
        batch.keep(directory);
        expect(planned).toEqual(results);
        const shape = (world: World): unknown =>
          [...world.people.values()].map((person) => [
            person.user.userName,
            person.user.email,
            person.user.attributes,
            grantsOf(person),
          ]);
        expect(shape(batch)).toEqual(shape(single));
      }),
      { numRuns: 300 },
    );
  });
});
