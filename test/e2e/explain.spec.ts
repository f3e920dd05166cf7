import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MINUTE } from '../../src/platform/clock.js';
import { selectRows } from '../../src/platform/sql.js';
import { type Customer, type CustomerSettings, LoginWorld } from '../support/login-world.js';
import { makeIdpKey } from '../support/signed-tokens.js';

let world: LoginWorld;

beforeAll(async () => {
  world = await LoginWorld.start();
});
afterAll(() => world.stop());

interface Explained {
  ok: boolean;
  checks: { check: string; ok: boolean; fault?: string }[];
  rules: { rule: string; result: string; saw: Record<string, unknown>; gives: { key: string }[] }[];
  plan: {
    result: string;
    problem?: { code: string };
    user: { id: string | null; roles: string[]; displayName: string | null } | null;
    granted: Held[];
    revoked: Held[];
  } | null;
}

interface Held {
  kind: string;
  key: string;
  rule: string | null;
}

async function explain(acme: Customer, body: Record<string, unknown>): Promise<Explained> {
  const http = await acme.client('connections:read');
  const answer = await http.post<Explained & Record<string, unknown>>(
    `/connections/${acme.connectionId}/explain`,
    body,
  );
  if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
  return answer.body;
}

/** Everything that the tenant has, but for its keys. */
async function snapshot(acme: Customer): Promise<string> {
  const tables = ['users', 'identities', 'grants', 'sessions', 'events'];
  const texts: string[] = [];
  // In an order of its own: a server gives rows in the order of whatever index it thinks best that moment.
  const keep = (rows: readonly object[]) => texts.push(...rows.map(toText).sort());
  for (const table of tables) {
    keep(await selectRows(world.rollcall.database.read, `SELECT * FROM ${table} WHERE tenantId = ?`, [acme.tenantId]));
  }
  return texts.join('\n');
}

const toText = (row: object) =>
  JSON.stringify(row, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));

const keysOf = (held: readonly Held[]) => held.map(({ kind, key, rule }) => `${kind} ${key} ${rule}`).sort();

async function grantsOf(acme: Customer): Promise<string[]> {
  const rows = await selectRows(
    world.rollcall.database.read,
    'SELECT kind, heldKey, rule FROM grants WHERE tenantId = ? AND connectionId = ?',
    [acme.tenantId, acme.connectionId],
  );
  return keysOf(rows.map((row) => ({ kind: String(row.kind), key: String(row.heldKey), rule: String(row.rule) })));
}

describe('POST /connections/{id}/explain', () => {
  it('shows every check, every rule with what it saw, and the plan of a login; and writes nothing', async () => {
    const acme = await world.addCustomer();
    const before = await snapshot(acme);
    const told = await explain(acme, { token: acme.token({ name: 'Ada' }) });
    expect(told.ok).toBe(true);
    expect(told.checks.map(({ check }) => check)).toEqual(
      expect.arrayContaining(['form', 'iss', 'aud', 'exp', 'signature']),
    );
    expect(told.rules).toMatchObject([
      { rule: 'eng', result: 'true', saw: { groups: ['engineering'] }, gives: [{ key: 'editor' }] },
    ]);
    expect(told.plan).toMatchObject({
      result: 'created',
      user: { id: null, roles: ['editor'] },
      granted: [{ key: 'editor' }],
    });
    expect(await snapshot(acme)).toBe(before);
  });

  it('goes on after a failed check and names each with the reason of the ledger', async () => {
    const acme = await world.addCustomer();
    const token = acme.token({ aud: 'shop', exp: 1, sub: '' }, {}, makeIdpKey('RS256', 'k1'));
    const told = await explain(acme, { token });
    const faults = told.checks.flatMap(({ fault }) => fault ?? []);
    expect(told.ok).toBe(false);
    expect(faults).toEqual(
      expect.arrayContaining(['audience_mismatch', 'subject_invalid', 'exp_passed', 'signature_invalid']),
    );
  });

  it('tells of a replay, an unreadable token and a connection that is off', async () => {
    const acme = await world.addCustomer();
    const token = acme.token();
    await world.login(token);
    expect((await explain(acme, { token })).checks).toContainEqual(
      expect.objectContaining({ fault: 'token_replayed' }),
    );
    expect(await explain(acme, { token: 'x' })).toMatchObject({
      ok: false,
      plan: null,
      checks: [{ check: 'form', ok: false }],
    });
    const off = await world.addCustomer({
      login: { enabled: false, createUsers: true, subject: 'claims.sub', match: [], maxSessionSeconds: 100 },
    });
    expect((await explain(off, { token: off.token() })).checks).toContainEqual(
      expect.objectContaining({ fault: 'connection_off' }),
    );
  });

  it('takes bare claims; needs exactly one of the two, the permission and the own tenant', async () => {
    const [acme, bolt] = [await world.addCustomer(), await world.addCustomer()];
    expect((await explain(acme, { claims: acme.claims() })).plan).toMatchObject({ result: 'created' });
    const http = await acme.client('connections:read');
    const path = `/connections/${acme.connectionId}/explain`;
    expect((await http.post(path, {})).status).toBe(400);
    expect((await http.post(path, { token: 'x', claims: {} })).status).toBe(400);
    // Expressions over them cost what is known of tokens alone (E9).
    const large = await http.post(path, { claims: { sub: 'x', text: 'a'.repeat(65_536) } });
    expect(large).toMatchObject({ status: 400, body: { faults: [{ pointer: '/claims' }] } });
    expect((await (await acme.client('users:read')).post(path, { claims: {} })).status).toBe(403);
    const bound = await world.rollcall.clientWith(acme.tenantId, ['connections:read'], bolt.connectionId);
    for (const stranger of [await bolt.client('connections:read'), bound]) {
      expect((await stranger.post(path, { claims: {} })).status).toBe(404);
    }
  });
});

const groups = fc.option(fc.uniqueArray(fc.constantFrom('engineering', 'sales', 'ops'), { maxLength: 3 }), {
  nil: undefined,
});
const claims = fc.record({
  sub: fc.constantFrom('u-1', 'u-2', 'u-3'),
  groups,
  preferred_username: fc.option(fc.constantFrom('ada', 'ADA', 'bob', ''), { nil: undefined }),
  name: fc.option(fc.oneof(fc.string({ maxLength: 12 }), fc.constant(7)), { nil: undefined }),
  hasgroups: fc.option(fc.boolean(), { nil: undefined }),
  level: fc.option(fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constant('high')), { nil: undefined }),
});
const absence = fc.constantFrom('keep' as const, 'clear' as const, 'deny' as const);
const mapping = fc.record({
  strict: fc.boolean(),
  whenAbsent: absence,
  whenOverage: absence,
  roles: fc.subarray([
    { id: 'eng', when: "'engineering' in claims.groups", grant: ['editor'] },
    { id: 'level', when: 'claims.level > 5', grant: ['viewer'], entitlements: ['report:high'] },
    { id: 'map', from: 'claims.groups', map: { sales: 'viewer', ops: 'admin' } },
  ]),
});
const settings = fc.record({ allowedRoles: fc.subarray(['viewer', 'editor', 'admin']), createUsers: fc.boolean() });

describe('E10 explain and login', () => {
  it('E10 what explain plans for random claims and mappings is what the login then does, and explaining writes nothing', async () => {
    const acme = await world.addCustomer();
    const step = fc.record({ claims, mapping, settings });
    await fc.assert(
      fc.asyncProperty(step, async ({ claims: said, mapping: rules, settings: more }) => {
        const { createUsers, allowedRoles } = more;
        const login = { enabled: true, createUsers, subject: 'claims.sub', match: [], maxSessionSeconds: 43_200 };
        await acme.save({ allowedRoles, login, mapping: rules } as CustomerSettings);
        // A minute each: of one reason and minute the ledger holds only so many rows.
        world.clock.pass(MINUTE);
        const token = acme.token(said);
        const before = await snapshot(acme);
        const held = await grantsOf(acme);
        const told = await explain(acme, { token });
        expect(await snapshot(acme)).toBe(before);
        const answer = await world.login(token);
        expect(told.ok).toBe(answer.status === 200);
        const after = await grantsOf(acme);
        const person = told.plan?.user?.id ?? null;
        const plan = told.plan;
        if (!plan) throw new Error('a readable token has a plan');
        // Others may hold the same by the same rule: of each revoked one, one goes.
        const expected = [...held, ...keysOf(plan.granted)];
        for (const each of keysOf(plan.revoked)) expected.splice(expected.indexOf(each), 1);
        if (told.checks.every(({ ok }) => ok)) expect(after.sort()).toEqual(expected.sort());
        if (answer.status === 200) {
          expect(answer.body.user.roles.concat(answer.body.user.withheld).sort()).toEqual(
            [...(plan.user?.roles ?? [])].sort(),
          );
          if (person !== null) expect(answer.body.user.id).toBe(person);
        } else {
          const reason = (await acme.refusals()).at(-1);
          const faults = told.checks.flatMap(({ fault }) => fault ?? []);
          if (reason !== undefined) expect([...faults, plan.problem?.code]).toContain(reason);
        }
      }),
      { numRuns: process.env.TEST_ENGINE === 'mysql' ? 25 : 60 },
    );
  });
});
