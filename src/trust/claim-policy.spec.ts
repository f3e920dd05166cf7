import { describe, expect, it } from '@jest/globals';
import { SECOND } from '../platform/clock.js';
import { ISSUER, makeClaims, makePolicy } from '../../test/support/signed-tokens.js';
import { checkClaims, type ClaimExpectations } from './claim-policy.js';
import type { TokenPolicy } from './token-policy.js';

const now = 1_800_000_000;

function judge(
  changes: Record<string, unknown>,
  policy: Partial<TokenPolicy> = {},
  expectations: ClaimExpectations = {},
  header: Record<string, unknown> = { alg: 'RS256', typ: 'JWT' },
): string {
  const results = checkClaims(makePolicy(policy), makeClaims(now, changes), header, now * SECOND, expectations);
  const faults = results.flatMap((result) => (result.ok ? [] : [result.fault]));
  return faults.join(' ') || 'ok';
}

describe('claims', () => {
  it('D1 a token of the connection passes every check, and every check is listed', () => {
    const results = checkClaims(makePolicy(), makeClaims(now), { typ: 'JWT' }, now * SECOND);
    expect(results.filter((result) => !result.ok)).toEqual([]);
    expect(results.map((result) => result.check).join(' ')).toBe(
      'own iss aud azp typ sub exp iat lifetime nbf jti requiredClaims acr amr auth_time nonce',
    );
  });

  it('D1 every fault is listed, not just the first', () => {
    expect(judge({ iss: 'x', aud: 'y', sub: '', exp: now - 100 })).toBe(
      'issuer_mismatch audience_mismatch subject_invalid exp_passed',
    );
  });

  it.each([
    [undefined, 'issuer_invalid'],
    [null, 'issuer_invalid'],
    [[ISSUER], 'issuer_invalid'],
    [{ [ISSUER]: 1 }, 'issuer_invalid'],
    [`${ISSUER}/`, 'issuer_mismatch'],
    [ISSUER.toUpperCase(), 'issuer_mismatch'],
    ['https://IDP.example.com', 'issuer_mismatch'],
    [` ${ISSUER}`, 'issuer_mismatch'],
    [`${ISSUER}:443`, 'issuer_mismatch'],
    ['', 'issuer_mismatch'],
  ])('D1 iss %j is refused', (iss, fault) => {
    expect(judge({ iss })).toBe(fault);
  });

  it.each([
    ['rollcall', 'ok'],
    [['rollcall'], 'ok'],
    [undefined, 'audience_missing'],
    ['', 'audience_invalid'],
    [[], 'audience_invalid'],
    [{}, 'audience_invalid'],
    [{ rollcall: true }, 'audience_invalid'],
    [null, 'audience_invalid'],
    [['rollcall', 7], 'audience_invalid party_missing'],
    [[['rollcall']], 'audience_invalid'],
    ['other', 'audience_mismatch'],
    [['other'], 'audience_mismatch'],
    ['Rollcall', 'audience_mismatch'],
    ['rollcall ', 'audience_mismatch'],
    ['rollcall,other', 'audience_mismatch'],
  ])('D2 aud %j is judged %s', (aud, verdict) => {
    expect(judge({ aud })).toBe(verdict);
  });

  it('D2 a connection without audiences takes no token', () => {
    expect(judge({}, { audiences: [] })).toBe('audience_mismatch');
  });

  it.each([
    [{ azp: 'rollcall' }, 'ok'],
    [{ azp: 'spa' }, 'ok'],
    [{ aud: ['rollcall', 'other'], azp: 'spa' }, 'ok'],
    [{ aud: ['rollcall', 'other'], client_id: 'spa' }, 'ok'],
    [{ aud: ['rollcall', 'other'] }, 'party_missing'],
    [{ azp: 'foreign' }, 'party_not_allowed'],
    [{ client_id: 'foreign' }, 'party_not_allowed'],
    [{ appid: 'foreign' }, 'party_not_allowed'],
    [{ azp: 'spa', client_id: 'foreign' }, 'party_not_allowed'],
    [{ azp: ['spa'] }, 'party_not_allowed'],
    [{ azp: '' }, 'party_not_allowed'],
    [{ azp: null }, 'party_not_allowed'],
    [{ aud: ['rollcall', 'foreign'], azp: 'foreign' }, 'party_not_allowed'],
  ])('D3 %j is judged %s', (changes, verdict) => {
    expect(judge(changes, { authorizedParties: ['spa'] })).toBe(verdict);
  });

  it.each([
    ['x'.repeat(255), 'ok'],
    ['Zoë', 'ok'],
    ['x'.repeat(256), 'subject_invalid'],
    ['', 'subject_invalid'],
    [undefined, 'subject_invalid'],
    [null, 'subject_invalid'],
    [7, 'subject_invalid'],
    [['u-1'], 'subject_invalid'],
    [{ id: 'u-1' }, 'subject_invalid'],
    ['u-1\u0000', 'subject_invalid'],
  ])('D4 sub %j is judged %s', (sub, verdict) => {
    expect(judge({ sub })).toBe(verdict);
  });

  it.each([
    [now + 300, 'ok'],
    [now + 0.5, 'ok'],
    [now - 29, 'ok'],
    [now - 30, 'exp_passed'],
    [now - 3600, 'exp_passed'],
    [now + 7200, 'ok'],
    [now + 7201, 'lifetime_too_long'],
    [undefined, 'exp_invalid lifetime_too_long'],
    [null, 'exp_invalid lifetime_too_long'],
    [String(now + 300), 'exp_invalid lifetime_too_long'],
    [Infinity, 'exp_invalid lifetime_too_long'],
    [NaN, 'exp_invalid lifetime_too_long'],
    [-1, 'exp_invalid lifetime_too_long'],
    [1e15, 'exp_invalid lifetime_too_long'],
    [[now + 300], 'exp_invalid lifetime_too_long'],
  ])('D5 exp %j is judged %s', (exp, verdict) => {
    expect(judge({ exp })).toBe(verdict);
  });

  it("D5 Entra's tokens of 3,900 seconds pass by default", () => {
    expect(judge({ iat: now - 300, exp: now + 3600 })).toBe('ok');
  });

  it.each([
    [now, 'ok'],
    [now + 30, 'ok'],
    [now + 31, 'iat_in_future'],
    [now - 3630, 'ok'],
    [now - 3631, 'iat_too_old'],
    [undefined, 'iat_invalid lifetime_too_long'],
    ['now', 'iat_invalid lifetime_too_long'],
    [-1, 'iat_invalid lifetime_too_long'],
    [Infinity, 'iat_invalid lifetime_too_long'],
  ])('D6 iat %j is judged %s', (iat, verdict) => {
    expect(judge({ iat })).toBe(verdict);
  });

  it('D6 the age of a token counts from iat plus the offset of the connection', () => {
    expect(judge({ iat: now - 3900 }, { iatOffsetSeconds: 300 })).toBe('ok');
    expect(judge({ iat: now - 3931 }, { iatOffsetSeconds: 300 })).toBe('iat_too_old');
    expect(judge({ iat: now + 40 }, { iatOffsetSeconds: -300 })).toBe('iat_in_future');
  });

  it.each([
    [now, 30, 'ok'],
    [now + 30, 30, 'ok'],
    [now + 31, 30, 'nbf_in_future'],
    [now + 300, 300, 'ok'],
    [now + 301, 300, 'nbf_in_future'],
    [now + 301, 86_400, 'nbf_in_future'],
    [now + 1, -60, 'nbf_in_future'],
    ['soon', 30, 'nbf_invalid'],
    [null, 30, 'nbf_invalid'],
    [-Infinity, 30, 'nbf_invalid'],
  ])('D7 nbf %j with a tolerance of %d s is judged %s', (nbf, clockToleranceSeconds, verdict) => {
    expect(judge({ nbf }, { clockToleranceSeconds })).toBe(verdict);
  });

  it('D7 no tolerance above 300 s counts for exp and iat', () => {
    const policy = { clockToleranceSeconds: 100_000 };
    expect(judge({ exp: now - 300, iat: now - 600 }, policy)).toBe('exp_passed');
    expect(judge({ exp: now - 299, iat: now - 600 }, policy)).toBe('ok');
    expect(judge({ iat: now + 301, exp: now + 600 }, policy)).toBe('iat_in_future');
  });

  it.each([
    ['JWT', 'ok'],
    ['jwt', 'ok'],
    ['at+jwt', 'ok'],
    ['application/at+jwt', 'ok'],
    [undefined, 'ok'],
    ['', 'type_not_allowed'],
    ['id+jwt', 'type_not_allowed'],
    [['JWT'], 'type_not_allowed'],
    [7, 'type_not_allowed'],
  ])('D8 typ %j is judged %s', (typ, verdict) => {
    expect(judge({}, {}, {}, { typ })).toBe(verdict);
  });

  it('D8 a token without typ counts as JWT, which a connection may leave out', () => {
    expect(judge({}, { tokenTypes: ['at+jwt'] }, {}, {})).toBe('type_not_allowed');
  });

  it.each([
    'logout+jwt',
    'secevent+jwt',
    'dpop+jwt',
    'oauth-id-jag+jwt',
    'application/logout+jwt',
    'Logout+JWT',
    'rollcall+jwt',
    'token-introspection+jwt',
  ])('D8 typ %s never logs in, though the connection lists it', (typ) => {
    expect(judge({}, { tokenTypes: [typ, 'JWT'] }, {}, { typ })).toBe('type_not_allowed');
  });

  it('D8 a logout token that says typ JWT never logs in', () => {
    const events = { 'http://schemas.openid.net/event/backchannel-logout': {} };
    expect(judge({ events })).toBe('type_not_allowed');
  });

  it('D9 a token that this service issued is refused, even by a connection with its issuer', () => {
    expect(judge({}, {}, { ownIssuers: [ISSUER] })).toBe('token_own');
  });

  it.each([
    [{ jti: 'j-1' }, 'ok'],
    [{ jti: '' }, 'jti_invalid'],
    [{ jti: 7 }, 'jti_invalid'],
    [{ jti: null }, 'jti_invalid'],
    [{ jti: ['j-1'] }, 'jti_invalid'],
    [{ jti: 'x'.repeat(1025) }, 'jti_invalid'],
  ])('D10 %j, by which a second use is known, is judged %s', (changes, verdict) => {
    expect(judge(changes)).toBe(verdict);
  });

  it.each([
    [{ acr: ['gold'] }, { acr: 'gold' }, 'ok'],
    [{ acr: ['gold', 'silver'] }, { acr: 'silver' }, 'ok'],
    [{ acr: ['gold'] }, { acr: 'Gold' }, 'acr_unmet'],
    [{ acr: ['gold'] }, { acr: ['gold'] }, 'acr_unmet'],
    [{ acr: ['gold'] }, {}, 'acr_unmet'],
    [{ acr: [] }, { acr: 'gold' }, 'acr_unmet'],
    [{ amr: ['mfa'] }, { amr: ['pwd', 'mfa'] }, 'ok'],
    [{ amr: ['pwd', 'mfa'] }, { amr: ['mfa'] }, 'amr_unmet'],
    [{ amr: ['mfa'] }, { amr: 'mfa' }, 'amr_unmet'],
    [{ amr: ['mfa'] }, {}, 'amr_unmet'],
    [{ maxAuthAgeSeconds: 60 }, { auth_time: now - 60 }, 'ok'],
    [{ maxAuthAgeSeconds: 60 }, { auth_time: now - 91 }, 'auth_time_unmet'],
    [{ maxAuthAgeSeconds: 60 }, { auth_time: now + 31 }, 'auth_time_unmet'],
    [{ maxAuthAgeSeconds: 60 }, { auth_time: String(now) }, 'auth_time_unmet'],
    [{ maxAuthAgeSeconds: 60 }, {}, 'auth_time_unmet'],
  ])('D11 under %j, %j is judged %s', (conditions, changes, verdict) => {
    expect(judge(changes, { conditions })).toBe(verdict);
  });

  it.each([
    [true, 'n-1', 'n-1', 'ok'],
    [true, 'n-1', 'n-2', 'nonce_unmet'],
    [true, 'n-1', undefined, 'nonce_unmet'],
    [true, undefined, 'n-1', 'nonce_unmet'],
    [true, '', '', 'nonce_unmet'],
    [false, undefined, 'n-1', 'ok'],
    [false, 'n-1', 'n-2', 'nonce_unmet'],
    [false, 'n-1', undefined, 'nonce_unmet'],
  ])(
    'D11 with the nonce demanded: %j, expected: %j, in the token: %j, it is judged %s',
    (demanded, expected, nonce, verdict) => {
      expect(judge({ nonce }, { conditions: { nonce: demanded } }, { nonce: expected })).toBe(verdict);
    },
  );

  it.each([
    [{ hd: 'acme.com' }, { hd: 'acme.com' }, 'ok'],
    [{ hd: ['acme.com', 'acme.org'] }, { hd: 'acme.org' }, 'ok'],
    [{ hd: 'acme.com' }, { hd: 'Acme.com' }, 'claim_required'],
    [{ hd: 'acme.com' }, { hd: ['acme.com'] }, 'claim_required'],
    [{ hd: 'acme.com' }, {}, 'claim_required'],
    [{ hd: [] }, { hd: 'acme.com' }, 'claim_required'],
    [{ verified: true }, { verified: 'true' }, 'claim_required'],
    [{ org: { id: 1 } }, { org: { id: 1 } }, 'ok'],
    [{ 'https://acme.com/org': 'a' }, { 'https://acme.com/org': 'a' }, 'ok'],
    [{ toString: 'x' }, {}, 'claim_required'],
  ])('G9 with %j required, %j is judged %s', (requiredClaims, changes, verdict) => {
    expect(judge(changes, { requiredClaims: requiredClaims as TokenPolicy['requiredClaims'] })).toBe(verdict);
  });
});
