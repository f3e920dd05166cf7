import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { selectRows } from '../../src/platform/sql.js';
import type { HttpClient } from '../support/http-client.js';
import {
  createUser,
  ERROR_URN,
  makeScimWorld,
  patchOf,
  type ScimResourceBody,
  type ScimWorld,
  userBody,
  userPath,
} from '../support/scim-world.js';
import { seedGrants } from '../support/seed.js';
import { startApp, type TestApp } from '../support/start-app.js';
import { endReasonOf, eventsOf, seedSession } from '../support/stored.js';

let rollcall: TestApp;
let world: ScimWorld;
let scim: HttpClient;
let count = 0;

beforeAll(async () => {
  rollcall = await startApp();
  world = await makeScimWorld(rollcall);
  scim = world.scim;
});
afterAll(() => rollcall.stop());

const freshName = () => `leaver-${++count}@example.com`;

async function userIdOf({ id }: { id: string }): Promise<string> {
  const [row] = await selectRows(rollcall.database.read, 'SELECT userId FROM identities WHERE id = ?', [id]);
  return String(row?.userId);
}

/** Somebody with a running session. */
async function createSignedIn(more: Record<string, unknown> = {}) {
  const user = await createUser(scim, freshName(), more);
  const userId = await userIdOf(user);
  return { user, userId, session: await seedSession(rollcall, world.tenantId, userId, user.id) };
}

describe('who is switched off over SCIM', () => {
  it.each([
    ['PATCH', { op: 'replace', path: 'active', value: false }],
    ['PATCH without a path', { op: 'Replace', value: { active: false } }],
  ])('loses their sessions by %s, and the ledger tells it', async (_, operation) => {
    const { user, userId, session } = await createSignedIn();
    expect((await scim.patch(userPath(user), patchOf(operation))).status).toBe(200);
    expect(await endReasonOf(rollcall, session)).toBe('deactivated');
    const events = await eventsOf(rollcall, userId);
    expect(events.at(-1)).toMatchObject({ type: 'user.deactivated', via: 'scim' });
  });

  it('loses them by PUT too, and under the preset of Entra ID by its text "False"', async () => {
    const put = await createSignedIn();
    await scim.put(userPath(put.user), userBody(put.user.userName, { active: false }));
    expect(await endReasonOf(rollcall, put.session)).toBe('deactivated');
    const entra = await makeScimWorld(rollcall, { preset: 'entra' });
    const user = await createUser(entra.scim, freshName());
    const session = await seedSession(rollcall, entra.tenantId, await userIdOf(user), user.id);
    const answer = await entra.scim.patch(userPath(user), patchOf({ op: 'Replace', path: 'active', value: 'False' }));
    expect(answer.status).toBeLessThan(300);
    expect(await endReasonOf(rollcall, session)).toBe('deactivated');
  });

  it('SCIM 33 by DELETE they lose them, and the user goes where nothing else holds them', async () => {
    const { user, userId, session } = await createSignedIn();
    expect((await scim.delete(userPath(user))).status).toBe(204);
    expect(await endReasonOf(rollcall, session)).toBe('deleted');
    expect(await selectRows(rollcall.database.read, 'SELECT id FROM users WHERE id = ?', [userId])).toEqual([]);
    expect((await eventsOf(rollcall, userId)).at(-1)).toMatchObject({ type: 'user.deleted', via: 'scim' });
  });

  it('keeps the user id when they are created again, but not what admins gave', async () => {
    const { user, userId } = await createSignedIn({ externalId: 'returns' });
    await seedGrants(rollcall, [{ tenantId: world.tenantId, userId, role: 'auditor-of-reports' }]);
    expect((await scim.delete(userPath(user))).status).toBe(204);
    const again = await createUser(scim, user.userName, { externalId: 'returns' });
    expect(again.id).not.toBe(user.id);
    expect(await userIdOf(again)).toBe(userId);
    expect(await selectRows(rollcall.database.read, 'SELECT * FROM grants WHERE userId = ?', [userId])).toEqual([]);
  });
});

describe('SCIM 64 a protected user', () => {
  it('cannot be changed, switched off or deleted, and is as before', async () => {
    const user = await createUser(scim, freshName());
    await seedGrants(rollcall, [{ tenantId: world.tenantId, userId: await userIdOf(user), role: 'admin' }]);
    for (const answer of [
      await scim.patch(userPath(user), patchOf({ op: 'replace', path: 'active', value: false })),
      await scim.patch(userPath(user), patchOf({ op: 'replace', path: 'displayName', value: 'X' })),
      await scim.put(userPath(user), userBody(freshName())),
      await scim.delete(userPath(user)),
    ]) {
      expect(answer.body).toMatchObject({ schemas: [ERROR_URN], status: '403' });
    }
    expect((await scim.get(userPath(user))).body).toEqual(user);
    // To say again what is so is no change of them, and a provider that does is not kept from its other work.
    const same = await scim.put(userPath(user), userBody(user.userName, { active: true }));
    expect(same).toMatchObject({ status: 200, body: user });
  });
});

describe('a changed externalId', () => {
  it('ends the sessions, unbinds the subject and parks what admins gave: a namesake does not inherit', async () => {
    const { user, userId, session } = await createSignedIn({ externalId: 'first' });
    await rollcall.database.transaction((tx) =>
      tx.query('UPDATE identities SET subject = ? WHERE id = ?', ['sub-1', user.id]),
    );
    await seedGrants(rollcall, [{ tenantId: world.tenantId, userId, role: 'auditor-of-reports' }]);
    const answer = await scim.patch<ScimResourceBody>(
      userPath(user),
      patchOf({ op: 'replace', path: 'externalId', value: 'second' }),
    );
    expect(answer).toMatchObject({ status: 200, body: { externalId: 'second' } });
    expect(await endReasonOf(rollcall, session)).toBe('external_id_changed');
    const [identity] = await selectRows(rollcall.database.read, 'SELECT * FROM identities WHERE id = ?', [user.id]);
    expect(identity).toMatchObject({ externalId: 'second', subject: null });
    const [grant] = await selectRows(rollcall.database.read, 'SELECT parkedAt FROM grants WHERE userId = ?', [userId]);
    expect(Number(grant?.parkedAt)).toBeGreaterThan(0);
  });

  it('does the same under entra where somebody else shows the new one, also by a POST that revives', async () => {
    const entra = await makeScimWorld(rollcall, { preset: 'entra' });
    const holder = await createUser(entra.scim, freshName(), { externalId: 'b' });
    const give = async (externalId: string) => {
      const user = await createUser(entra.scim, freshName(), { externalId });
      const userId = await userIdOf(user);
      const session = await seedSession(rollcall, entra.tenantId, userId, user.id);
      await seedGrants(rollcall, [{ tenantId: entra.tenantId, userId, role: 'auditor-of-reports' }]);
      return { user, userId, session };
    };
    const isParked = async (userId: string) => {
      const [grant] = await selectRows(rollcall.database.read, 'SELECT parkedAt FROM grants WHERE userId = ?', [
        userId,
      ]);
      return grant?.parkedAt !== null;
    };
    const toName = (externalId: string) => patchOf({ op: 'replace', path: 'externalId', value: externalId });
    const swapped = await give('a');
    expect((await entra.scim.patch(userPath(swapped.user), toName('b'))).status).toBe(204);
    expect(await endReasonOf(rollcall, swapped.session)).toBe('external_id_changed');
    expect(await isParked(swapped.userId)).toBe(true);
    // The other half of the swap.
    expect((await entra.scim.patch(userPath(holder), toName('a'))).status).toBe(204);

    const revived = await give('c');
    await entra.scim.patch(userPath(revived.user), patchOf({ op: 'replace', path: 'active', value: false }));
    const again = await createUser(entra.scim, revived.user.userName, { externalId: 'a' });
    expect(again.id).toBe(revived.user.id);
    expect(await isParked(revived.userId)).toBe(true);

    // Who was the second to be called so from the start is another one too, once called otherwise.
    const second = await give('a');
    expect(await endReasonOf(rollcall, second.session)).toBeNull();
    expect((await entra.scim.patch(userPath(second.user), toName('d'))).status).toBe(204);
    expect(await endReasonOf(rollcall, second.session)).toBe('external_id_changed');
    expect(await isParked(second.userId)).toBe(true);
  });

  it('taken away, it is gone from the resource and from what finds the person', async () => {
    const user = await createUser(scim, freshName(), { externalId: 'taken-away' });
    const answer = await scim.patch<ScimResourceBody>(userPath(user), patchOf({ op: 'remove', path: 'externalId' }));
    expect(answer.body).not.toHaveProperty('externalId');
    expect((await scim.post('/scim/v2/Users', userBody(freshName(), { externalId: 'taken-away' }))).status).toBe(201);
  });
});
