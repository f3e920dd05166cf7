import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify, SignJWT } from 'jose';
import jsonwebtoken from 'jsonwebtoken';
import { IsNull } from 'typeorm';
import { Checkpoints } from '../../src/ledger/checkpoints.js';
import { LedgerService } from '../../src/ledger/ledger.service.js';
import { Sequencer } from '../../src/ledger/sequencer.js';
import { verifyLedger } from '../../src/ledger/verify-ledger.js';
import { Clock, DAY, MINUTE, SECOND } from '../../src/platform/clock.js';
import { CONFIG } from '../../src/platform/config.js';
import { Leases } from '../../src/platform/leases.js';
import { openSealer, Sealer } from '../../src/platform/seal.js';
import { PUBLISH_LEAD, PUBLISH_TRAIL } from '../../src/records/sessions/signing-key-rules.js';
import { SigningKeyEntity } from '../../src/records/sessions/signing-key.entity.js';
import { SigningKeysService } from '../../src/records/sessions/signing-keys.service.js';
import { checkSealed } from '../../src/sealed-check.js';
import { userEvent } from '../support/ledger-writers.js';
import { HandClock, type OpenedSession, SessionWorld } from '../support/session-world.js';
import { startApp, type TestApp } from '../support/start-app.js';

interface KeySet {
  keys: { kid: string; d?: string }[];
}
const PUBLIC_URL = 'https://rollcall.example.com/base';

describe('own keys and tokens', () => {
  let rollcall: TestApp;
  let clock: HandClock;
  let world: SessionWorld;
  let who: { userId: string; identityId: string };
  beforeAll(async () => {
    rollcall = await startApp({ PUBLIC_URL: `${PUBLIC_URL}/` });
    clock = new HandClock(rollcall);
    world = await new SessionWorld(rollcall, clock).build();
    who = await world.addUser('editor');
  });
  afterAll(() => rollcall.stop());

  const keySet = async () =>
    (await rollcall.http.get<KeySet>('/.well-known/jwks.json')).body.keys.map((key) => key.kid);
  const statusOf = async (token: string) => (await rollcall.http.as(token).get('/auth/me')).status;
  const anotherInstance = (secret?: Sealer) => {
    const { app, database } = rollcall;
    return new SigningKeysService(database, app.get(Clock), app.get(Leases), secret ?? app.get(Sealer));
  };

  it('F1 an access token verifies against the published keys alone', async () => {
    const { accessToken } = await world.open(who);
    const keys = createRemoteJWKSet(new URL(`${rollcall.url}/.well-known/jwks.json`));
    const { payload } = await jwtVerify(accessToken, keys, { issuer: PUBLIC_URL, audience: 'shop', typ: 'at+jwt' });
    expect(payload).toMatchObject({ sub: who.userId, tid: world.tenantId, client_id: 'shop', roles: ['editor'] });
  });

  it('publishes public members alone, and lets the answer be kept for a while', async () => {
    const answer = await rollcall.http.get<KeySet>('/.well-known/jwks.json');
    expect(answer.headers.get('cache-control')).toBe('public, max-age=300');
    for (const key of answer.body.keys) {
      expect(Object.keys(key).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
    }
  });

  it('F7 the metadata names the issuer byte for byte', async () => {
    const { body } = await rollcall.http.get('/.well-known/oauth-authorization-server');
    expect(body).toMatchObject({ issuer: PUBLIC_URL, jwks_uri: `${PUBLIC_URL}/.well-known/jwks.json` });
  });

  describe('D9 a resource endpoint refuses', () => {
    let mine: OpenedSession;
    let claims: Record<string, unknown>;
    let ownKey: KeyObject;
    let kid: string;
    beforeAll(async () => {
      mine = await world.open(who);
      claims = jsonwebtoken.decode(mine.accessToken, { json: true }) as Record<string, unknown>;
      const row = await rollcall.database.read.findOneByOrFail(SigningKeyEntity, {});
      kid = row.kid;
      const der = rollcall.app.get(Sealer).unseal('signing key', row.sealedPrivateKey);
      ownKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    });
    const signed = (change: object, header: object = {}, key = ownKey, alg = 'ES256') =>
      new SignJWT({ ...claims, ...change }).setProtectedHeader({ alg, typ: 'at+jwt', kid, ...header }).sign(key);
    const foreign = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

    it('nothing that is right in every part', async () => {
      expect(await statusOf(await signed({}))).toBe(200);
    });

    it.each<[string, () => Promise<string> | string]>([
      ['a token with the type of an ID token', () => signed({}, { typ: 'JWT' })],
      ['a token without a type', () => signed({}, { typ: undefined })],
      ['a logout token', () => signed({}, { typ: 'logout+jwt' })],
      ['a token of another issuer', () => signed({ iss: 'https://acme.example.com' })],
      ['a token whose issuer ends in a slash', () => signed({ iss: `${PUBLIC_URL}/` })],
      ['a token for another audience', () => signed({ aud: 'another' })],
      ['a token for several audiences', () => signed({ aud: ['shop', 'another'] })],
      ['an expired token', () => signed({ exp: Math.floor(clock.now() / SECOND) })],
      ['a token without an end', () => signed({ exp: undefined })],
      ['a token of another user', () => signed({ sub: 'x' })],
      ['a token of another tenant', () => signed({ tid: 'x' })],
      ['a token of no session', () => signed({ sid: 'x' })],
      ['a token of a foreign key under our kid', () => signed({}, {}, foreign())],
      ['a token of an unknown key', () => signed({}, { kid: 'unknown' }, foreign())],
      ['a token that brings its key', () => signed({}, { kid: undefined, jwk: { kty: 'EC' } }, foreign())],
      [
        'an RS256 token of an identity provider',
        () => signed({}, {}, generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey, 'RS256'),
      ],
      [
        'a token without a signature',
        () => `${Buffer.from(`{"alg":"none","typ":"at+jwt","kid":"${kid}"}`).toString('base64url')}.e30.`,
      ],
      [
        'an HMAC by our public key',
        () => {
          const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
          const publicPem = createPublicKey(ownKey).export({ format: 'pem', type: 'spki' });
          const input = `${part({ alg: 'HS256', typ: 'at+jwt', kid })}.${part(claims)}`;
          return `${input}.${createHmac('sha256', publicPem).update(input).digest('base64url')}`;
        },
      ],
      ['three parts of nothing', () => 'a.b.c'],
    ])('%s', async (_, make) => {
      expect(await statusOf(await make())).toBe(401);
    });
  });

  describe('F7 rotation', () => {
    it('publishes a new key before its first use, and the old one until its last token has expired', async () => {
      clock.offset = 0;
      const keys = rollcall.app.get(SigningKeysService);
      const [old] = await keySet();
      const { kid, activeFrom } = await keys.rotate();
      expect(await keySet()).toEqual([old, kid]);
      const kidNow = async () => decodeProtectedHeader((await world.open(who)).accessToken).kid;
      expect(await kidNow()).toBe(old);
      clock.pass(PUBLISH_LEAD - MINUTE);
      const last = await world.open(who);
      expect(decodeProtectedHeader(last.accessToken).kid).toBe(old);
      clock.offset += activeFrom - clock.now();
      expect(await kidNow()).toBe(kid);
      expect(await statusOf(last.accessToken)).toBe(200);
      clock.pass(15 * MINUTE);
      expect(await keySet()).toEqual([old, kid]);
      clock.pass(PUBLISH_TRAIL);
      expect(await keySet()).toEqual([kid]);
    });

    it('another instance notices a new key within half a minute, and an unknown one when it is asked for', async () => {
      const other = anotherInstance();
      const third = anotherInstance();
      const before = await other.getSigner(clock.now());
      await third.getSigner(clock.now());
      const { kid, activeFrom } = await rollcall.app.get(SigningKeysService).rotate({ now: clock.now() });
      clock.pass(2 * SECOND);
      expect(await third.findVerificationKey(kid, clock.now())).not.toBeNull();
      clock.pass(31 * SECOND);
      expect((await other.getSigner(clock.now())).kid).toBe(before.kid);
      expect((await other.getKeySet(clock.now())).keys.map((key) => key.kid)).toContain(kid);
      clock.offset += activeFrom - clock.now();
      expect((await other.getSigner(clock.now())).kid).toBe(kid);
    });

    it('comes by itself after 30 days, once, however many instances look', async () => {
      const instances = [rollcall.app.get(SigningKeysService), anotherInstance(), anotherInstance()];
      const all = () => Promise.all(instances.map((each) => each.rotateIfDue()));
      expect(await all()).toEqual([null, null, null]);
      clock.pass(31 * DAY);
      expect((await all()).filter(Boolean)).toHaveLength(1);
      expect(await all()).toEqual([null, null, null]);
    });

    it('does not start under a secret that opens none of them, and the doctor says so; it does beside the former', async () => {
      const [right, wrong] = [rollcall.app.get(CONFIG), 'another secret of at least 32 bytes'];
      const made = {
        ROLLCALL_SECRET: wrong,
        ROLLCALL_FORMER_SECRET: readFileSync(join(right.DATA_DIR, 'secret'), 'utf8'),
      };
      const known = await keySet();
      await expect(anotherInstance(new Sealer(Buffer.from(wrong))).onApplicationBootstrap()).rejects.toMatchObject({
        faults: [
          expect.stringMatching(
            /^ROLLCALL_SECRET opens none .* ROLLCALL_FORMER_SECRET, and run `rollcall keys reseal`/,
          ),
        ],
      });
      await anotherInstance(openSealer({ ...right, ...made })).onApplicationBootstrap();
      expect(await keySet()).toEqual(known);
      const { database } = rollcall;
      const examined = await Promise.all(
        [right, { ...right, ROLLCALL_SECRET: wrong }, { ...right, ...made }].map((each) => checkSealed(each, database)),
      );
      expect(examined.flat().map(({ isGood }) => isGood)).toEqual([true, false, true]);
    });

    it('makes a new key where the old ones were sealed under another secret, and still publishes those', async () => {
      const other = anotherInstance(new Sealer(Buffer.from('another secret of at least 32 bytes')));
      const before = await keySet();
      const signer = await other.getSigner(clock.now());
      expect(before).not.toContain(signer.kid);
      expect((await other.getKeySet(clock.now())).keys.map((key) => key.kid)).toEqual(
        expect.arrayContaining([...before, signer.kid]),
      );
    });
  });

  it('F7 of several instances that start at once one makes the first key', async () => {
    await rollcall.database.transaction((tx) => tx.createQueryBuilder().delete().from(SigningKeyEntity).execute());
    const instances = Array.from({ length: 4 }, () => anotherInstance());
    const signers = await Promise.all(instances.map((each) => each.getSigner(clock.now())));
    expect(new Set(signers.map((signer) => signer.kid)).size).toBe(1);
    expect(await rollcall.database.read.count(SigningKeyEntity)).toBe(1);
  });

  it('signs the heads of ledgers; a key that has long retired still proves them, and can sign nothing more', async () => {
    await rollcall.database.transaction((tx) =>
      rollcall.app.get(LedgerService).record(tx, [userEvent(world.tenantId, who.userId, 1)]),
    );
    await rollcall.app.get(Sequencer).catchUp();
    clock.pass(MINUTE);
    expect(await rollcall.app.get(Checkpoints).signDue()).toBeGreaterThan(0);
    const [checkpoint]: { kid: string }[] = await rollcall.database.read.query('SELECT kid FROM ledger_checkpoints');
    const { kid } = await rollcall.app.get(SigningKeysService).rotate();
    expect(checkpoint?.kid).not.toBe(kid);
    clock.pass(40 * DAY);
    await rollcall.app.get(SigningKeysService).rotate();
    expect(await keySet()).not.toContain(checkpoint?.kid);
    const row = await rollcall.database.read.findOneBy(SigningKeyEntity, { kid: checkpoint?.kid ?? '' });
    expect(row?.sealedPrivateKey).toBe('');

    const keys = anotherInstance();
    const checkSignature = (by: string, text: string, signature: string) => keys.verify(by, text, signature);
    expect(await verifyLedger(rollcall.database, { checkSignature })).toMatchObject({ faults: [] });
    await rollcall.database.transaction((tx) => tx.query('UPDATE ledger_checkpoints SET at = at + 1'));
    const { faults } = await verifyLedger(rollcall.database, { checkSignature });
    expect(faults[0]?.detail).toContain(`is not of key ${checkpoint?.kid}`);
  });

  it('keeps no private key in the clear', async () => {
    const [row] = await rollcall.database.read.findBy(SigningKeyEntity, { retiredAt: IsNull() });
    expect(row?.sealedPrivateKey).toMatch(/^s1\./);
    expect(row?.publicJwk).not.toHaveProperty('d');
  });
});

it('a database that is away is 503 and no refusal of token or session, and the key set stays', async () => {
  const rollcall = await startApp();
  const clock = new HandClock(rollcall);
  const world = await new SessionWorld(rollcall, clock).build();
  const mine = await world.open(await world.addUser());
  await rollcall.database.close();
  clock.pass(MINUTE);
  try {
    const answers = [
      await rollcall.http.as(mine.accessToken).get('/auth/me'),
      await rollcall.http.post('/auth/refresh', { refresh_token: mine.refreshToken }),
    ];
    for (const answer of answers) {
      expect(answer.body).toMatchObject({ status: 503, code: 'database_unavailable' });
      expect(answer.headers.get('retry-after')).not.toBeNull();
    }
    const { body } = await rollcall.http.get<KeySet>('/.well-known/jwks.json');
    expect(body.keys).toHaveLength(1);
  } finally {
    await rollcall.stop();
  }
});
