import { describe, expect, it } from '@jest/globals';
import { processorMsOf } from '../../test/support/processor-time.js';
import { encodePart, makeIdpKey, makeClaims, signParts, signToken } from '../../test/support/signed-tokens.js';
import { parseCompactJwt, readMember } from './compact-jws.js';

const key = makeIdpKey('ES256', 'k1');
const header = { alg: 'ES256', typ: 'JWT', kid: 'k1' };
const claims = makeClaims(1_800_000_000);
const good = signToken(key, claims);
const [head = '', body = '', tail = ''] = good.split('.');

function faultOf(jwt: string, bytesMax?: number): string {
  const result = parseCompactJwt(jwt, bytesMax);
  return result.ok ? 'ok' : result.fault;
}

function faultOfHeader(changes: Record<string, unknown> | string): string {
  return faultOf(signParts(key, typeof changes === 'string' ? changes : { ...header, ...changes }, claims));
}

describe('form of a token', () => {
  it('A1 three base64url segments are read', () => {
    const result = parseCompactJwt(good);
    expect(result).toMatchObject({ ok: true, alg: 'ES256', kid: 'k1', header, claims });
    expect(result.ok && result.signingInput.toString()).toBe(`${head}.${body}`);
  });

  it.each([
    '',
    'x',
    'a.b',
    '..',
    `${head}..${tail}`,
    `.${body}.${tail}`,
    `${good}.`,
    `.${good}`,
    `${good}.${tail}`,
    `Bearer ${good}`,
    `${head}.${body}.${tail}\u0000`,
    `${head}.${body}.ä`,
  ])('A1 %j is refused', (jwt) => {
    expect(faultOf(jwt)).toBe('token_malformed');
  });

  it.each([
    ['padding', `${good}=`],
    ['padding in the header', `${head}=.${body}.${tail}`],
    ['a space', `${head}. ${body}.${tail}`],
    ['a line break at the end', `${good}\n`],
    ['a line break inside', `${head}.${body.slice(0, 8)}\r\n${body.slice(8)}.${tail}`],
    ['plus', `${head}.${body}.+${tail.slice(1)}`],
    ['slash', `${head}.${body}./${tail.slice(1)}`],
  ])('A2 %s is refused', (_, jwt) => {
    expect(faultOf(jwt)).toBe('token_malformed');
  });

  it('A2 bits that belong to no byte, and a lone last character, are refused in every segment', () => {
    // 64 bytes of signature leave four spare bits in the last character, 'A' to 'Q', 'g' and 'w' being the canonical ones.
    const spoilt = tail.slice(0, -1) + String.fromCharCode(tail.charCodeAt(tail.length - 1) + 1);
    expect(Buffer.from(spoilt, 'base64url').equals(Buffer.from(tail, 'base64url'))).toBe(true);
    expect(faultOf(`${head}.${body}.${spoilt}`)).toBe('token_encoding');
    expect(faultOf(`${encodePart('{"alg":"ES256"}')}A.${body}.${tail}`)).toBe('token_encoding');
    const twoBytes = encodePart('{ }  ');
    expect(faultOf(`${head}.${twoBytes.slice(0, -1)}B.${tail}`)).toBe('token_encoding');
  });

  it('A3 JSON serialisation is refused, flattened and general', () => {
    const flat = { protected: head, payload: body, signature: tail };
    expect(faultOf(JSON.stringify(flat))).toBe('token_json_serialized');
    const general = { payload: body, signatures: [{ protected: head, signature: tail }] };
    expect(faultOf(` ${JSON.stringify(general)}`)).toBe('token_json_serialized');
  });

  it('A4 a JWE is refused without a look inside, and so are enc and zip in a JWS', () => {
    for (const alg of ['PBES2-HS256+A128KW', 'dir', 'RSA-OAEP']) {
      const jwe = `${encodePart({ alg, enc: 'A128GCM', p2c: 2 ** 31, zip: 'DEF' })}..AAAA.AAAA.AAAA`;
      expect(faultOf(jwe)).toBe('token_encrypted');
    }
    expect(faultOfHeader({ enc: 'A128GCM' })).toBe('token_encrypted');
    expect(faultOfHeader({ zip: 'DEF' })).toBe('zip_unsupported');
  });

  it('A5 duplicate member names are refused in header and claims, at any depth', () => {
    expect(faultOfHeader('{"alg":"ES256","alg":"none"}')).toBe('token_duplicate_name');
    expect(faultOf(signParts(key, header, '{"sub":"a","sub":"b"}'))).toBe('token_duplicate_name');
    expect(faultOf(signParts(key, header, '{"sub":"a","s\\u0075b":"b"}'))).toBe('token_duplicate_name');
    expect(faultOf(signParts(key, header, '{"x":[{"y":{"a":1,"a":1}}]}'))).toBe('token_duplicate_name');
  });

  it('A6 header and payload must be UTF-8 without a byte order mark', () => {
    for (const bytes of [
      Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
      Buffer.from('\ufeff{"alg":"ES256"}'),
    ]) {
      expect(faultOf(signParts(key, bytes, claims))).toBe('token_text');
      expect(faultOf(signParts(key, header, bytes))).toBe('token_text');
    }
    expect(faultOf(signParts(key, header, Buffer.from('{"a":1}', 'utf16le')))).toBe('token_json');
    expect(faultOf(signParts(key, header, '{"name":"\\ud800"}'))).toBe('token_text');
  });

  it.each(['[]', '[{"sub":"a"}]', '"text"', '1', 'true', 'null'])('A7 the payload %s is refused', (payload) => {
    expect(faultOf(signParts(key, header, payload))).toBe('payload_not_object');
    expect(faultOf(signParts(key, payload, claims))).toBe('header_not_object');
  });

  it.each([[[]], [['exp']], [['b64']], [['alg', 'alg']], ['exp'], [null], [{}], [[1]], [['x-unknown']]])(
    'A8 crit %j is refused',
    (crit) => {
      expect(faultOfHeader({ crit, exp: 1, 'x-unknown': 1 })).toBe('crit_unsupported');
    },
  );

  it('A9 b64 false is refused, with and without crit', () => {
    expect(faultOfHeader({ b64: false })).toBe('b64_unsupported');
    expect(faultOfHeader({ b64: 'false' })).toBe('b64_unsupported');
    expect(faultOfHeader({ b64: false, crit: ['b64'] })).toBe('crit_unsupported');
  });

  it('A10 a token over the limit is refused, and no setting lifts the limit over 64 KiB', () => {
    const sized = (length: number) => signToken(key, { ...claims, pad: 'x'.repeat(length) });
    expect(faultOf(sized(10_000))).toBe('ok');
    expect(faultOf(sized(16_384))).toBe('token_too_large');
    expect(faultOf(sized(16_384), 65_536)).toBe('ok');
    expect(faultOf(sized(65_536), 1_000_000)).toBe('token_too_large');
  });

  it('A10 depth and array items are limited', () => {
    expect(faultOf(signParts(key, header, `{"a":${'['.repeat(16)}${']'.repeat(16)}}`))).toBe('token_too_deep');
    expect(faultOf(signParts(key, header, { groups: Array.from({ length: 1001 }, () => 'g') }))).toBe(
      'token_too_many_items',
    );
    expect(faultOf(signParts(key, header, { groups: Array.from({ length: 1000 }, () => 'g') }))).toBe('ok');
  });

  it('A10 hostile tokens of the greatest size are refused in under 5 ms', () => {
    const segment = (text: string) => Buffer.from(text).toString('base64url');
    const fill = 'x'.repeat(47_000);
    const hostile = [
      'a.'.repeat(32_000),
      `${'a'.repeat(65_000)}!`,
      `${head}.${segment('['.repeat(47_000))}.${tail}`,
      `${head}.${segment(`{"a":[${'1,'.repeat(23_000)}1]}`)}.${tail}`,
      `${head}.${segment(`{"a":1,"a":"${fill}"}`)}.${tail}`,
      `${head}.${segment(`{"a":"${'\\"'.repeat(23_000)}`)}.${tail}`,
      'x'.repeat(10_000_000),
    ];
    for (const jwt of hostile) {
      const times = Array.from({ length: 5 }, () => processorMsOf(() => expect(faultOf(jwt, 65_536)).not.toBe('ok')));
      // The quickest of five: the machine's other work is not the token's.
      expect(Math.min(...times)).toBeLessThan(5);
    }
  });

  it('A11 __proto__, constructor and prototype are no claims and change no prototype', () => {
    const result = parseCompactJwt(signParts(key, header, '{"sub":"a","__proto__":{"admin":true},"constructor":1}'));
    if (!result.ok) throw new Error(result.fault);
    expect(Object.keys(result.claims)).toEqual(['sub']);
    expect(Object.getPrototypeOf(result.claims)).toBe(Object.prototype);
    expect(result.claims['admin']).toBeUndefined();
    for (const name of ['__proto__', 'constructor', 'prototype', 'toString']) {
      expect(readMember(result.claims, name)).toBeUndefined();
    }
  });

  it.each(['JWT', 'jwt', 'application/jwt', 'at+jwt', 'JWE', ['JWT'], null])('A12 cty %j is refused', (cty) => {
    expect(faultOfHeader({ cty })).toBe('token_nested');
  });

  it('A12 a token as the payload of a token is refused', () => {
    expect(faultOf(signParts(key, header, good))).toBe('token_json');
    expect(faultOf(signParts(key, header, JSON.stringify(good)))).toBe('payload_not_object');
  });

  it.each(['none', 'None', 'NONE', 'nOnE'])('B1 alg %s is refused', (alg) => {
    expect(faultOfHeader({ alg })).toBe('alg_none');
  });

  it('B1 an empty signature is refused', () => {
    expect(faultOf(`${head}.${body}.`)).toBe('signature_missing');
    expect(faultOf(`${encodePart({ alg: 'none' })}.${body}.`)).toBe('signature_missing');
  });

  it('B1 a header without a usable alg is refused', () => {
    for (const alg of [undefined, '', null, ['ES256'], 1]) expect(faultOfHeader({ alg })).toBe('alg_missing');
  });

  it.each([1, null, ['k1'], {}, '', 'x'.repeat(257), 'a\nb', 'a\u0000', '\u202ek'])('B10 kid %j is refused', (kid) => {
    expect(faultOfHeader({ kid })).toBe('kid_invalid');
  });

  it.each(["' OR 1=1 --", '../../../dev/null', '$(id)', '{{7*7}}', 'x'.repeat(256)])(
    'B10 kid %j is a text like any other',
    (kid) => {
      expect(parseCompactJwt(signParts(key, { ...header, kid }, claims))).toMatchObject({ ok: true, kid });
    },
  );
});
