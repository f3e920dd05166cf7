import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { decodeJwt } from 'jose';
import { SECOND } from '../../src/platform/clock.js';
import { hashRefreshToken } from '../../src/records/sessions/refresh-token.js';
import { HandClock, type OpenedSession, SessionWorld } from '../support/session-world.js';
import { startApp, type TestApp } from '../support/start-app.js';

interface Tokens {
  access_token: string;
  refresh_token: string;
  expires_in: number;
  token_type: string;
}

describe('POST /auth/refresh', () => {
  let rollcall: TestApp;
  let clock: HandClock;
  let world: SessionWorld;
  let who: { userId: string; identityId: string };
  let mine: OpenedSession;

  beforeAll(async () => {
    rollcall = await startApp({ REFRESH_IDLE_SECONDS: '3600', SESSION_MAX_SECONDS: '7200' });
    clock = new HandClock(rollcall);
  });
  afterAll(() => rollcall.stop());
  beforeEach(async () => {
    clock.offset = 0;
    world = await new SessionWorld(rollcall, clock).build();
    who = await world.addUser('editor');
    mine = await world.open(who);
  });

  const refresh = (token: string) => rollcall.http.post<Tokens>('/auth/refresh', { refresh_token: token });
  const works = async (accessToken: string) => (await rollcall.http.as(accessToken).get('/auth/me')).status === 200;
  const isOver = async (token: string) => {
    const answer = await refresh(token);
    expect(answer.status).toBe(401);
    expect(answer.body).toMatchObject({ code: 'session_over' });
  };

  it('answers a new access token and the next refresh token, and forbids to store them', async () => {
    const answer = await refresh(mine.refreshToken);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.body).toMatchObject({ token_type: 'Bearer', expires_in: 300 });
    expect(answer.body.refresh_token).not.toBe(mine.refreshToken);
    expect(decodeJwt(answer.body.access_token)).toMatchObject({ sid: mine.session.id, roles: ['editor'] });
    expect(await works(answer.body.access_token)).toBe(true);
    expect((await refresh(answer.body.refresh_token)).status).toBe(200);
  });

  it('F2 only hashes of refresh tokens are stored', async () => {
    const next = (await refresh(mine.refreshToken)).body.refresh_token;
    const read = (table: string) => rollcall.database.read.query<object[]>(`SELECT * FROM ${table}`);
    const stored = JSON.stringify([await read('sessions'), await read('used_refresh_tokens')]);
    for (const token of [next, mine.refreshToken]) {
      expect(stored).toContain(hashRefreshToken(token));
      expect(stored).not.toContain(token.slice(-43));
    }
  });

  it('F2 of 20 parallel uses exactly one rotates, and all get the same successor', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(mine.refreshToken)));
    expect(answers.map((answer) => answer.status)).toEqual(Array(20).fill(200));
    expect(new Set(answers.map((answer) => answer.body.refresh_token)).size).toBe(1);
    const [row] = await rollcall.database.read.query<{ count: number }[]>(
      'SELECT COUNT(*) AS count FROM used_refresh_tokens WHERE sessionId = ?',
      [mine.session.id],
    );
    expect(Number(row?.count)).toBe(1);
  });

  describe('beside something that happens once the token was read and judged', () => {
    afterEach(() => {
      jest.restoreAllMocks();
    });
    /** Does this before the next transaction. */
    const beforeRotation = (act: () => Promise<unknown>) => {
      const { database } = rollcall;
      const transaction = database.transaction.bind(database);
      jest.spyOn(database, 'transaction').mockImplementationOnce(async (work) => {
        await act();
        return transaction(work);
      });
    };

    it('F2 another use: both get the same successor, and one has rotated', async () => {
      const others: string[] = [];
      beforeRotation(async () => others.push((await refresh(mine.refreshToken)).body.refresh_token));
      const answer = await refresh(mine.refreshToken);
      expect(answer.status).toBe(200);
      expect(others).toEqual([answer.body.refresh_token]);
      expect((await refresh(answer.body.refresh_token)).status).toBe(200);
    });

    it('F4 the end of the session: no token is given any more', async () => {
      beforeRotation(() => rollcall.http.as(mine.accessToken).post('/auth/logout'));
      await isOver(mine.refreshToken);
      expect(await works(mine.accessToken)).toBe(false);
    });
  });

  it('F3 reuse inside the grace window returns the same successor', async () => {
    const first = (await refresh(mine.refreshToken)).body.refresh_token;
    clock.pass(8 * SECOND);
    expect((await refresh(mine.refreshToken)).body.refresh_token).toBe(first);
    expect((await refresh(first)).status).toBe(200);
  });

  it('F3 reuse after the grace window ends the session, is told in the ledger, and leaves other sessions', async () => {
    const other = await world.open(who);
    const next = (await refresh(mine.refreshToken)).body;
    clock.pass(11 * SECOND);
    await isOver(mine.refreshToken);
    await isOver(next.refresh_token);
    await isOver(mine.refreshToken);
    expect(await works(next.access_token)).toBe(false);
    expect(await works(other.accessToken)).toBe(true);
    expect((await refresh(other.refreshToken)).status).toBe(200);
    expect(await world.events(mine.session.id)).toEqual([
      'session.refresh_reused refresh_token_reused',
      'session.ended refresh_token_reused',
    ]);
  });

  it('F3 parallel reuse after the grace is told once', async () => {
    await refresh(mine.refreshToken);
    clock.pass(11 * SECOND);
    await Promise.all(Array.from({ length: 8 }, () => isOver(mine.refreshToken)));
    expect(await world.events(mine.session.id)).toHaveLength(2);
  });

  it('F4 a session that is not refreshed for the idle time is over', async () => {
    clock.pass(3599 * SECOND);
    const next = (await refresh(mine.refreshToken)).body.refresh_token;
    clock.pass(3590 * SECOND);
    expect((await refresh(next)).status).toBe(200);
    const late = await world.open(who);
    clock.pass(3601 * SECOND);
    await isOver(late.refreshToken);
  });

  it('F4 no refresh moves the absolute end, and no access token outlives it', async () => {
    let token = mine.refreshToken;
    clock.pass(3500 * SECOND);
    token = (await refresh(token)).body.refresh_token;
    clock.pass(3500 * SECOND);
    const last = (await refresh(token)).body;
    token = last.refresh_token;
    const end = Math.floor(mine.session.expiresAt / SECOND);
    expect(decodeJwt(last.access_token).exp).toBe(end);
    clock.pass(201 * SECOND);
    expect(await works(last.access_token)).toBe(false);
    await isOver(token);
  });

  it.each([
    ['its user is suspended', 'UPDATE users SET suspended = 1 WHERE id = ?', () => who.userId],
    ['its identity is switched off', 'UPDATE identities SET active = 0 WHERE id = ?', () => who.identityId],
    ['its identity is deleted', 'DELETE FROM identities WHERE id = ?', () => who.identityId],
    ['its connection is disabled', "UPDATE connections SET status = 'disabled' WHERE id = ?", () => world.connectionId],
    ['its connection is deleted', 'DELETE FROM connections WHERE id = ?', () => world.connectionId],
    [
      'login is switched off at its connection',
      `UPDATE connections SET settings = '{"login":{"enabled":false}}' WHERE id = ?`,
      () => world.connectionId,
    ],
    ['its tenant is suspended', "UPDATE tenants SET status = 'suspended' WHERE id = ?", () => world.tenantId],
  ])('F4 a session does not go on when %s', async (_, sql, id) => {
    await world.set(sql, [id()]);
    await isOver(mine.refreshToken);
  });

  it('F4 a session from before notBefore does not go on; a later one does', async () => {
    clock.pass(SECOND);
    await world.set('UPDATE identities SET notBefore = ? WHERE id = ?', [clock.now(), who.identityId]);
    await isOver(mine.refreshToken);
    clock.pass(SECOND);
    expect((await refresh((await world.open(who)).refreshToken)).status).toBe(200);
  });

  it('F8 a refresh names the roles that the user holds by then', async () => {
    await world.set('DELETE FROM grants WHERE userId = ?', [who.userId]);
    expect(decodeJwt((await refresh(mine.refreshToken)).body.access_token).roles).toEqual([]);
  });

  it('keeps up the session of a local admin, which no connection opened', async () => {
    const local = await world.open({ userId: who.userId, identityId: null });
    expect((await refresh(local.refreshToken)).status).toBe(200);
  });

  it('answers unknown and malformed tokens alike, and names the fault of a body without one', async () => {
    await isOver(`rcr_${'a'.repeat(21)}A${'a'.repeat(43)}`);
    await isOver(mine.refreshToken.slice(0, -43) + 'a'.repeat(43));
    await isOver('not a refresh token');
    await isOver(mine.accessToken.slice(0, 500));
    const answer = await rollcall.http.post('/auth/refresh', { refresh: 1 });
    expect(answer.status).toBe(400);
    expect(JSON.stringify(answer.body)).toContain('/refresh_token');
  });
});
