import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '../../src/platform/ids.js';
import { insertRows } from '../../src/platform/sql.js';
import { type People, readPeoplePages, THE_FIRST } from '../../src/records/users/people-pages.js';
import { seedConnection } from '../support/seed-connection.js';
import { seedPersons, seedTenantWithRoles } from '../support/seed-persons.js';
import { startApp, type TestApp } from '../support/start-app.js';

const STRANGERS = 4500;

describe('the people of a connection, in the order of their last change', () => {
  let rollcall: TestApp;
  let people: People;
  let ids: string[];

  beforeAll(async () => {
    rollcall = await startApp();
    const tenantId = await seedTenantWithRoles(rollcall, 'acme');
    const connectionId = await seedConnection(rollcall, tenantId, 'okta');
    people = { tenantId, connectionId };
    const seeds = Array.from({ length: 3 }, (_, n) => ({
      userName: `user-${n}`,
      identities: [{ connectionId, externalId: `x-${n}` }],
    }));
    ids = await seedPersons(rollcall, tenantId, seeds);
    const columns = ['id', 'tenantId', 'attributes', 'suspended', 'emailVerified', 'version', 'createdAt', 'updatedAt'];
    const rows = Array.from({ length: STRANGERS }, (_, n) => [newId(), tenantId, '{}', 0, 0, 1, 1, 1 + (n % 7)]);
    await rollcall.database.transaction(async (tx) => {
      await insertRows(tx, 'users', columns, rows);
      // One before, one among, and one behind the others.
      for (const [place, id] of ids.entries()) {
        await tx.query('UPDATE users SET updatedAt = ? WHERE id = ?', [place * 4, id]);
      }
    });
  }, 60_000);
  afterAll(() => rollcall.stop());

  const read = async (of: People, size: number) => {
    const pages: string[][] = [];
    for await (const page of readPeoplePages(rollcall.database.read, of, THE_FIRST, size)) {
      pages.push(page.map(({ id }) => id));
    }
    return pages;
  };

  it('are found though they are few among many others, whom no statement looks through all at once', async () => {
    const pages = await read(people, 1000);
    expect(pages.flat()).toEqual(ids);
    expect(pages.length).toBe(Math.ceil((STRANGERS + ids.length) / 2000));
  });

  it('come in pages of the size that is asked for, everybody once', async () => {
    const pages = await read(people, 1);
    expect([pages.flat(), Math.max(...pages.map(({ length }) => length))]).toEqual([ids, 1]);
    const everybody = await read({ ...people, connectionId: null }, 1000);
    expect(everybody.map(({ length }) => length)).toEqual([1000, 1000, 1000, 1000, STRANGERS + ids.length - 4000]);
    expect(new Set(everybody.flat()).size).toBe(STRANGERS + ids.length);
  });
});
