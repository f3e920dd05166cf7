import { describe, expect, it } from '@jest/globals';
import { parseJsonBody } from './json-body.js';
import { Problem } from './problem.js';

function refusalOf(body: string | Buffer, checksText = false): unknown {
  try {
    return { value: parseJsonBody(Buffer.from(body as string), checksText) };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { code: error.code, pointers: error.options.faults?.map((fault) => fault.pointer) };
  }
}

const invalidJson = { code: 'invalid_json', pointers: undefined };
const faults = (...pointers: string[]) => ({ code: 'invalid_request', pointers });

describe('reading a JSON body', () => {
  it.each([
    ['cut JSON', '{"a":', invalidJson],
    ['invalid UTF-8', Buffer.from([0x22, 0xff, 0x22]), invalidJson],
    ['UTF-16', Buffer.from('{"a":1}', 'utf16le'), invalidJson],
    ['65 levels', '['.repeat(65) + ']'.repeat(65), invalidJson],
    ['a million open brackets', '['.repeat(1_000_000), invalidJson],
    ['a lone surrogate in a value', '{"a":["\\ud800"]}', faults('/a/0')],
    ['a lone surrogate in a name', '{"a":{"\\uDC00":1}}', faults('/a')],
    ['NUL', '{"a/b":"x\\u0000"}', faults('/a~1b')],
    ['every such place', '{"a":"\\u0000","b":"\\udfff"}', faults('/a', '/b')],
    ['__proto__', '{"x":{"__proto__":{"isAdmin":true}}}', faults('/x/__proto__')],
    ['__proto__ spelled with escapes', '{"\\u005f\\u005fproto\\u005f\\u005f":1}', faults('/__proto__')],
    ['__proto__ with an escaped letter', '{"__\\u0070roto__":1}', faults('/__proto__')],
  ])('refuses %s', (_, body, refusal) => {
    expect(refusalOf(body)).toEqual(refusal);
  });

  it.each([
    ['nothing', '', undefined],
    ['64 levels', `${'['.repeat(64)}${']'.repeat(64)}`, expect.anything()],
    ['brackets inside text', JSON.stringify('['.repeat(1000)), '['.repeat(1000)],
    ['an escaped quote before brackets', `"\\"${'['.repeat(100)}"`, `"${'['.repeat(100)}`],
    ['a whole surrogate pair', '"\\ud83d\\ude00"', '😀'],
    ['a byte order mark', '\ufeff{"a":1}', { a: 1 }],
    ['the text __proto__ as a value', '{"a":"__proto__"}', { a: '__proto__' }],
  ])('takes %s', (_, body, value) => {
    expect(refusalOf(body)).toEqual({ value });
  });

  it('leaves text to a route that checks its records itself, but not names that reach a prototype', () => {
    expect(refusalOf('["\\ud800"]', true)).toEqual({ value: ['\ud800'] });
    expect(refusalOf('[{"__proto__":1}]', true)).toEqual(faults('/0/__proto__'));
  });

  it('G3 does not repeat what stands around a fault', () => {
    expect(() => parseJsonBody(Buffer.from('{"password":"hunter2" oops'))).toThrow(/position/);
    expect(() => parseJsonBody(Buffer.from('{"password":"hunter2" oops'))).not.toThrow(/hunter2|oops/);
  });
});
