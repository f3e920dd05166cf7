import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '../../src/platform/ids.js';
import type { UserPage } from '../../src/records/users/user-view.dto.js';
import type { HttpClient } from '../support/http-client.js';
import { seedConnection } from '../support/seed-connection.js';
import { seedPersons, seedTenantWithRoles } from '../support/seed-persons.js';
import { startApp, type TestApp } from '../support/start-app.js';

describe('the list of users', () => {
  let rollcall: TestApp;
  let tenantId: string;
  let client: HttpClient;
  let okta: string;

  beforeAll(async () => {
    rollcall = await startApp();
    tenantId = await seedTenantWithRoles(rollcall, 'acme');
    client = await rollcall.clientWith(tenantId, ['users:read']);
    okta = await seedConnection(rollcall, tenantId, 'okta');
    const other = await seedTenantWithRoles(rollcall, 'other');
    await seedPersons(rollcall, other, [{ userName: 'ada', roles: ['editor'] }]);
    const past = 1;
    const block = { kind: 'role', key: 'editor', adminId: newId(), reason: null, since: 1, until: null } as const;
    const ended = { ...block, source: 'admin', until: past } as const;
    await seedPersons(rollcall, tenantId, [
      { userName: 'Ada', displayName: 'Zoe', email: 'one@example.com', roles: ['editor'] },
      { userName: 'bob', given: ['editor'], identities: [{ connectionId: okta, externalId: 'x1' }] },
      { userName: 'Cat', given: ['editor'], identities: [{ connectionId: okta, externalId: 'x2', active: false }] },
      { userName: 'dan', roles: ['editor'], blocks: [block], suspended: true },
      { userName: 'Eli', grants: [ended], identities: [{ externalId: 'x1' }] },
      { displayName: 'adaline', email: '100%_sure@example.com' },
      { displayName: 'nameless' },
    ]);
  });
  afterAll(() => rollcall.stop());

  const names = async (query: string, as = client): Promise<unknown[]> => {
    const answer = await as.get<UserPage>(`/users?${query}`);
    expect(answer.status).toBe(200);
    return answer.body.items.map((each) => each.userName ?? each.displayName);
  };

  it.each([
    ['q=AD', ['adaline', 'Ada']],
    ['q=zo', ['Ada']],
    ['q=one%40', ['Ada']],
    ['q=100%25_', ['adaline']],
    ['q=%25', []],
    ['q=a_a', []],
    ['role=editor', ['Ada', 'bob']],
    ['role=nothing', []],
    ['connection=OKTA', ['bob', 'Cat']],
    ['externalId=x1&connection=OKTA', ['bob']],
    ['externalId=x2', ['Cat']],
    ['active=false', ['Cat']],
    ['active=true&connection=OKTA', ['bob']],
    ['suspended=true', ['dan']],
    ['suspended=false&role=editor&q=b', ['bob']],
  ])('finds by %s, in this tenant alone', async (query, expected) => {
    expect(await names(query.replace('OKTA', okta))).toEqual(expected);
  });

  it.each([
    ['userName', ['Ada', 'bob', 'Cat', 'dan', 'Eli']],
    ['displayName', ['adaline', 'nameless', 'Ada']],
    ['email', ['adaline', 'Ada']],
  ])('sorts by %s without regard to case, those without it first, page by page both ways', async (sort, expected) => {
    for (const order of ['asc', 'desc']) {
      const whole = await names(`sort=${sort}&order=${order}`);
      expect(whole).toHaveLength(7);
      const sorted = order === 'asc' ? whole.slice(-expected.length) : whole.slice(0, expected.length).reverse();
      expect(sorted).toEqual(expected);
      for (const limit of [1, 2, 3]) {
        const seen: unknown[] = [];
        let cursor: string | null = '';
        while (cursor !== null) {
          const more: string = cursor === '' ? '' : `&cursor=${cursor}`;
          const { body } = await client.get<UserPage>(`/users?sort=${sort}&order=${order}&limit=${limit}${more}`);
          seen.push(...body.items.map((each) => each.userName ?? each.displayName));
          cursor = body.cursor;
        }
        expect(seen).toEqual(whole);
      }
    }
  });

  it('shows each user once while others are inserted around them', async () => {
    const busy = await seedTenantWithRoles(rollcall, 'busy');
    const reader = await rollcall.clientWith(busy, ['users:read']);
    const before = Array.from({ length: 60 }, (_, place) => `user-${String(place).padStart(3, '0')}`);
    await seedPersons(
      rollcall,
      busy,
      before.map((userName) => ({ userName })),
    );
    for (const sort of ['userName', 'createdAt', 'updatedAt']) {
      const seen: string[] = [];
      let cursor = '';
      for (let page = 0; ; page++) {
        const { body } = await reader.get<UserPage>(`/users?sort=${sort}&limit=7${cursor}`);
        seen.push(...body.items.map((each) => String(each.userName)));
        if (body.cursor === null) break;
        cursor = `&cursor=${body.cursor}`;
        if (page < 5) {
          await seedPersons(rollcall, busy, [{ userName: `a-${sort}-${page}` }, { userName: `z-${sort}-${page}` }]);
        }
      }
      expect(new Set(seen).size).toBe(seen.length);
      expect(before.filter((name) => !seen.includes(name))).toEqual([]);
    }
  });

  it.each([
    'limit=0',
    'limit=201',
    'limit=ten',
    'sort=version',
    'sort=userName%3B',
    'order=up',
    'active=yes',
    'connection=okta',
    'unknown=1',
    'q=a&q=b',
    'q=%00',
    'cursor=!',
    'cursor=bm8',
    `q=${'x'.repeat(10_000)}`,
  ])('refuses ?%s', async (query) => {
    const answer = await client.get(`/users?${query}`);
    expect(answer.status).toBe(400);
    const pointer = expect.stringMatching(/^[?/](limit|sort|order|active|connection|unknown|q|cursor)$/);
    expect(answer.body).toMatchObject({
      code: 'invalid_request',
      faults: expect.arrayContaining([expect.objectContaining({ pointer })]),
    });
  });

  it('refuses a cursor of another sort, and says so', async () => {
    const { body } = await client.get<UserPage>('/users?limit=1');
    const answer = await client.get(`/users?limit=1&sort=email&cursor=${body.cursor}`);
    expect(answer.status).toBe(400);
    expect(JSON.stringify(answer.body)).toContain('sorted by userName asc');
  });
});
