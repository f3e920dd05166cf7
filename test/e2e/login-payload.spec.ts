import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { LoginWorld } from '../support/login-world.js';

let world: LoginWorld;
const CLAIM = 'https://acme.example.com/user';

beforeAll(async () => {
  world = await LoginWorld.start();
});
afterAll(() => world.stop());

const record = {
  externalId: 'x-1',
  userName: 'ada',
  displayName: 'Ada',
  email: 'ada@acme.com',
  emailVerified: true,
  roles: ['viewer'],
  groups: ['engineering'],
  entitlements: ['report:7'],
};
const customer = (over: object = {}) => world.addCustomer({ mapping: { payloadClaim: CLAIM, ...over } });

describe('a whole record as one claim of a token', () => {
  it.each([
    ['an object', record],
    ['a JSON string', JSON.stringify(record)],
  ])('gives profile, roles and entitlements as %s', async (_, payload) => {
    const acme = await customer();
    const { status, body } = await acme.login({ groups: undefined, [CLAIM]: payload });
    expect(status).toBe(200);
    expect(body.user).toMatchObject({
      userName: 'ada',
      displayName: 'Ada',
      email: 'ada@acme.com',
      roles: ['editor', 'viewer'],
    });
    const me = await world.rollcall.http.as(body.access_token).get('/auth/me');
    expect((me.body.entitlements as { key: string }[]).map(({ key }) => key)).toEqual(['report:7']);
  });

  it('clears what it omits', async () => {
    const acme = await customer();
    await acme.login({ groups: undefined, [CLAIM]: record });
    const { body } = await acme.login({ groups: undefined, [CLAIM]: { userName: 'ada' } });
    expect(body.user).toMatchObject({ userName: 'ada', displayName: null, email: null, roles: [] });
  });

  it('A11 leaves members of prototypes out, as a text as in an object', async () => {
    const acme = await customer();
    const { status, body } = await acme.login({
      groups: undefined,
      [CLAIM]: '{"userName":"ada","__proto__":{"roles":["editor"]}}',
    });
    expect(status).toBe(200);
    expect(body.user).toMatchObject({ userName: 'ada', roles: [] });
  });

  it('names the person as pushes do, so that both mean one user', async () => {
    const acme = await customer();
    await acme.push([{ externalId: 'x-1', userName: 'ada' }]);
    await acme.login({ [CLAIM]: record });
    expect(await acme.rows()).toMatchObject({ users: 1, identities: 1 });
  });

  it.each<[string, string, unknown]>([
    ['no JSON', 'claim_invalid', '{"userName":'],
    ['A5 a name twice in its text', 'claim_invalid', '{"userName":"ada","roles":["viewer"],"roles":["editor"]}'],
    [
      'A5 a name twice, spelt by an escape, deep in its text',
      'claim_invalid',
      '{"attributes":{"a":[{"b":1,"\\u0062":2}]}}',
    ],
    ['A6 half a character in its text', 'claim_invalid', '{"displayName":"\\ud800"}'],
    ['A10 a text that nests without end', 'claim_invalid', `{"attributes":${'['.repeat(2000)}${']'.repeat(2000)}}`],
    ['a list', 'claim_invalid', [record]],
    ['an unknown member', 'claim_invalid', { ...record, admin: true }],
    ['a wrong type', 'claim_invalid', { ...record, roles: 'admin' }],
    ['a role beyond the ceiling', 'role_not_allowed', { ...record, roles: ['admin'] }],
    ['an entitlement beyond the ceiling', 'entitlement_not_allowed', { ...record, entitlements: ['bank:1'] }],
    ['the word that the person is off', 'identity_inactive', { ...record, active: false }],
    ['a date far ahead', 'claim_invalid', { ...record, statedAt: '2199-01-01T00:00:00Z' }],
  ])('is refused with %s, and leaves nothing', async (_, reason, payload) => {
    const acme = await customer();
    expect((await acme.login({ [CLAIM]: payload })).status).toBe(401);
    expect(await acme.refusals()).toEqual([reason]);
    expect(await acme.rows()).toEqual({ users: 0, identities: 0, sessions: 0, grants: 0 });
  });

  it('E11 cannot reactivate a person whom a push switched off', async () => {
    const acme = await customer();
    await acme.push([{ externalId: 'x-1', userName: 'ada', active: false }]);
    expect((await acme.login({ [CLAIM]: { ...record, active: true } })).status).toBe(401);
  });
});
