import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Leases } from '../../src/platform/leases.js';
import { ReplanChunk } from '../../src/provisioning/replan-chunk.js';
import { ReplanService } from '../../src/provisioning/replan.service.js';
import { etag } from '../support/connection-words.js';
import { type Customer, LoginWorld } from '../support/login-world.js';

let world: LoginWorld;
beforeAll(async () => {
  world = await LoginWorld.start();
});
afterAll(() => world.stop());

const MAY = ['connections:read', 'connections:write', 'connections:trust', 'sync-runs:read', 'users:read'];
const adminOf = (customer: Customer) => customer.client(...MAY, 'reports:read', 'reports:write');

async function save(customer: Customer, patch: object): Promise<string> {
  const admin = await adminOf(customer);
  const path = `/connections/${customer.connectionId}`;
  const { body } = await admin.get<{ version: number }>(path);
  const saved = await admin.patch<{ replan: string }>(path, patch, etag(body.version));
  expect(saved.status).toBe(200);
  return saved.body.replan;
}

async function runOf(customer: Customer, id: string): Promise<{ status: string; counts: object }> {
  return (await (await adminOf(customer)).get<{ status: string; counts: object }>(`/sync-runs/${id}`)).body;
}

/** Nobody re-plans the connection until it is through. */
const withoutReplan = (customer: Customer, work: () => Promise<void>) =>
  world.rollcall.app.get(Leases).run(`replan:${customer.connectionId}`, 60_000, work);

const workThrough = () => world.rollcall.app.get(ReplanService).workThrough();
const RULES = { mapping: { roles: [{ id: 'all', when: 'true', grant: ['viewer', 'editor'] }] } };

/** u-1 is called `bob` by the provider, and is `ann` still: u-2 holds that name. */
async function swapName(acme: Customer): Promise<string> {
  await acme.login({ sub: 'u-2', preferred_username: 'bob' });
  await acme.login({ sub: 'u-1', preferred_username: 'ann' });
  const renamed = await acme.login({ sub: 'u-1', preferred_username: 'bob' });
  expect(renamed.status).toBe(200);
  return renamed.body.refresh_token;
}

async function namesOf(acme: Customer): Promise<string[]> {
  const users = await (await adminOf(acme)).get<{ items: { userName: string; roles: { key: string }[] }[] }>('/users');
  return users.body.items.map(({ userName, roles }) => [userName, ...roles.map(({ key }) => key)].join(' ')).sort();
}

describe('a re-plan of somebody whom the provider calls by the user name of another', () => {
  it('comes to its end, though the other is up to date by then, and so do those of other tenants', async () => {
    const acme = await world.addCustomer();
    const other = await world.addCustomer();
    await swapName(acme);
    await other.login({ preferred_username: 'eve' });
    const runs: [Customer, string][] = [];
    await withoutReplan(acme, async () => {
      runs.push([acme, await save(acme, RULES)]);
      expect((await acme.login({ sub: 'u-2', preferred_username: 'bob' })).body.user.roles).toEqual([
        'editor',
        'viewer',
      ]);
    });
    runs.push([other, await save(other, RULES)]);
    await workThrough();
    for (const [customer, id] of runs) expect((await runOf(customer, id)).status).toBe('finished');
    expect(await namesOf(acme)).toEqual(['ann editor viewer', 'bob editor viewer']);
  });

  it('leaves them the name that they had where the mapping is edited to read another claim', async () => {
    const acme = await world.addCustomer({ mapping: { attributes: { nick: 'claims.nick' } } as never });
    await acme.login({ sub: 'u-2', preferred_username: 'bob', nick: 'rob' });
    await acme.login({ sub: 'u-1', preferred_username: 'ann', nick: 'robert' });
    await withoutReplan(acme, async () => {
      await save(acme, { mapping: { userName: 'claims.nick' } });
      await acme.login({ sub: 'u-2', preferred_username: 'bob', nick: 'robert' });
    });
    await workThrough();
    expect(await namesOf(acme)).toEqual(['ann editor', 'robert editor']);
  });

  it('is no hindrance to a refresh of their session', async () => {
    const acme = await world.addCustomer();
    const refreshToken = await swapName(acme);
    await withoutReplan(acme, async () => {
      await save(acme, RULES);
      const refreshed = await world.rollcall.http.post('/auth/refresh', { refresh_token: refreshToken });
      expect(refreshed.status).toBe(200);
    });
    expect(await namesOf(acme)).toEqual(expect.arrayContaining(['ann editor viewer']));
  });
});

describe('a re-plan that fails', () => {
  it('is no hindrance to those of other connections', async () => {
    const acme = await world.addCustomer();
    const other = await world.addCustomer();
    await acme.login({ preferred_username: 'ann' });
    await other.login({ preferred_username: 'eve' });
    const chunk = world.rollcall.app.get(ReplanChunk);
    const apply = chunk.apply.bind(chunk);
    chunk.apply = (policy, ...rest) =>
      policy.id === acme.connectionId ? Promise.reject(new Error('A fault of ours.')) : apply(policy, ...rest);
    try {
      const failing = await save(acme, RULES);
      const id = await save(other, RULES);
      await workThrough();
      expect((await runOf(acme, failing)).status).toBe('running');
      expect((await runOf(other, id)).status).toBe('finished');
    } finally {
      chunk.apply = apply;
    }
  });
});

describe('a refresh that plans its user first', () => {
  it('does so anew when the rules are saved again in between', async () => {
    const acme = await world.addCustomer();
    const { body } = await acme.login({ preferred_username: 'ann' });
    const chunk = world.rollcall.app.get(ReplanChunk);
    const plan = chunk.plan.bind(chunk);
    await withoutReplan(acme, async () => {
      await save(acme, RULES);
      const spy = jest.spyOn(chunk, 'plan').mockImplementationOnce(async (...given) => {
        const planned = await plan(...given);
        await save(acme, { mapping: { roles: [{ id: 'one', when: 'true', grant: ['viewer'] }] } });
        return planned;
      });
      const refreshed = await world.rollcall.http.post('/auth/refresh', { refresh_token: body.refresh_token });
      spy.mockRestore();
      expect(refreshed.status).toBe(200);
    });
    expect(await namesOf(acme)).toEqual(['ann viewer']);
  });
});
