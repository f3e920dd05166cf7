import { afterAll, beforeAll, expect, it, describe } from '@jest/globals';
import fc from 'fast-check';
import { formatTime } from '../../src/platform/clock.js';
import { IdentityEntity } from '../../src/records/users/identity.entity.js';
import type { HttpClient } from '../support/http-client.js';
import { seedCustomer, seedFullConnection } from '../support/seed-customer.js';
import { sendStream, toLines } from '../support/send-stream.js';
import { startApp, type TestApp } from '../support/start-app.js';

interface Known {
  scope: string;
  missingAt: number | null;
  /** When the record that counts was true. */
  statedAt: number;
  /** Of the last word of any push that named them, though it said nothing new. */
  namedAt: number;
  /** Of the last snapshot that found them missing: what is no newer could be overruled by that until it was said again. */
  waitedAt: number;
}

const ids = ['a', 'b', 'c', 'd', 'e', 'f'];
const steps = fc.array(
  fc.record({
    isSnapshot: fc.boolean(),
    scope: fc.constantFrom('hr', 'it'),
    named: fc.subarray(ids),
    asJson: fc.boolean(),
    /** So many steps back is the moment of which it speaks; null: it says none. */
    back: fc.option(fc.integer({ min: 0, max: 3 })),
  }),
  { minLength: 8, maxLength: 14 },
);

/** The rules of snapshots in a few lines, for any order of pushes. */
class Model {
  readonly people = new Map<string, Known>();

  push(named: readonly string[], scope: string, at: number | null, now: number): void {
    const moment = at ?? now;
    for (const id of named) {
      const one = this.people.get(id);
      if (!one) this.people.set(id, { scope, missingAt: null, statedAt: moment, namedAt: moment, waitedAt: 0 });
      else this.state(one, scope, at, now);
    }
  }

  /** `isHeld`: they are found missing, and an admin has not agreed. */
  miss(named: readonly string[], scope: string, at: number, isHeld: boolean): void {
    for (const [id, one] of this.people) {
      const isKnownSince = Math.max(one.statedAt, one.missingAt ?? 0) > at || one.namedAt >= at;
      if (one.scope !== scope || one.missingAt !== null || named.includes(id) || isKnownSince) continue;
      one.waitedAt = Math.max(one.waitedAt, at);
      if (!isHeld) one.missingAt = at;
    }
  }

  private state(one: Known, scope: string, at: number | null, now: number): void {
    one.namedAt = Math.max(one.namedAt, at ?? now);
    if (at !== null && one.statedAt > at) return;
    const returns = one.missingAt !== null && one.missingAt <= (at ?? now);
    // What says nothing new, and no time of its own, moves no time, unless it holds against what waited.
    if (at !== null || returns || one.statedAt <= one.waitedAt) one.statedAt = at ?? now;
    if (returns) one.missingAt = null;
    one.scope = scope;
  }
}

describe('pushes and snapshots of two scopes', () => {
  let rollcall: TestApp;
  beforeAll(async () => {
    rollcall = await startApp();
  });
  afterAll(() => rollcall.stop());

  async function send(
    key: HttpClient,
    step: { asJson: boolean; isSnapshot: boolean },
    query: Record<string, string>,
    users: object[],
  ) {
    const mode = step.isSnapshot ? 'snapshot' : 'upsert';
    if (step.asJson) return key.post('/users/sync', { users, mode, ...query });
    return sendStream(key, toLines(users), `?${new URLSearchParams({ mode, ...query }).toString()}`);
  }

  it('in any order, of any moment, leave those active whom the rules leave', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const tenantId = await seedCustomer(rollcall);
        const connectionId = await seedFullConnection(rollcall, tenantId);
        const key = await rollcall.clientWith(tenantId, ['users:sync'], connectionId);
        const model = new Model();
        const moments: number[] = [];
        for (const step of all) {
          const now = Date.now() * 1000;
          moments.push(now);
          const at = step.back === null ? null : (moments.at(-1 - step.back) ?? null);
          const query = { scope: step.scope, ...(at === null ? {} : { statedAt: formatTime(at) }) };
          const users = step.named.map((id) => ({ externalId: id, userName: id }));
          // The clock tells milliseconds: each step has its own.
          await new Promise((resolve) => setTimeout(resolve, 3));
          const { status, body } = await send(key, step, query, users);
          if (status !== 200) throw new Error(JSON.stringify(body));
          const began = Date.now() * 1000;
          model.push(step.named, step.scope, at, began);
          // One that names nobody is held always.
          if (step.isSnapshot) model.miss(step.named, step.scope, at ?? now + 1, users.length === 0);
          const stored = await rollcall.database.read.findBy(IdentityEntity, { connectionId });
          const found = stored.map(({ externalId, active, scope }) => `${externalId} ${scope} ${active}`).sort();
          const expected = [...model.people].map(([id, one]) => `${id} ${one.scope} ${one.missingAt === null}`).sort();
          expect(found).toEqual(expected);
          await new Promise((resolve) => setTimeout(resolve, 3));
        }
      }),
      { numRuns: Number(process.env.SNAPSHOT_RUNS ?? 8), endOnFailure: true },
    );
  }, 120_000);
});
