import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { Clock, DAY } from '../../src/platform/clock.js';
import { FirstStartService } from '../../src/records/local-admins/first-start.service.js';
import { OneTimeLinkEntity } from '../../src/records/local-admins/local-password.entity.js';
import { PasswordCheck } from '../../src/records/local-admins/password-check.js';
import { GrantEntity } from '../../src/records/users/grant.entity.js';
import { startApp, type TestApp } from '../support/start-app.js';

const PASSWORD = 'correct horse battery';
const tokenOf = (link: string): string => link.split('#token=')[1] ?? '';

describe('whoever starts Rollcall', () => {
  let rollcall: TestApp;
  let check: PasswordCheck;
  let clock: Clock;
  beforeAll(async () => {
    rollcall = await startApp({ PUBLIC_URL: 'https://id.example.com' });
    check = rollcall.app.get(PasswordCheck);
    clock = rollcall.app.get(Clock);
  });
  afterAll(() => rollcall.stop());

  describe('the first start', () => {
    it('gives a link for the first operator, and a new one in its place at the next', async () => {
      const first = rollcall.app.get(FirstStartService);
      const old = await first.createLink();
      const link = await first.createLink();
      expect(link).toMatch(/^https:\/\/id\.example\.com\/setup#token=[\w-]{43}$/);
      const refused = await rollcall.http.post('/setup/link', { token: tokenOf(old ?? '') });
      expect(refused).toMatchObject({ status: 410, body: { code: 'link_invalid' } });

      const about = await rollcall.http.post('/setup/link', { token: tokenOf(link ?? '') });
      expect(about).toMatchObject({ status: 200, body: { purpose: 'first-operator', tenant: null, userName: null } });
      const short = await rollcall.http.post('/setup', {
        token: tokenOf(link ?? ''),
        userName: 'root',
        password: 'short',
      });
      expect(short).toMatchObject({ status: 400, body: { faults: [{ pointer: '/password' }] } });
      const nameless = await rollcall.http.post('/setup', { token: tokenOf(link ?? ''), password: PASSWORD });
      expect(nameless).toMatchObject({ status: 400, body: { faults: [{ pointer: '/userName' }] } });

      const body = { token: tokenOf(link ?? ''), userName: 'root', displayName: 'Root', password: PASSWORD };
      const twice = await Promise.all([rollcall.http.post('/setup', body), rollcall.http.post('/setup', body)]);
      expect(twice.map((answer) => answer.status).sort()).toEqual([201, 410]);
      const made = twice.find((answer) => answer.status === 201);
      expect(made?.body).toEqual({ userName: 'root', tenants: ['platform', 'main'] });
      expect(await first.createLink()).toBeNull();
    });

    it('the first operator is owner of tenant main too: a user in each', async () => {
      const held = await Promise.all(
        ['platform', 'main'].map(async (slug) => {
          const verdict = await check.verify(slug, 'ROOT', PASSWORD, null);
          const grants = await rollcall.database.read.findBy(GrantEntity, { userId: verdict.userId ?? '' });
          return [verdict.ok, grants.map((grant) => grant.heldKey)];
        }),
      );
      expect(held).toEqual([
        [true, ['operator']],
        [true, ['owner']],
      ]);
    });

    it('of two links that are open at once only one makes an operator', async () => {
      const row = { purpose: 'first-operator' as const, tenantId: null, userId: null, mayHold: null, usedAt: null };
      const tokenHash = createHash('sha256').update('late').digest('base64url');
      await rollcall.database.transaction((tx) =>
        tx.insert(OneTimeLinkEntity, { ...row, tokenHash, expiresAt: clock.now() + DAY }),
      );
      const late = await rollcall.http.post('/setup', { token: 'late', userName: 'second', password: PASSWORD });
      expect(late).toMatchObject({ status: 410, body: { code: 'link_invalid' } });
    });
  });

  describe('the page behind links', () => {
    it('brings nothing with it and runs only its own script', async () => {
      const page = await rollcall.http.get<string>('/setup');
      expect(page.status).toBe(200);
      expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
      const policy = page.headers.get('content-security-policy') ?? '';
      for (const element of ['script', 'style']) {
        const text = new RegExp(`<${element}>([^]*)</${element}>`).exec(page.body)?.[1] ?? '';
        expect(text).not.toBe('');
        expect(policy).toContain(`'sha256-${createHash('sha256').update(text).digest('base64')}'`);
      }
      expect(policy).toMatch(/^default-src 'none'/);
      expect(policy).not.toContain('unsafe');
      expect(page.body).not.toMatch(/(src|href)=/);
      expect(page.headers.get('referrer-policy')).toBe('no-referrer');
    });
  });
});
