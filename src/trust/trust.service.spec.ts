import { describe, expect, it } from '@jest/globals';
import { Global, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  type IdpKey,
  ISSUER,
  makeClaims,
  makeIdpKey,
  makePolicy,
  publish,
  signParts,
  signToken,
} from '../../test/support/signed-tokens.js';
import { Clock, SECOND } from '../platform/clock.js';
import { Outbound } from '../platform/outbound.js';
import { Problem } from '../platform/problem.js';
import { KeySetOptions } from './key-set.js';
import { KeySets } from './key-sets.js';
import { TrustOptions } from './token-policy.js';
import { CONFIG, readConfig } from '../platform/config.js';
import { TrustModule } from './trust.module.js';
import { TrustService } from './trust.service.js';

const now = 1_800_000_000;
const key = makeIdpKey('RS256', 'k1');
const other = makeIdpKey('RS256', 'k1');
const policy = makePolicy();

class StoppedClock extends Clock {
  override now() {
    return now * SECOND;
  }
}

class FakeOutbound {
  fetches: string[] = [];
  documents: Record<string, unknown> = {
    [`${ISSUER}/keys`]: publish(key),
    'https://b.example.com/keys': publish(other),
  };
  async fetchJson(url: string): Promise<unknown> {
    this.fetches.push(url);
    if (!(url in this.documents)) throw new Error('unreachable');
    return this.documents[url];
  }
}

async function makeTrust(options: Partial<TrustOptions> = {}) {
  const outbound = new FakeOutbound();
  const platform = [
    { provide: Clock, useValue: new StoppedClock() },
    { provide: CONFIG, useValue: readConfig({}) },
  ];
  @Global()
  @Module({ providers: platform, exports: platform })
  class PlatformOfTests {}
  const testing = await Test.createTestingModule({ imports: [PlatformOfTests, TrustModule] })
    .overrideProvider(Outbound)
    .useValue(outbound)
    .overrideProvider(KeySetOptions)
    .useValue(new KeySetOptions())
    .overrideProvider(TrustOptions)
    .useValue(new TrustOptions(options))
    .compile();
  return { outbound, trust: testing.get(TrustService), keySets: testing.get(KeySets) };
}

function token(changes: Record<string, unknown> = {}, header: Record<string, unknown> = {}, by: IdpKey = key): string {
  return signToken(by, makeClaims(now, changes), header);
}

describe('trust', () => {
  it('A1 a good token is believed, with its time, end, id and subject', async () => {
    const { trust } = await makeTrust();
    const verified = await trust.verifyToken(policy, token({ jti: 'j-1', iat: now - 1.5 }));
    expect(verified).toMatchObject({
      ok: true,
      subject: 'u-1',
      jti: 'j-1',
      issuedAt: (now - 1.5) * SECOND,
      expiresAt: (now + 300) * SECOND,
      header: { alg: 'RS256' },
    });
  });

  it('D6 the time of a token is its iat plus the offset, never later than now', async () => {
    const { trust } = await makeTrust();
    const at = async (iat: number) => {
      const verified = await trust.verifyToken(makePolicy({ iatOffsetSeconds: 300 }), token({ iat }));
      return verified.ok ? verified.issuedAt / SECOND - now : verified.fault;
    };
    expect(await at(now - 400)).toBe(-100);
    expect(await at(now - 300)).toBe(0);
    expect(await at(now + 10)).toBe(0);
  });

  it('A1 a token that was read to find its connection need not be read again', async () => {
    const { trust } = await makeTrust();
    const read = trust.peekClaims(token());
    if (!read.ok) throw new Error(read.fault);
    expect(read.claims['sub']).toBe('u-1');
    expect(await trust.verifyToken(policy, read)).toMatchObject({ ok: true });
  });

  it.each([
    ['A1 no JWT', 'x.y', 'token_malformed'],
    ['A3 JSON', '{"payload":""}', 'token_json_serialized'],
    ['A4 a JWE', 'eyJhbGciOiJkaXIifQ..a.b.c', 'token_encrypted'],
    ['A10 a long token', 'x'.repeat(16_385), 'token_too_large'],
    ['A12 a nested token', token({}, { cty: 'JWT' }), 'token_nested'],
    ['B1 alg none', token({}, { alg: 'none' }), 'alg_none'],
    ['B2 HS256', token({}, { alg: 'HS256' }), 'alg_symmetric'],
    ['B3 an algorithm that the connection does not list', token({}, { alg: 'RS512' }), 'alg_not_allowed'],
    ['B14 an unsupported algorithm', token({}, { alg: 'ES256K' }), 'alg_unsupported'],
    ['B10 a kid that is no text', token({}, { kid: ['k1'] }), 'kid_invalid'],
    ['D1 another issuer', token({ iss: 'https://evil.example' }), 'issuer_mismatch'],
    ['D5 an expired token', token({ exp: now - 60 }), 'exp_passed'],
    ['D8 a logout token', token({}, { typ: 'logout+jwt' }), 'type_not_allowed'],
  ])('%s is refused without a fetch', async (_, jwt, fault) => {
    const { trust, outbound } = await makeTrust();
    expect(await trust.verifyToken(policy, jwt)).toMatchObject({ ok: false, fault });
    expect(outbound.fetches).toEqual([]);
  });

  it('B9 URLs and keys in the header cause no request beside the key set of the connection', async () => {
    const { trust, outbound } = await makeTrust();
    const header = { jku: 'https://evil.example/keys', x5u: 'https://evil.example/cert', jwk: other.jwk, x5t: 'x' };
    expect(await trust.verifyToken(policy, token({}, header))).toMatchObject({ ok: true });
    expect(await trust.verifyToken(policy, token({}, header, other))).toMatchObject({ fault: 'signature_invalid' });
    expect(outbound.fetches).toEqual([`${ISSUER}/keys`]);
  });

  it('D1 a key of one issuer never verifies a token of another, though the kids are the same', async () => {
    const { trust } = await makeTrust();
    const b = makePolicy({ issuer: 'https://b.example.com', jwksUri: 'https://b.example.com/keys' });
    const iss = 'https://b.example.com';
    expect(await trust.verifyToken(b, token({ iss }, {}, other))).toMatchObject({ ok: true });
    expect(await trust.verifyToken(b, token({ iss }, {}, key))).toMatchObject({ fault: 'signature_invalid' });
    expect(await trust.verifyToken(policy, token({}, {}, other))).toMatchObject({ fault: 'signature_invalid' });
  });

  it('C1 connections of one issuer share its keys', async () => {
    const { trust, outbound } = await makeTrust();
    const second = makePolicy({ connectionId: 'b', audiences: ['b'] });
    await Promise.all([trust.verifyToken(policy, token()), trust.verifyToken(second, token({ aud: 'b' }))]);
    expect(outbound.fetches).toHaveLength(1);
  });

  it('C4 when keys cannot be had the answer is 503 with Retry-After, never a refusal', async () => {
    const { trust, outbound } = await makeTrust();
    outbound.documents = {};
    const failure = await trust.verifyToken(policy, token()).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Problem);
    expect(failure).toMatchObject({ code: 'idp_unavailable', status: 503, options: { retryAfterSeconds: 1 } });
  });

  it('C9 other issuers are served while one is down, and the status names it', async () => {
    const { trust, keySets } = await makeTrust();
    const down = makePolicy({ issuer: 'https://down.example.com', jwksUri: null });
    await keySets.refreshDue([policy, down]);
    expect(await trust.verifyToken(policy, token())).toMatchObject({ ok: true });
    expect(keySets.listDegraded()).toMatchObject([{ issuer: 'https://down.example.com', state: 'unavailable' }]);
  });

  it('C10 a banned key verifies nothing, with or without a kid in the token', async () => {
    const { trust } = await makeTrust();
    const banning = { ...policy, bannedKids: ['k1'] };
    expect(await trust.verifyToken(banning, token())).toMatchObject({ fault: 'kid_banned' });
    expect(await trust.verifyToken(policy, token())).toMatchObject({ ok: true });
    expect(await trust.verifyToken(banning, token({}, { kid: undefined }))).toMatchObject({ fault: 'kid_banned' });
  });

  it('D9 a token of this service is refused at login', async () => {
    const { trust } = await makeTrust({ ownIssuers: [ISSUER] });
    expect(await trust.verifyToken(policy, token({}, { typ: 'at+jwt' }))).toMatchObject({ fault: 'token_own' });
  });

  it('D11 the nonce that the caller expects is compared', async () => {
    const { trust } = await makeTrust();
    const demanding = makePolicy({ conditions: { nonce: true } });
    expect(await trust.verifyToken(demanding, token({ nonce: 'n' }), { nonce: 'n' })).toMatchObject({ ok: true });
    expect(await trust.verifyToken(demanding, token({ nonce: 'n' }))).toMatchObject({ fault: 'nonce_unmet' });
  });

  it('D1 Explain lists every check, goes on after failures, and agrees with login', async () => {
    const { trust, outbound } = await makeTrust();
    const good = await trust.inspectToken(policy, token());
    expect(good).toMatchObject({ ok: true, claims: { sub: 'u-1' }, header: { kid: 'k1' } });
    expect(good.checks.map((check) => check.check).join(' ')).toBe(
      'form alg own iss aud azp typ sub exp iat lifetime nbf jti requiredClaims acr amr auth_time nonce key signature',
    );
    const cases = [
      token({ aud: 'x', sub: '', exp: now - 60 }, {}, other),
      token({}, { alg: 'RS512' }),
      token({ iss: 'https://evil.example' }, { kid: 'k2' }),
      signParts(key, { alg: 'RS256', kid: 'k1' }, '[]'),
      'x.y.z',
    ];
    for (const jwt of cases) {
      const seen = await trust.inspectToken(policy, jwt);
      const refused = await trust.verifyToken(policy, jwt);
      const fault = seen.checks.find((check) => !check.ok);
      expect(seen.ok).toBe(false);
      expect(fault).toMatchObject({ fault: refused.ok ? 'none' : refused.fault });
    }
    const bad = await trust.inspectToken(policy, cases[0] ?? '');
    const faults = bad.checks.flatMap((check) => (check.ok ? [] : [check.fault]));
    expect(faults).toEqual(['audience_mismatch', 'subject_invalid', 'exp_passed', 'signature_invalid']);
    outbound.documents = {};
    const down = await trust.inspectToken(makePolicy({ jwksUri: null }), token());
    expect(down.checks.at(-1)).toMatchObject({ check: 'key', fault: 'keys_unavailable' });
  });
});
