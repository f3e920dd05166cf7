import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ConnectionEntity } from '../../src/records/connections/connection.entity.js';
import { IdentityEntity } from '../../src/records/users/identity.entity.js';
import { seedFullConnection } from '../support/seed-customer.js';
import { SentStream, toLines } from '../support/send-stream.js';
import { HandClock, SessionWorld } from '../support/session-world.js';
import { startApp, type TestApp } from '../support/start-app.js';

describe('a stream of a user', () => {
  let rollcall: TestApp;
  let clock: HandClock;
  let world: SessionWorld;
  let connectionId: string;
  let userId: string;
  let sessionId: string;
  let stream: SentStream;

  beforeAll(async () => {
    rollcall = await startApp();
    clock = new HandClock(rollcall);
  });
  afterAll(() => rollcall.stop());
  beforeEach(async () => {
    clock.offset = 0;
    world = await new SessionWorld(rollcall, clock).build();
    await world.addRole('pusher', ['users:sync']);
    connectionId = await seedFullConnection(rollcall, world.tenantId, { allowedRoles: ['editor'] });
    const user = await world.addUser('pusher');
    ({ userId } = user);
    const { session, accessToken } = await world.open(user);
    sessionId = session.id;
    stream = new SentStream(rollcall.http.as(accessToken), `?connection=${connectionId}`);
    await stream.write(lines(600));
    while (!(await rollcall.database.read.existsBy(IdentityEntity, { connectionId })))
      await new Promise((resolve) => setTimeout(resolve, 20));
  });

  const lines = (count: number) => toLines(Array.from({ length: count }, (_, n) => ({ externalId: `s-${n}` })));

  /** It is looked at each second, before a chunk is begun. */
  const goOn = async () => {
    let isOver = false;
    void stream.answer.then(() => (isOver = true));
    while (!isOver) {
      await stream.write(lines(500));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const { status, body } = await stream.answer;
    stream.cut();
    return [status, body.code];
  };

  it('ends when the role is taken from them', async () => {
    await world.set('DELETE FROM grants WHERE userId = ?', [userId]);
    expect(await goOn()).toEqual([403, 'forbidden']);
  });

  it('ends when the role is blocked for them', async () => {
    await world.block(userId, 'pusher');
    expect(await goOn()).toEqual([403, 'forbidden']);
  });

  it('ends with their session', async () => {
    await world.set('UPDATE sessions SET expiresAt = ? WHERE id = ?', [clock.now() - 1, sessionId]);
    expect(await goOn()).toEqual([401, 'unauthenticated']);
  });

  it('ends when the connection begins to grant what they do not hold', async () => {
    await world.addRole('boss', ['connections:trust']);
    const settings = await rollcall.database.read.findOneByOrFail(ConnectionEntity, { id: connectionId });
    const more = { ...settings.settings, allowPrivileged: true, allowedRoles: ['boss'] };
    await world.set('UPDATE connections SET settings = ?, version = version + 1 WHERE id = ?', [
      JSON.stringify(more),
      connectionId,
    ]);
    expect(await goOn()).toEqual([403, 'may_not_grant']);
  });
});
