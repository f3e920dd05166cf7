import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CutFault, JsonCutter } from './cut-json.js';

/** The items as JSON and what is around them, of a text that comes in pieces of so many bytes. */
function cut(text: string | Buffer, path: string[], size = 7, itemBytesMax = 10_000): [unknown[], unknown] {
  const cutter = new JsonCutter(path, itemBytesMax);
  const whole = Buffer.from(text);
  const items: (Buffer | null)[] = [];
  for (let from = 0; from < whole.length; from += size) items.push(...cutter.push(whole.subarray(from, from + size)));
  const around = cutter.end();
  return [items.map((item) => item && (JSON.parse(String(item)) as unknown)), around];
}

describe('a JSON document that is cut as it comes', () => {
  it('gives the items that reading it whole gives, wherever the list stands and however it arrives', () => {
    const property = fc.property(
      fc.array(fc.jsonValue({ maxDepth: 4 }), { maxLength: 8 }),
      fc.array(
        fc.string({ unit: 'binary', maxLength: 6 }).filter((name) => name !== '__proto__'),
        { maxLength: 3 },
      ),
      fc.dictionary(
        fc.string({ maxLength: 4 }).map((name) => `x${name}`),
        // A name that would reach a prototype is left out of what is around.
        fc.jsonValue({ maxDepth: 3 }).filter((value) => !/proto|constructor/.test(JSON.stringify(value))),
        { maxKeys: 3 },
      ),
      fc.integer({ min: 1, max: 40 }),
      fc.constantFrom(undefined, 1, '\t'),
      (list, path, beside, size, indent) => {
        const wrap = (inner: unknown): unknown =>
          path.reduceRight<unknown>((value, name) => ({ ...beside, [name]: value, zz: [1] }), inner);
        const [items, around] = cut(JSON.stringify(wrap(list), null, indent), path, size);
        expect(items).toEqual(JSON.parse(JSON.stringify(list)));
        expect(around).toEqual(JSON.parse(JSON.stringify(wrap([]))));
      },
    );
    fc.assert(property, { numRuns: 500 });
  });

  it.each([
    ['[]', [], []],
    [' [ ] ', [], []],
    ['\ufeff[1, 2]', [], [1, 2]],
    ['{"a":{"users":[9]},"users":[1]}', ['users'], [1]],
    ['{"a":"\\"users\\":[9]","users":[1]}', ['users'], [1]],
    ['{"us\\u0065rs":["]", "\\\\", "\\"]"]}', ['users'], [']', '\\', '"]']],
    ['{"users":[[1,[2]],{"a":[3]}]}', ['users'], [[1, [2]], { a: [3] }]],
  ])('%s has the items %j %j', (text, path, items) => {
    expect(cut(text, path, 2)[0]).toEqual(items);
  });

  it.each<[string, string[]]>([
    ['', []],
    ['{}', []],
    ['{"users":{}}', ['users']],
    ['{"a":[[]]}', ['users']],
    ['[{"users":[]}]', ['users']],
    ['[1', []],
    ['[1,]', []],
    ['[,1]', []],
    ['[1,,2]', []],
    ['["a', []],
    ['[1}]', []],
    ['[1]]', []],
    ['[1]x', []],
    ['{"users":[1]', ['users']],
    ['{"users":[1],"users":[2]}', ['users']],
    ['{"x" "users":[1]}', ['users']],
    ['<html>[1]</html>', []],
    ['['.repeat(100), ['users']],
    [`{"a":"${'x'.repeat(1_100_000)}","users":[]}`, ['users']],
    [`{"users":[],"a":"${'x'.repeat(1_100_000)}"}`, ['users']],
  ])('%.40s is refused', (text, path) => {
    expect(() => cut(text, path, 100_000)).toThrow(CutFault);
  });

  it('an item that is too long is not kept, and the others are', () => {
    expect(cut(`[1,"${'x'.repeat(500)}",2]`, [], 10, 100)[0]).toEqual([1, null, 2]);
  });

  it('what is no JSON inside the list is one item', () => {
    const cutter = new JsonCutter([], 100);
    expect(cutter.push(Buffer.from('[{a: 1}, nul l, {"b": 2}]')).map(String)).toEqual(['{a: 1}', 'nul l', '{"b": 2}']);
  });
});
