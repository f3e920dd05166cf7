import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { ProvisioningService } from '../../src/provisioning/provisioning.service.js';
import { type Customer, LoginWorld } from '../support/login-world.js';

let world: LoginWorld;
let acme: Customer;

beforeAll(async () => {
  world = await LoginWorld.start();
  acme = await world.addCustomer();
});
afterAll(() => world.stop());

let count = 0;
const people = (size: number) => Array.from({ length: size }, () => ({ externalId: `p-${++count}` }));

/** How many records each transaction of a push had. */
async function chunksOf(size: number): Promise<number[]> {
  const submit = jest.spyOn(world.rollcall.app.get(ProvisioningService), 'submitChunk');
  try {
    const job = await acme.client('users:sync');
    const answer = await job.post<{ counts: object }>('/users/sync', people(size));
    expect(answer).toMatchObject({ status: 200, body: { counts: { created: size } } });
    return submit.mock.calls.map(([, submissions]) => submissions.length);
  } finally {
    submit.mockRestore();
  }
}

describe('a push', () => {
  it('is written in large pieces while nobody logs in', async () => {
    expect((await chunksOf(1100)).sort((a, b) => b - a)).toEqual([500, 500, 100]);
  });

  it('of what fits one transaction is one, though people log in', async () => {
    await acme.login();
    expect(await chunksOf(300)).toEqual([300]);
  });

  it('of more is written in small pieces while people log in', async () => {
    await acme.login();
    const pieces = await chunksOf(600);
    expect(Math.max(...pieces)).toBe(100);
    expect(pieces.reduce((sum, one) => sum + one, 0)).toBe(600);
  });
});
