import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { people, RemovalsWorld } from '../support/removals-world.js';
import { sendStream, toLines } from '../support/send-stream.js';
import { startApp, type TestApp } from '../support/start-app.js';

const off = { active: false };
let rollcall: TestApp;
let world: RemovalsWorld;
beforeAll(async () => {
  rollcall = await startApp();
});
afterAll(() => rollcall.stop());
beforeEach(async () => {
  world = await RemovalsWorld.build(rollcall);
});

const stream = (users: readonly object[], query = '') =>
  sendStream(world.admin, toLines(users), `?connection=${world.connectionId}${query}`);

describe('the safety catch counts', () => {
  it('each user once, however many records of a run take something from them', async () => {
    await world.push(people(20));
    const twice = [...people(2, off), ...people(2, { ...off, displayName: 'Gone' })];
    expect((await stream(twice)).body).toMatchObject({ status: 'finished', counts: { held: 0 } });
    expect(await world.active()).toHaveLength(18);
  });

  it.each(['stream', 'json'])('the people of the scope alone, where an upsert names one (%s)', async (form) => {
    await world.push(people(20), { scope: 'hr' });
    await world.push(people(100, {}, 20), { scope: 'it' });
    const leaving = people(4, off);
    const { body } = form === 'json' ? await world.push(leaving, { scope: 'hr' }) : await stream(leaving, '&scope=hr');
    expect(body.counts).toMatchObject({ held: 4, deactivated: 0 });
    expect((await world.run(body.run)).body.error).toMatch(/switch off 4 .* of 20 people/);
  });
});

describe('a snapshot that is held, and could not say who is missing', () => {
  it('tells both', async () => {
    await stream(people(20), '&mode=snapshot');
    const lines = [...people(16), ...people(3, off, 16), { userName: 'nobody' }];
    const { body } = await stream(lines, '&mode=snapshot');
    expect(body).toMatchObject({
      status: 'held',
      missing: 0,
      error: expect.stringMatching(/switch off 3 .* record 20 does not say/),
    });
    expect(await world.active()).toHaveLength(20);
  });
});
