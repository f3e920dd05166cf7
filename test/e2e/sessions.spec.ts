import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { SECOND } from '../../src/platform/clock.js';
import { HandClock, type OpenedSession, SessionWorld } from '../support/session-world.js';
import { startApp, type TestApp } from '../support/start-app.js';

interface Listed {
  items: { id: string; user: string; state: string; current: boolean; endReason: string | null }[];
  cursor: string | null;
}

describe('sessions', () => {
  let rollcall: TestApp;
  let clock: HandClock;
  let world: SessionWorld;
  let who: { userId: string; identityId: string };
  let mine: OpenedSession;

  beforeAll(async () => {
    rollcall = await startApp();
    clock = new HandClock(rollcall);
  });
  afterAll(() => rollcall.stop());
  beforeEach(async () => {
    clock.offset = 0;
    world = await new SessionWorld(rollcall, clock).build();
    who = await world.addUser('editor');
    mine = await world.open(who);
  });

  const as = (opened: OpenedSession) => rollcall.http.as(opened.accessToken);
  const statusOf = async (opened: OpenedSession) => (await as(opened).get('/auth/me')).status;
  const refreshStatus = async (opened: OpenedSession) =>
    (await rollcall.http.post('/auth/refresh', { refresh_token: opened.refreshToken })).status;
  const admin = () => rollcall.clientWith(world.tenantId, ['sessions:read', 'sessions:end']);

  describe('who am I', () => {
    it('tells the user, the roles, and where each came from', async () => {
      await world.grant(who.userId, 'editor', 'admin');
      const me = await as(mine).get('/auth/me');
      expect(me.body).toMatchObject({
        type: 'user',
        id: who.userId,
        tenant: world.tenantId,
        session: mine.session.id,
        user: { userName: 'ada', email: 'ada@example.com' },
        permissions: ['articles:edit'],
        withheld: [],
      });
      const [editor] = me.body.roles as { key: string; grants: unknown[] }[];
      expect(editor?.key).toBe('editor');
      expect(editor?.grants).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ connection: world.connectionId, rule: 'eng', because: 'groups has engineering' }),
          expect.objectContaining({ admin: 'bob', reason: 'cover for Bob', until: null }),
        ]),
      );
    });

    it('tells what was withheld, and why', async () => {
      await world.addRole('old', []);
      await world.addRole('blocked', []);
      await world.grant(who.userId, 'old', 'admin', clock.now() - 1);
      await world.grant(who.userId, 'blocked', 'admin');
      await world.block(who.userId, 'blocked');
      await world.grant(who.userId, 'gone', 'admin');
      await world.grant(who.userId, 'session-admin', 'admin');
      const plain = await world.open(who, { privileged: false });
      const me = await as(plain).get('/auth/me');
      expect(me.body.withheld).toEqual([
        { kind: 'role', key: 'blocked', reason: 'blocked' },
        { kind: 'role', key: 'gone', reason: 'no_such_role' },
        { kind: 'role', key: 'old', reason: 'expired' },
        { kind: 'role', key: 'session-admin', reason: 'session_not_privileged' },
      ]);
      expect(me.body.permissions).toEqual(['articles:edit']);
    });

    it('tells an API key what it may do', async () => {
      const me = await (await admin()).get('/auth/me');
      expect(me.body).toMatchObject({ type: 'api-key', session: null, permissions: ['sessions:end', 'sessions:read'] });
    });
  });

  describe('F8 what is switched off counts at once, on tokens that are out', () => {
    it.each([
      ['a suspended user', 'UPDATE users SET suspended = 1 WHERE id = ?', () => who.userId],
      ['a suspended tenant', "UPDATE tenants SET status = 'suspended' WHERE id = ?", () => world.tenantId],
      ['a deleted user', 'DELETE FROM users WHERE id = ?', () => who.userId],
      [
        'another audience of its application',
        "UPDATE applications SET audience = 'x' WHERE id = ?",
        () => world.application.id,
      ],
    ])('%s', async (_, sql, id) => {
      expect(await statusOf(mine)).toBe(200);
      await world.set(sql, [id()]);
      expect(await statusOf(mine)).toBe(401);
    });

    it.each([
      ['taken', () => world.set("DELETE FROM grants WHERE heldKey = 'session-admin' AND userId = ?", [who.userId])],
      ['blocked', () => world.block(who.userId, 'session-admin')],
      ['over with its until', async () => clock.pass(100 * SECOND)],
    ])('a role that is %s', async (_, change) => {
      await world.grant(who.userId, 'session-admin', 'admin', clock.now() + 100 * SECOND);
      expect((await as(mine).get('/sessions')).status).toBe(200);
      await change();
      expect((await as(mine).get('/sessions')).status).toBe(403);
    });

    it('the roles of an inactive identity, while an admin’s own grant stays', async () => {
      await world.grant(who.userId, 'session-admin', 'admin');
      await world.set('UPDATE identities SET active = 0 WHERE id = ?', [who.identityId]);
      expect((await as(mine).get('/auth/me')).body.permissions).toEqual(['sessions:end', 'sessions:read']);
    });
  });

  it('G8 a session that is not privileged carries no privileged role, whoever granted it', async () => {
    await world.grant(who.userId, 'session-admin', 'admin');
    const plain = await world.open(who, { privileged: false });
    expect((await as(plain).get('/sessions')).status).toBe(403);
    expect((await as(mine).get('/sessions')).status).toBe(200);
    const claims = JSON.parse(Buffer.from(plain.accessToken.split('.')[1] ?? '', 'base64url').toString()) as object;
    expect(claims).toMatchObject({ roles: ['editor'] });
  });

  it('a logout ends this session alone, and its refresh token', async () => {
    const other = await world.open(who);
    expect((await as(mine).post('/auth/logout')).status).toBe(204);
    expect([await statusOf(mine), await refreshStatus(mine)]).toEqual([401, 401]);
    expect([await statusOf(other), await refreshStatus(other)]).toEqual([200, 200]);
    expect(await world.events(mine.session.id)).toEqual(['session.ended logout']);
    expect((await (await admin()).post('/auth/logout')).status).toBe(403);
  });

  it('F12 users list and end their own sessions, and nobody else’s', async () => {
    const other = await world.open(who);
    const stranger = await world.open(await world.addUser());
    const list = await as(mine).get<Listed>('/auth/sessions');
    expect(list.body.items.map(({ id, current }) => ({ id, current }))).toEqual([
      { id: other.session.id, current: false },
      { id: mine.session.id, current: true },
    ]);
    expect((await as(mine).delete(`/auth/sessions/${stranger.session.id}`)).status).toBe(404);
    expect((await as(mine).delete(`/auth/sessions/${other.session.id}`)).status).toBe(204);
    expect(await statusOf(other)).toBe(401);
    expect(await statusOf(stranger)).toBe(200);
    expect((await as(mine).get('/sessions')).status).toBe(403);
  });

  it('F12 admins list sessions page by page, by user and by state', async () => {
    clock.pass(-40_000 * SECOND);
    const idle = await world.open(who);
    clock.offset = 0;
    await world.set('UPDATE sessions SET lastUsedAt = 1 WHERE id = ?', [idle.session.id]);
    const ended = await world.open(who);
    await as(ended).post('/auth/logout');
    await world.open(await world.addUser());
    const client = await admin();
    const ids: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: Listed = (await client.get<Listed>(`/sessions?limit=1${cursor && `&cursor=${cursor}`}`)).body;
      expect(page.items).toHaveLength(1);
      ids.push(...page.items.map((each) => each.id));
      cursor = page.cursor;
    }
    expect(new Set(ids).size).toBe(4);
    const states = (await client.get<Listed>(`/sessions?user=${who.userId}`)).body.items.map((each) => each.state);
    expect(states).toEqual(['ended', 'active', 'expired']);
    for (const state of ['active', 'ended', 'expired']) {
      const found = (await client.get<Listed>(`/sessions?user=${who.userId}&state=${state}`)).body.items;
      expect(found.map((each) => each.state)).toEqual([state]);
    }
    expect((await client.get('/sessions?limit=0&state=none')).status).toBe(400);
    expect((await client.get('/sessions?cursor=nonsense')).status).toBe(400);
  });

  it('F12 an admin ends a session once, in their own tenant alone', async () => {
    const foreign = await rollcall.clientWith((await new SessionWorld(rollcall, clock).build()).tenantId, [
      'sessions:read',
      'sessions:end',
    ]);
    expect((await foreign.delete(`/sessions/${mine.session.id}`)).status).toBe(404);
    expect((await foreign.post(`/users/${who.userId}/end-sessions`)).status).toBe(404);
    expect((await foreign.get<Listed>(`/sessions?user=${who.userId}`)).body.items).toEqual([]);
    const client = await admin();
    expect((await client.delete(`/sessions/${mine.session.id}`)).status).toBe(204);
    expect((await client.delete(`/sessions/${mine.session.id}`)).status).toBe(204);
    expect(await statusOf(mine)).toBe(401);
    expect(await world.events(mine.session.id)).toEqual(['session.ended ended_by_admin']);
  });

  it('F12 ending all sessions of a user ends them and forbids tokens from before (rule 7)', async () => {
    const other = await world.open(who);
    const stranger = await world.open(await world.addUser());
    const before = clock.now();
    const answer = await (await admin()).post(`/users/${who.userId}/end-sessions`);
    expect(answer.body).toEqual({ ended: 2 });
    expect([await statusOf(mine), await statusOf(other), await statusOf(stranger)]).toEqual([401, 401, 200]);
    const rows = await rollcall.database.read.query<{ notBefore: number; version: number }[]>(
      'SELECT i.notBefore AS notBefore, u.version AS version FROM identities i JOIN users u ON u.id = i.userId WHERE u.id = ?',
      [who.userId],
    );
    expect(rows).toHaveLength(1);
    expect(Number(rows[0]?.notBefore)).toBeGreaterThanOrEqual(before);
    expect(rows[0]?.version).toBe(2);
    expect(await world.events(who.userId)).toEqual(['user.sessions_ended ended_by_admin']);
    expect(await world.events(other.session.id)).toEqual(['session.ended ended_by_admin']);
  });
});
