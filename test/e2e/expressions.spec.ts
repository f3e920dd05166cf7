import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { etag, pointersOf } from '../support/connection-words.js';
import { LoginWorld } from '../support/login-world.js';

let world: LoginWorld;
beforeAll(async () => {
  world = await LoginWorld.start();
});
afterAll(() => world.stop());

const long = 'a'.repeat(640);

describe('expressions that could stop the service', () => {
  it.each([
    ['fills the memory', `size('${long}'.split('').join('${long}').split('').join('${long}').split('')) < 0`],
    ['takes seconds', `claims.groups.exists(g, size(claims.s.split('').join(g)) < 0)`],
  ])('E9 one that %s is refused at the dry run and at the save, and is not run', async (_, when) => {
    const acme = await world.addCustomer();
    const admin = await world.rollcall.clientWith(acme.tenantId, ['connections:read', 'connections:write']);
    const path = `/connections/${acme.connectionId}`;
    const patch = { mapping: { roles: [{ id: 'r', when, grant: ['viewer'] }] } };
    const answers = [await admin.post(`${path}/dry-run`, patch), await admin.patch(path, patch, etag(1))];
    expect(answers.map(({ status }) => status)).toEqual([400, 400]);
    for (const answer of answers) {
      expect(pointersOf(answer)).toEqual(['/mapping/roles/0/when']);
      expect(answer.body.faults).toMatchObject([
        { detail: expect.stringMatching(/`\w+` is not available: available/) },
      ]);
    }
    expect((await acme.login()).status).toBe(200);
  });

  it('E9 a stored one that is refused by now lets nobody in, and others of its issuer as before', async () => {
    const acme = await world.addCustomer({ requiredClaims: { hd: 'acme.com' } });
    const bolt = await world.connect((await world.addCustomer()).tenantId, acme.realm, {
      requiredClaims: { hd: 'bolt.com' },
      mapping: { roles: [{ id: 'r', when: "claims.s.split('') == []", grant: ['viewer'] }] },
    });
    expect((await acme.login({ hd: 'bolt.com' })).status).toBe(401);
    expect((await acme.login({ hd: 'acme.com' })).status).toBe(200);
    const admin = await world.rollcall.clientWith(bolt.tenantId, ['connections:read', 'connections:write']);
    const mended = { mapping: { roles: [{ id: 'r', when: "claims.s == ''", grant: ['viewer'] }] } };
    expect((await admin.patch(`/connections/${bolt.connectionId}`, mended, etag(1))).status).toBe(200);
    expect((await acme.login({ hd: 'bolt.com' })).status).toBe(200);
  });
});
