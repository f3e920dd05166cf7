import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '../../src/platform/ids.js';
import { loadPersons, loadPersonsBySubject } from '../../src/records/users/person-loader.js';
import { seedConnection } from '../support/seed-connection.js';
import { seedPersons, seedTenantWithRoles } from '../support/seed-persons.js';
import { startApp, type TestApp } from '../support/start-app.js';

describe('persons found by the subjects of a connection', () => {
  let rollcall: TestApp;
  let tenantId: string;
  let okta: string;
  let entra: string;
  let ids: string[];
  beforeAll(async () => {
    rollcall = await startApp();
    tenantId = await seedTenantWithRoles(rollcall, 'acme');
    okta = await seedConnection(rollcall, tenantId, 'okta');
    entra = await seedConnection(rollcall, tenantId, 'entra');
    const block = { kind: 'role', key: 'admin', adminId: newId(), reason: 'no', since: 1, until: null } as const;
    ids = await seedPersons(rollcall, tenantId, [
      {
        userName: 'ada',
        roles: ['viewer', 'auditor'],
        given: ['editor'],
        blocks: [block],
        // Merged out of three.
        identities: [
          { connectionId: okta, subject: 'ada-1', userNameKey: 'ada-1' },
          { connectionId: okta, subject: 'ada-2', userNameKey: 'ada-2' },
          { connectionId: entra, subject: 'bob' },
        ],
      },
      { userName: 'bob', identities: [{ connectionId: okta, subject: 'bob' }] },
      { userName: 'cleo', roles: ['viewer'], identities: [{ connectionId: okta, subject: 'cleo' }] },
    ]);
  });
  afterAll(() => rollcall.stop());

  const find = (subjects: string[], connection = { id: okta, tenantId }) =>
    loadPersonsBySubject(rollcall.database.read, rollcall.database.engine, connection, subjects);

  it.each<[string, string[], number[]]>([
    ['several persons', ['ada-1', 'bob', 'cleo'], [0, 1, 2]],
    ['one by two subjects', ['ada-1', 'ada-2'], [0]],
    ['nobody', ['nobody'], []],
    ['some', ['bob', 'Bob', 'nobody', 'bob '], [1]],
  ])('%s: the same as when they are loaded by their ids', async (_, subjects, which) => {
    const expected = await loadPersons(
      rollcall.database.read,
      tenantId,
      which.map((index) => ids[index] ?? ''),
    );
    const found = await find(subjects);
    expect(sorted(found.persons)).toEqual(sorted(expected.persons));
    expect(found.revisions).toEqual(expected.revisions);
  });

  it('are of the connection, and of its tenant', async () => {
    expect([...(await find(['bob'], { id: entra, tenantId })).persons.keys()]).toEqual([ids[0]]);
    expect((await find(['bob'], { id: okta, tenantId: newId() })).persons.size).toBe(0);
  });
});

/** The order of grants is that of an index; it says nothing. */
function sorted(persons: ReadonlyMap<string, { grants: readonly object[] }>) {
  const texts = [...persons].map(([id, person]) => [
    id,
    { ...person, grants: person.grants.map((each) => JSON.stringify(each)).sort() },
  ]);
  return Object.fromEntries(texts) as Record<string, unknown>;
}
