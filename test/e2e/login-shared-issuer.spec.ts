import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Customer, type CustomerSettings, LoginWorld } from '../support/login-world.js';
import { seedTenant } from '../support/seed.js';
import { makeIdpKey } from '../support/signed-tokens.js';

let world: LoginWorld;
let platformId: string;

beforeAll(async () => {
  world = await LoginWorld.start();
  platformId = (await seedTenant(world.rollcall, 'platform')).id;
});
afterAll(() => world.stop());

const otherKey = makeIdpKey('RS256', 'k1');

/** Another tenant's connection to the customer's issuer, for the same audience, which gets its keys elsewhere. */
async function addIntruder(acme: Customer, settings: CustomerSettings = {}) {
  const { tenantId, realm } = await world.addCustomer({}, otherKey);
  const intruder = await world.connect(tenantId, acme.realm, { jwksUri: realm.jwksUri, ...settings });
  return { intruder, realm };
}

describe('G9 two tenants name one issuer and audience', () => {
  it.each(['before', 'after'])('each has its own people log in, told apart by the keys (named %s)', async (when) => {
    const early = await world.addCustomer();
    const late = await world.addCustomer({}, otherKey);
    const [acme, other] = when === 'before' ? [late, early] : [early, late];
    const intruder = await world.connect(other.tenantId, acme.realm, { jwksUri: other.realm.jwksUri });
    expect((await acme.login()).body.user.tenant).toBe(acme.tenantId);
    const theirs = await world.login(acme.token({}, {}, other.realm.key));
    expect(theirs.body.user.tenant).toBe(intruder.tenantId);
    expect([await acme.refusals(), await intruder.refusals()]).toEqual([[], []]);
    expect([await acme.rows(), await intruder.rows()]).toMatchObject([{ users: 1 }, { users: 1 }]);
  });

  it('a token that none of them believes is told to the operators alone, and its sender hears what anybody does', async () => {
    const acme = await world.addCustomer();
    const { intruder } = await addIntruder(acme);
    const before = await world.refusals(platformId);
    const forged = await world.login(acme.token({}, {}, makeIdpKey('RS256', 'k1')));
    expect([forged.status, forged.body.code]).toEqual([401, 'login_refused']);
    expect((await world.refusals(platformId)).slice(before.length)).toEqual(['signature_invalid']);
    expect([await acme.refusals(), await intruder.refusals()]).toEqual([[], []]);
  });

  it('a token for an audience of neither is told to the operators alone', async () => {
    const acme = await world.addCustomer();
    const { intruder } = await addIntruder(acme);
    const before = await world.refusals(platformId);
    expect((await world.login(acme.token({ aud: 'elsewhere' }))).status).toBe(401);
    expect((await world.refusals(platformId)).slice(before.length)).toEqual(['audience_mismatch']);
    expect([await acme.refusals(), await intruder.refusals()]).toEqual([[], []]);
  });

  it('whoever names the tenant is told of in its ledger, and the other is not asked for its keys', async () => {
    const acme = await world.addCustomer();
    const { intruder, realm } = await addIntruder(acme);
    const forged = await world.login(acme.token({}, {}, makeIdpKey('RS256', 'k1')), { tenant: acme.tenantId });
    expect(forged.status).toBe(401);
    expect([await acme.refusals(), await intruder.refusals()]).toEqual([['signature_invalid'], []]);
    expect(realm.fetches).toEqual([]);
  });

  it('identical keys: the login has to name one, and no ledger tells of it but the operators’', async () => {
    const acme = await world.addCustomer();
    const { intruder } = await addIntruder(acme, { jwksUri: acme.realm.jwksUri });
    const several = await acme.login();
    expect([several.status, several.body.code]).toEqual([409, 'connection_ambiguous']);
    expect([await acme.refusals(), await intruder.refusals()]).toEqual([[], []]);
    expect((await acme.login({}, { tenant: acme.slug })).body.user.tenant).toBe(acme.tenantId);
  });

  it('C4 keys that cannot be had refuse nobody else’s people, and without them nobody is told 401', async () => {
    const acme = await world.addCustomer();
    const { realm } = await addIntruder(acme);
    realm.answer = (response) => void response.writeHead(500).end();
    expect((await acme.login()).body.user.tenant).toBe(acme.tenantId);
    const forged = await world.login(acme.token({}, {}, makeIdpKey('RS256', 'k1')));
    expect([forged.status, forged.body.code]).toEqual([503, 'idp_unavailable']);
  });

  it('keys that never come keep nobody else’s people waiting', async () => {
    const acme = await world.addCustomer();
    const { realm } = await addIntruder(acme);
    realm.answer = () => undefined;
    const startedAt = performance.now();
    expect((await acme.login()).body.user.tenant).toBe(acme.tenantId);
    expect(performance.now() - startedAt).toBeLessThan(2000);
    expect(realm.fetches).toEqual(['keys']);
  });
});
