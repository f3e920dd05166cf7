import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type JsonLimits, parseStrictJson } from './strict-json.js';

const limits: JsonLimits = { depthMax: 16, itemsPerMemberMax: 1000, unsafeNames: 'drop', loneSurrogates: 'refuse' };

function reasonOf(text: string | Buffer, changes: Partial<JsonLimits> = {}): string {
  const result = parseStrictJson(Buffer.from(text as string), { ...limits, ...changes });
  return result.ok ? 'ok' : result.reason;
}

describe('strict JSON', () => {
  it.each([
    ['{"a":1,"a":1}', 'duplicate_name'],
    ['{"a":1,"\\u0061":2}', 'duplicate_name'],
    ['{"x":{"y":[{"b":1,"b":2}]}}', 'duplicate_name'],
    ['{"__proto__":1,"__proto__":2}', 'duplicate_name'],
    ['{"a":{"c":1},"b":{"c":1}}', 'ok'],
    ['{"a":"b:c,d:{","e\\":":1}', 'ok'],
    ['{"a":1}x', 'syntax'],
    ["{'a':1}", 'syntax'],
    ['{"a":NaN}', 'syntax'],
    ['{"a":1,}', 'syntax'],
    ['', 'syntax'],
    ['{"a"', 'syntax'],
    ['"\\', 'syntax'],
    ['\ufeff{}', 'byte_order_mark'],
    ['{"a":"\\ud800"}', 'lone_surrogate'],
    ['{"\\udc00":1}', 'lone_surrogate'],
    ['{"a":"\\ud83d\\ude00"}', 'ok'],
  ])('A5 A6 %j is judged %s', (text, expected) => {
    expect(reasonOf(text)).toBe(expected);
  });

  it('A5 names the member that stands twice', () => {
    expect(parseStrictJson(Buffer.from('{"a":{"s\\u0075b":1,"t":2,"sub":3}}'), limits)).toMatchObject({
      detail: 'The name "sub" stands twice in one object.',
    });
  });

  it('A6 bytes that are not UTF-8 are refused', () => {
    expect(reasonOf(Buffer.from([0x22, 0xc3, 0x28, 0x22]))).toBe('not_utf8');
    expect(reasonOf(Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]))).toBe('not_utf8');
    expect(reasonOf(Buffer.from('{"a":1}', 'utf16le'))).toBe('syntax');
    expect(reasonOf(Buffer.from([0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00]))).toBe('not_utf8');
  });

  it('A10 depth 16 passes and 17 does not', () => {
    expect(reasonOf('['.repeat(16) + ']'.repeat(16))).toBe('ok');
    expect(reasonOf('['.repeat(17) + ']'.repeat(17))).toBe('too_deep');
  });

  it('A10 1,000 items under one member pass, 1,001 do not, however they are nested', () => {
    const items = (count: number) => JSON.stringify(Array.from({ length: count }, () => 1));
    expect(reasonOf(`{"a":${items(1000)},"b":${items(1000)}}`)).toBe('ok');
    expect(reasonOf(`{"a":${items(1001)}}`)).toBe('too_many_items');
    expect(reasonOf(`{"a":{"b":${items(500)},"c":${items(501)}}}`)).toBe('too_many_items');
  });

  it.each(['__proto__', 'constructor', 'prototype', '\\u005f_proto__'])(
    'A11 a member named %s changes no prototype and is not in the value',
    (name) => {
      const result = parseStrictJson(Buffer.from(`{"x":{"${name}":{"admin":true}},"${name}":{"admin":true}}`), limits);
      expect(result).toEqual({ ok: true, value: { x: {} } });
      const copy = Object.assign({}, (result as { value: { x: object } }).value.x) as { admin?: boolean };
      expect(copy.admin).toBeUndefined();
      expect(Object.getPrototypeOf((result as { value: object }).value)).toBe(Object.prototype);
      expect(reasonOf(`{"${name}":1}`, { unsafeNames: 'refuse' })).toBe('unsafe_name');
    },
  );

  it('reads every document that JSON.stringify writes as JSON.parse does', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        const text = JSON.stringify(value);
        const result = parseStrictJson(Buffer.from(text), { ...limits, loneSurrogates: 'keep' });
        if (/"(__proto__|constructor|prototype)"/.test(text)) return;
        expect(result).toEqual({ ok: true, value: JSON.parse(text) });
      }),
    );
  });
});
