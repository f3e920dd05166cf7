import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Customer, type CustomerSettings, LoginWorld } from '../support/login-world.js';
import { makeIdpKey } from '../support/signed-tokens.js';

let world: LoginWorld;

beforeAll(async () => {
  world = await LoginWorld.start();
});
afterAll(() => world.stop());

const seconds = () => Math.floor(world.clock.now() / 1e6);

type Over = Record<string, unknown>;

/** Statement, reason in the ledger, what differs in the claims, and in the connection. */
const bad: [string, string, (acme: Customer) => Over, CustomerSettings?][] = [
  ['D1 iss in a list', 'issuer_invalid', (acme) => ({ iss: [acme.realm.issuer] })],
  ['D1 iss with a slash more', 'issuer_mismatch', (acme) => ({ iss: `${acme.realm.issuer}/` })],
  ['D1 iss in other case', 'issuer_mismatch', (acme) => ({ iss: acme.realm.issuer.replace('http', 'HTTP') })],
  ['D1 no iss', 'issuer_invalid', () => ({ iss: undefined })],
  ['D2 no aud', 'audience_', () => ({ aud: undefined })],
  ['D2 an empty aud', 'audience_', () => ({ aud: '' })],
  ['D2 an empty list as aud', 'audience_', () => ({ aud: [] })],
  ['D2 an object as aud', 'audience_', () => ({ aud: { rollcall: true } })],
  ['D2 a foreign aud', 'audience_mismatch', () => ({ aud: 'shop' })],
  ['D2 the aud in other case', 'audience_mismatch', () => ({ aud: 'Rollcall' })],
  ['D3 a foreign azp', 'party_not_allowed', () => ({ azp: 'evil' })],
  ['D3 a foreign client_id', 'party_not_allowed', () => ({ client_id: 'evil' })],
  ['D3 a foreign appid beside a good azp', 'party_not_allowed', () => ({ azp: 'rollcall', appid: 'evil' })],
  ['D3 several audiences and no party', 'party_missing', () => ({ aud: ['rollcall', 'shop'] })],
  ['D4 no sub', 'subject_invalid', () => ({ sub: undefined })],
  ['D4 an empty sub', 'subject_invalid', () => ({ sub: '' })],
  ['D4 a list as sub', 'subject_invalid', () => ({ sub: ['u-1'] })],
  ['D4 a number as sub', 'subject_invalid', () => ({ sub: 7 })],
  ['D4 a sub of 256 characters', 'subject_invalid', () => ({ sub: 'u'.repeat(256) })],
  ['D5 no exp', 'exp_invalid', () => ({ exp: undefined })],
  ['D5 exp as a text', 'exp_invalid', () => ({ exp: String(seconds() + 60) })],
  ['D5 exp passed', 'exp_passed', () => ({ iat: seconds() - 600, exp: seconds() - 31 })],
  ['D5 a life of more than 7,200 s', 'lifetime_too_long', () => ({ exp: seconds() + 7300 })],
  ['D6 no iat', 'iat_invalid', () => ({ iat: undefined })],
  ['D6 an iat ahead', 'iat_in_future', () => ({ iat: seconds() + 60 })],
  ['D6 an iat of an hour ago', 'iat_too_old', () => ({ iat: seconds() - 3700 })],
  ['D7 an nbf ahead', 'nbf_in_future', () => ({ nbf: seconds() + 60 })],
  ['D7 no skew above 300 s', 'exp_passed', () => ({ exp: seconds() - 301 }), { clockToleranceSeconds: 9999 }],
  ['D8 a security event', 'type_not_allowed', () => ({ events: {} })],
  ['D11 no acr', 'acr_unmet', () => ({}), { conditions: { acr: ['gold'] } }],
  ['D11 another acr', 'acr_unmet', () => ({ acr: 'tin' }), { conditions: { acr: ['gold'] } }],
  ['D11 an amr too few', 'amr_unmet', () => ({ amr: ['pwd'] }), { conditions: { amr: ['pwd', 'otp'] } }],
  ['D11 no auth_time', 'auth_time_unmet', () => ({}), { conditions: { maxAuthAgeSeconds: 60 } }],
  [
    'D11 an old auth_time',
    'auth_time_unmet',
    () => ({ auth_time: seconds() - 100 }),
    { conditions: { maxAuthAgeSeconds: 60 } },
  ],
  ['D11 a nonce that was not sent', 'nonce_unmet', () => ({ nonce: 'n' }), { conditions: { nonce: true } }],
  ['G9 a required claim', 'claim_required', () => ({ hd: 'evil.com' }), { requiredClaims: { hd: 'acme.com' } }],
];

describe('a token whose claims are not in order', () => {
  it.each(bad.map(([what, reason, over, more = {}]) => ({ what, reason, over, more })))(
    '$what is refused as $reason before its key is asked for, and leaves nothing',
    async ({ reason, over, more }) => {
      const acme = await world.addCustomer(more);
      const answer = await acme.login(over(acme), { tenant: acme.tenantId });
      expect([answer.status, answer.body.code]).toEqual([401, 'login_refused']);
      expect(await acme.refusals()).toEqual([expect.stringMatching(`^${reason}`)]);
      expect(await acme.rows()).toEqual({ users: 0, identities: 0, sessions: 0, grants: 0 });
      expect(acme.realm.fetches).toEqual([]);
    },
  );

  it.each(['logout+jwt', 'secevent+jwt', 'dpop+jwt', 'oauth-id-jag+jwt', 'application/logout+jwt', 'rollcall+jwt', 7])(
    'D8 typ %j never logs in, though the connection lists it',
    async (typ) => {
      const acme = await world.addCustomer({ tokenTypes: ['JWT', 'logout+jwt', 'secevent+jwt', 'dpop+jwt'] });
      const answer = await world.login(acme.token({}, { typ }));
      expect(answer.status).toBe(401);
      expect(await acme.refusals()).toEqual(['type_not_allowed']);
    },
  );

  it('D1 a key of one issuer never verifies a token of another, even under its kid', async () => {
    const acme = await world.addCustomer();
    const evil = await world.addCustomer({}, makeIdpKey('RS256', 'k1'));
    const answer = await world.login(acme.token({}, {}, evil.realm.key));
    expect(answer.status).toBe(401);
    expect(await acme.refusals()).toEqual(['signature_invalid']);
    expect(evil.realm.fetches).toEqual([]);
  });

  it('D3 D11 what the conditions ask for lets in', async () => {
    const acme = await world.addCustomer({
      authorizedParties: ['web'],
      conditions: { acr: ['gold'], amr: ['otp'], maxAuthAgeSeconds: 60, nonce: true },
    });
    const claims = { aud: ['rollcall', 'shop'], azp: 'web', acr: 'gold', amr: ['pwd', 'otp'], auth_time: seconds() };
    expect((await acme.login({ ...claims, nonce: 'n-1' }, { nonce: 'n-1' })).status).toBe(200);
    expect((await acme.login({ ...claims, nonce: 'n-1' }, { nonce: 'n-2' })).status).toBe(401);
  });

  it('D9 an access token of this service is refused at login, and a token of an IdP everywhere else', async () => {
    const acme = await world.addCustomer();
    const { body } = await acme.login();
    expect((await world.login(body.access_token)).status).toBe(401);
    expect((await world.rollcall.http.as(acme.token()).get('/auth/me')).status).toBe(401);
    expect((await world.rollcall.http.as(acme.token()).get('/users')).status).toBe(401);
  });
});

describe('D10 a token logs in once', () => {
  it('D10 the second login with one jti is refused, and noted as a replay', async () => {
    const acme = await world.addCustomer();
    const token = acme.token();
    expect((await world.login(token)).status).toBe(200);
    expect((await world.login(token)).status).toBe(401);
    const resigned = await acme.login({
      jti: JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).jti,
    });
    expect(resigned.status).toBe(401);
    expect(await acme.refusals()).toEqual(['token_replayed', 'token_replayed']);
    expect((await acme.rows()).sessions).toBe(1);
  });

  it('D10 of 20 parallel uses exactly one logs in', async () => {
    const acme = await world.addCustomer();
    const token = acme.token();
    const answers = await Promise.all(Array.from({ length: 20 }, () => world.login(token)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(19).fill(401)]);
    expect(await acme.rows()).toMatchObject({ users: 1, sessions: 1 });
  });

  it('D10 another connection’s jti of the same text is another token, and one without jti is not held', async () => {
    const [acme, bolt] = [await world.addCustomer(), await world.addCustomer()];
    expect((await acme.login({ jti: 'same' })).status).toBe(200);
    expect((await bolt.login({ jti: 'same' })).status).toBe(200);
    const bare = acme.token({ jti: undefined });
    expect((await world.login(bare)).status).toBe(200);
    expect((await world.login(bare)).status).toBe(200);
  });

  it('D10 without oneTime a token logs in again', async () => {
    const acme = await world.addCustomer({ oneTime: false });
    const token = acme.token();
    expect((await world.login(token)).status).toBe(200);
    expect((await world.login(token)).status).toBe(200);
  });
});

describe('what the outside hears', () => {
  it('G4 an unknown user, a wrong issuer, a bad signature and a replay are answered byte for byte alike', async () => {
    const acme = await world.addCustomer({ login: { ...LOGIN, createUsers: false } });
    const used = await world.addCustomer();
    const replayed = used.token();
    await world.login(replayed);
    const tokens = {
      unknownUser: acme.token(),
      wrongIssuer: acme.token({ iss: 'https://nobody.example.com' }),
      badSignature: acme.token({}, {}, makeIdpKey('RS256', 'k1')),
      unknownKid: acme.token({}, { kid: 'k2' }),
      expired: acme.token({ exp: seconds() - 100 }),
      noToken: 'nonsense',
      replayed,
    };
    const seen = new Set<string>();
    for (const token of Object.values(tokens)) {
      const { status, headers, body } = await world.login(token);
      const { requestId, ...rest } = body;
      expect(requestId === undefined || typeof requestId === 'string').toBe(true);
      const names = [...headers.keys()].filter((name) => !['date', 'x-request-id'].includes(name));
      seen.add(
        JSON.stringify([status, rest, names.map((name) => name === 'content-length' || [name, headers.get(name)])]),
      );
    }
    expect([...seen]).toHaveLength(1);
    expect(await acme.refusals()).toEqual(['unknown_person', 'signature_invalid', 'kid_unknown', 'exp_passed']);
  });

  it('G3 no token stands in an answer or in the ledger', async () => {
    const acme = await world.addCustomer();
    const token = acme.token({ sub: '' });
    const answer = await world.login(token);
    const [, payload = ''] = token.split('.');
    expect(JSON.stringify(answer.body)).not.toContain(payload);
    await acme.refusals();
    const rows: object[] = await world.rollcall.database.read.query('SELECT * FROM events');
    expect(rows.filter((row) => JSON.stringify(row).includes(payload))).toEqual([]);
  });
});

const LOGIN = { enabled: true, createUsers: true, subject: 'claims.sub', match: [], maxSessionSeconds: 43_200 };

describe('G9 which connection', () => {
  it('G9 two connections of one issuer are told apart by requiredClaims', async () => {
    const acme = await world.addCustomer({ requiredClaims: { hd: 'acme.com' } });
    const bolt = await world.connect((await world.addCustomer()).tenantId, acme.realm, {
      requiredClaims: { hd: 'bolt.com' },
    });
    expect((await acme.login({ hd: 'acme.com' })).body.user.tenant).toBe(acme.tenantId);
    expect((await acme.login({ hd: 'bolt.com' })).body.user.tenant).toBe(bolt.tenantId);
    expect((await acme.login({ hd: 'evil.com' })).status).toBe(401);
  });

  it('G9 a connection counts from its first moment, though its issuer was looked up just before', async () => {
    const acme = await world.addCustomer({ requiredClaims: { hd: 'acme.com' } });
    expect((await acme.login({ hd: 'late.com' })).status).toBe(401);
    const late = await world.connect((await world.addCustomer()).tenantId, acme.realm, {
      requiredClaims: { hd: 'late.com' },
    });
    expect((await acme.login({ hd: 'late.com' })).body.user.tenant).toBe(late.tenantId);
  });

  it('G9 that several match is told only to who holds a verified token; a name narrows and never widens', async () => {
    const acme = await world.addCustomer();
    const twin = await world.connect(acme.tenantId, acme.realm);
    const foreign = await world.addCustomer();
    const forged = await world.login(acme.token({}, {}, makeIdpKey('RS256', 'k1')));
    expect([forged.status, forged.body.code]).toEqual([401, 'login_refused']);
    const good = await acme.login();
    expect([good.status, good.body.code]).toEqual([409, 'connection_ambiguous']);
    expect(await acme.rows()).toMatchObject({ users: 0, sessions: 0 });
    const named = await acme.login({}, { connection: twin.connectionId });
    expect(named.status).toBe(200);
    expect((await acme.login({}, { connection: foreign.connectionId })).status).toBe(401);
    expect((await acme.login({}, { tenant: foreign.tenantId })).status).toBe(401);
    expect((await acme.login({}, { tenant: 'no-such-tenant', connection: twin.connectionId })).status).toBe(401);
  });
});
