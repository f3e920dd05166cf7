import { constants, createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Customer, LoginWorld } from '../support/login-world.js';
import { encodePart, type IdpKey, makeIdpKey, signParts } from '../support/signed-tokens.js';

let world: LoginWorld;

beforeAll(async () => {
  world = await LoginWorld.start();
});
afterAll(() => world.stop());

const other = makeIdpKey('RS256', 'other');
const weak = makeIdpKey('RS256', 'weak', 1024);
const curve = makeIdpKey('ES256', 'curve');
const KEYLESS = 0;

const header = (over: Record<string, unknown> = {}) => ({ alg: 'RS256', typ: 'JWT', kid: 'k1', ...over });
const signed = (acme: Customer, head: Parameters<typeof signParts>[1], payload: Parameters<typeof signParts>[2]) =>
  signParts(acme.realm.key, head, payload);
const text = (acme: Customer, more: string) => `{${JSON.stringify(acme.claims()).slice(1, -1)},${more}}`;
const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

/** A token as it was sent in one of the attacks, and the realm prepared for it. */
type Make = (acme: Customer) => string;

function unsigned(acme: Customer, alg: string): string {
  return `${encodePart(header({ alg }))}.${encodePart(acme.claims())}.${encodePart('x')}`;
}

function under(key: IdpKey | Record<string, unknown>, token: Make): Make {
  return (acme) => {
    acme.realm.keys = [LoginWorld.key, 'jwk' in key ? (key as IdpKey) : ({ jwk: key } as unknown as IdpKey)];
    return token(acme);
  };
}

const byKid =
  (key: IdpKey): Make =>
  (acme) =>
    acme.token({}, {}, key);

function ecSigned(acme: Customer, makeSignature: (input: Buffer) => Buffer): string {
  const input = `${encodePart(header({ alg: 'ES256', kid: 'curve' }))}.${encodePart(acme.claims())}`;
  return `${input}.${makeSignature(Buffer.from(input)).toString('base64url')}`;
}

/** Statement, what is done, the reason that the ledger holds, how often the keys are asked for, the token. */
const bad: [string, string, string, number, Make][] = [
  ['A1', 'no token at all', 'token_malformed', KEYLESS, () => 'hello'],
  ['A1', 'two segments', 'token_malformed', KEYLESS, (acme) => acme.token().split('.', 2).join('.')],
  ['A2', 'padding', 'token_malformed', KEYLESS, (acme) => `${acme.token()}=`],
  ['A2', 'a line break', 'token_malformed', KEYLESS, (acme) => acme.token().replace('.', '.\r\n')],
  ['A2', 'a plus', 'token_malformed', KEYLESS, (acme) => acme.token().replace('.', '.+')],
  [
    'A2',
    'bits that belong to no byte',
    'token_encoding',
    KEYLESS,
    (acme) => {
      // A signature of 256 bytes ends in a character of which four bits say nothing.
      const token = acme.token();
      const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
      return token.slice(0, -1) + (alphabet[alphabet.indexOf(token.slice(-1)) + 1] ?? '');
    },
  ],
  [
    'A3',
    'the JSON serialisation',
    'token_json_serialized',
    KEYLESS,
    (acme) => {
      const [protect, payload, signature] = acme.token().split('.');
      return JSON.stringify({ protected: protect, payload, signature });
    },
  ],
  ['A4', 'an encrypted token', 'token_encrypted', KEYLESS, () => `${encodePart({ alg: 'dir', enc: 'A' })}.a.b.c.d`],
  [
    'A4',
    'a compressed token',
    'zip_unsupported',
    KEYLESS,
    (acme) => signed(acme, header({ zip: 'DEF' }), acme.claims()),
  ],
  ['A5', 'sub twice', 'token_duplicate_name', KEYLESS, (acme) => signed(acme, header(), text(acme, '"sub":"root"'))],
  [
    'A5',
    'a name twice, spelt by an escape, deep inside',
    'token_duplicate_name',
    KEYLESS,
    (acme) => signed(acme, header(), text(acme, '"x":[{"a":1,"\\u0061":2}]')),
  ],
  [
    'A5',
    'alg twice',
    'token_duplicate_name',
    KEYLESS,
    (acme) => signed(acme, '{"alg":"RS256","kid":"k1","alg":"none"}', acme.claims()),
  ],
  [
    'A6',
    'bytes that are no UTF-8',
    'token_text',
    KEYLESS,
    (acme) => signed(acme, header(), Buffer.from(text(acme, '"x":"\xff"'), 'latin1')),
  ],
  [
    'A6',
    'a byte order mark',
    'token_text',
    KEYLESS,
    (acme) => signed(acme, header(), `\ufeff${JSON.stringify(acme.claims())}`),
  ],
  [
    'A6',
    'UTF-16',
    'token_',
    KEYLESS,
    (acme) => signed(acme, header(), Buffer.from(JSON.stringify(acme.claims()), 'utf16le')),
  ],
  ...['[]', '"text"', '7', 'true', 'null'].map((payload): (typeof bad)[number] => [
    'A7',
    `the payload ${payload}`,
    'payload_not_object',
    KEYLESS,
    (acme) => signed(acme, header(), payload),
  ]),
  ...[[], ['exp'], ['b64'], 'exp', ['x', 'x'], null, {}].map((crit): (typeof bad)[number] => [
    'A8',
    `crit ${JSON.stringify(crit)}`,
    'crit_unsupported',
    KEYLESS,
    (acme) => signed(acme, header({ crit, x: 1 }), acme.claims()),
  ]),
  ['A9', 'b64: false', 'b64_unsupported', KEYLESS, (acme) => signed(acme, header({ b64: false }), acme.claims())],
  ['A10', '17 KiB', 'token_too_large', KEYLESS, (acme) => acme.token({ x: 'x'.repeat(17_000) })],
  [
    'A10',
    'lists in lists',
    'token_too_deep',
    KEYLESS,
    (acme) => signed(acme, header(), text(acme, `"x":${nested(17)}`)),
  ],
  ['A10', '1,001 groups', 'token_too_many_items', KEYLESS, (acme) => acme.token({ groups: Array(1001).fill('g') })],
  ['A12', 'a token in a token', 'token_nested', KEYLESS, (acme) => signed(acme, header({ cty: 'JWT' }), acme.claims())],
  ['A12', 'a bare token as payload', 'token_json', KEYLESS, (acme) => signed(acme, header(), acme.token())],

  ...['none', 'None', 'NONE', 'nOnE'].map((alg): (typeof bad)[number] => [
    'B1',
    `alg ${alg}`,
    'alg_none',
    KEYLESS,
    (acme) => unsigned(acme, alg),
  ]),
  ['B1', 'an empty signature', 'signature_missing', KEYLESS, (acme) => acme.token().replace(/[^.]+$/, '')],
  [
    'B2',
    'HS256 with the public key as its secret',
    'alg_symmetric',
    KEYLESS,
    (acme) => {
      const input = `${encodePart(header({ alg: 'HS256' }))}.${encodePart(acme.claims())}`;
      const secret = acme.realm.key.publicKey.export({ type: 'spki', format: 'pem' });
      return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
    },
  ],
  [
    'B3',
    'an algorithm outside the list',
    'alg_not_allowed',
    KEYLESS,
    (acme) => acme.token({}, {}, makeIdpKey('EdDSA')),
  ],
  [
    'B4',
    'a key for RS256 under PS256',
    'key_wrong_algorithm',
    1,
    (acme) => signParts(acme.realm.key, header({ alg: 'PS256' }), acme.claims(), 'PS256'),
  ],
  ['B5', 'a key for encryption', 'kid_unknown', 1, under({ ...other.jwk, use: 'enc' }, byKid(other))],
  ['B5', 'a key that does not verify', 'kid_unknown', 1, under({ ...other.jwk, key_ops: ['wrapKey'] }, byKid(other))],
  ['B6', 'RSA of 1,024 bits', 'kid_unknown', 1, under(weak, byKid(weak))],
  ['B7', 'two keys of one kid', 'kid_ambiguous', 1, under({ ...other.jwk, kid: 'k1' }, (acme) => acme.token())],
  [
    'B8',
    'a published private key',
    'kid_unknown',
    1,
    under({ ...other.privateKey.export({ format: 'jwk' }), kid: 'other', alg: 'RS256' }, byKid(other)),
  ],
  [
    'B8',
    'a published secret',
    'alg_symmetric',
    0,
    under({ kty: 'oct', k: 'AAAA', kid: 'o' }, (acme) => unsigned(acme, 'HS256')),
  ],
  [
    'B9',
    'its own key in jwk, jku, x5u and x5c',
    'signature_invalid',
    1,
    (acme) => {
      const { jwksUri } = world.idp.addRealm(other);
      return acme.token({}, { kid: 'k1', jwk: other.jwk, jku: jwksUri, x5u: jwksUri, x5c: ['AAAA'] }, other);
    },
  ],
  ['B10', 'a kid that is a number', 'kid_invalid', KEYLESS, (acme) => acme.token({}, { kid: 7 })],
  ['B10', 'a kid of 257 characters', 'kid_invalid', KEYLESS, (acme) => acme.token({}, { kid: 'k'.repeat(257) })],
  ...["k1' OR '1'='1", '../../../../dev/null', '`id`', '${7*7}', '__proto__'].map((kid): (typeof bad)[number] => [
    'B10',
    `the kid ${kid}`,
    'kid_unknown',
    1,
    (acme) => acme.token({}, { kid }),
  ]),
  ['B11', 'no kid among several keys', 'kid_missing', 1, under(other, (acme) => acme.token({}, { kid: undefined }))],
  ['B12', 'r and s of zero', 'signature_invalid', 1, under(curve, (acme) => ecSigned(acme, () => Buffer.alloc(64)))],
  [
    'B12',
    'a signature in DER',
    'signature_invalid',
    1,
    under(curve, (acme) => ecSigned(acme, (input) => sign('sha256', input, curve.privateKey))),
  ],
  ['B14', 'an algorithm nobody has here', 'alg_unsupported', KEYLESS, (acme) => unsigned(acme, 'ES256K')],
  [
    'B',
    'a signature over other claims',
    'signature_invalid',
    1,
    (acme) => acme.token().replace(/\.[^.]+\./, `.${encodePart(acme.claims({ sub: 'root' }))}.`),
  ],
  [
    'B',
    'PSS with a salt of another length',
    'signature_invalid',
    1,
    (acme) => {
      const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
      const jwk = { ...pair.publicKey.export({ format: 'jwk' }), kid: 'pss', alg: 'PS256', use: 'sig' };
      acme.realm.keys = [LoginWorld.key, { jwk } as unknown as IdpKey];
      const input = `${encodePart(header({ alg: 'PS256', kid: 'pss' }))}.${encodePart(acme.claims())}`;
      const padding = constants.RSA_PKCS1_PSS_PADDING;
      const signature = sign('sha256', Buffer.from(input), { key: pair.privateKey, padding, saltLength: 0 });
      return `${input}.${signature.toString('base64url')}`;
    },
  ],
];

describe('a bad token is refused with one answer, leaves nothing, and the ledger says why', () => {
  it.each(bad)('%s %s: %s', async (_, __, reason, fetches, make) => {
    const acme = await world.addCustomer({ algorithms: ['RS256', 'PS256', 'ES256'] });
    const answer = await world.login(make(acme), { tenant: acme.tenantId });
    expect([answer.status, answer.body.code]).toEqual([401, 'login_refused']);
    expect(await acme.refusals()).toEqual([expect.stringMatching(`^${reason}`)]);
    expect(await acme.rows()).toEqual({ users: 0, identities: 0, sessions: 0, grants: 0 });
    expect(acme.realm.fetches).toHaveLength(fetches);
  });
});

describe('what looks odd and is right', () => {
  it('A11 claims named __proto__, constructor and prototype change nothing and match nothing', async () => {
    const acme = await world.addCustomer();
    const groups = '{"groups":["engineering"]}';
    const claims = JSON.stringify(acme.claims({ groups: undefined })).slice(1);
    const evil = `{"__proto__":${groups},"prototype":${groups},"constructor":{"prototype":${groups}},${claims}`;
    const answer = await world.login(signed(acme, header(), evil));
    expect([answer.status, answer.body.user.roles]).toEqual([200, []]);
    expect(({} as Record<string, unknown>).groups).toBeUndefined();
  });

  it('B11 a token without kid is good where the issuer has exactly one key that fits', async () => {
    const acme = await world.addCustomer({ algorithms: ['RS256', 'ES256'] });
    acme.realm.keys.push(curve);
    expect((await world.login(acme.token({}, { kid: undefined }))).status).toBe(200);
  });

  it('B14 EdDSA verifies by that name and by the name Ed25519', async () => {
    const key = makeIdpKey('EdDSA', 'ed');
    const acme = await world.addCustomer({ algorithms: ['EdDSA', 'Ed25519'] }, key);
    expect((await world.login(acme.token({}, { alg: 'EdDSA' }))).status).toBe(200);
    const named = makeIdpKey('Ed25519', 'ed2');
    const acme2 = await world.addCustomer({ algorithms: ['EdDSA', 'Ed25519'] }, named);
    expect((await world.login(acme2.token())).status).toBe(200);
  });

  it('C11 a key that cannot be read does not disable the others', async () => {
    const acme = await world.addCustomer();
    const broken = [{ kty: 'RSA', n: '!' }, { kty: 'XYZ', kid: 'k1' }, 7, null].map((jwk) => ({ jwk }));
    acme.realm.keys.push(...(broken as unknown as IdpKey[]));
    expect((await acme.login()).status).toBe(200);
  });
});
