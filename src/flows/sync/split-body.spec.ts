import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { splitBody } from './split-body.js';

const split = (text: string) => {
  const found = splitBody(Buffer.from(text));
  return found && { envelope: found.envelope, records: found.records.map(String) };
};

/** What the parts say together; undefined where a part is no JSON. */
function join({ envelope, records }: { envelope: unknown; records: string[] }): unknown {
  try {
    const users = records.map((text) => JSON.parse(text) as unknown);
    return envelope === null ? users : { ...(envelope as object), users };
  } catch {
    return undefined;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

describe('splitBody', () => {
  it.each([
    ['[]', null, []],
    [' [ {"a":1} ,\n{"b":[2,{}]} ] ', null, ['{"a":1}', '{"b":[2,{}]}']],
    ['["a,]\\"}", 1,null]', null, ['"a,]\\"}"', '1', 'null']],
    ['{"users":[{"a":1}]}', { users: [] }, ['{"a":1}']],
    ['{ "mode" : "upsert", "users" : [1,2], "atomic": true }', { mode: 'upsert', users: [], atomic: true }, ['1', '2']],
    ['[nonsense,{"a":tru}]', null, ['nonsense', '{"a":tru}']],
  ])('cuts %s', (text, envelope, records) => {
    expect(split(text)).toEqual({ envelope, records });
  });

  it.each([
    ['nothing', ''],
    ['one record', '{"externalId":"a"}'],
    ['a list that does not end', '[{"a":1}'],
    ['a text that does not end', '[{"a":"1]'],
    ['a comma too many', '[1,]'],
    ['a comma too many before', '[,1]'],
    ['the wrong end', '[1}'],
    ['more after the list', '[1] 2'],
    ['more after the object', '{"users":[1]} 2'],
    ['users of another object', '{"a":{"users":[1]}}'],
    ['users in a text', '{"a":"\\"users\\":[1]"}'],
    ['users twice', '{"users":[1],"users":[2]}'],
    ['users twice, once in other letters', '{"users":[1],"\\u0075sers":[2]}'],
    ['users in other letters first', '{"\\u0075sers":[1],"users":[2]}'],
    ['a name of every object', '[{"__proto__":1}]'],
    ['a name of every object, escaped', '[{"\\u005f_proto__":1}]'],
    ['64 levels in a list', `[${'['.repeat(64)}${']'.repeat(64)}]`],
  ])('leaves %s to a plain reading', (_, text) => {
    expect(split(text)).toBeNull();
  });

  it('leaves what is no UTF-8 to a plain reading', () => {
    expect(splitBody(Buffer.from([91, 34, 0xff, 34, 93]))).toBeNull();
  });

  it('a body that is cut says what a plain reading says, and is JSON if and only if all its records are', () => {
    const body = fc.oneof(
      fc.array(fc.jsonValue(), { maxLength: 4 }),
      fc.record({ mode: fc.string(), users: fc.array(fc.jsonValue(), { maxLength: 4 }), statedAt: fc.string() }),
      fc.record({ users: fc.array(fc.jsonValue(), { maxLength: 4 }), other: fc.jsonValue() }),
    );
    const damage = fc.array(
      fc.tuple(fc.nat(), fc.constantFrom('', ',', '"', '\\', '[', ']', '{', '}', ':', ' ', 'users', '"users":[', '1')),
      { maxLength: 3 },
    );
    let cut = 0;
    fc.assert(
      fc.property(body, damage, fc.constantFrom(0, 1), (value, changes, space) => {
        let text = JSON.stringify(value, null, space);
        for (const [place, piece] of changes) {
          const at = place % (text.length + 1);
          text = text.slice(0, at) + piece + text.slice(at + (piece === '' ? 1 : 0));
        }
        const found = split(text);
        if (!found) return;
        cut += 1;
        expect(join(found)).toEqual(parse(text));
      }),
      { numRuns: 3000 },
    );
    expect(cut).toBeGreaterThan(300);
  });
});
