import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CsvFault, CsvReader, detectDelimiter, formatRow } from './csv.js';

function read(text: string, delimiter = ',', size = Infinity): string[][] {
  const reader = new CsvReader(delimiter);
  const rows = [];
  for (let at = 0; at < text.length; at += size) rows.push(...reader.read(text.slice(at, at + size)));
  return [...rows, ...reader.end()].map(({ cells }) => cells);
}

describe('CSV', () => {
  it.each<[string, string, string[][]]>([
    [
      'rows of plain cells',
      'a,b\nc,d\n',
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
    ],
    [
      'a last row without its line end',
      'a,b\nc,d',
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
    ],
    [
      'CRLF',
      'a,b\r\nc,d\r\n',
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
    ],
    ['a lone CR', 'a\rb\r', [['a'], ['b']]],
    ['empty lines, which are no rows', '\n\na\r\n\r\n\nb\n\n', [['a'], ['b']]],
    ['empty cells', ',a,\n', [['', 'a', '']]],
    ['a quoted delimiter', '"a,b",c', [['a,b', 'c']]],
    ['a quoted line break', '"a\nb",c\n"d\r\ne"', [['a\nb', 'c'], ['d\r\ne']]],
    ['doubled quotes', '"a ""b"" c","""",""', [['a "b" c', '"', '']]],
    ['a quoted empty cell, which is a row', '""\n', [['']]],
    ['a quote within a plain cell', 'a"b,5\' 6"', [['a"b', '5\' 6"']]],
    ['a byte order mark', '\ufeffa,b', [['a', 'b']]],
    ['characters beyond the first plane', '😀,"😀""😀"', [['😀', '😀"😀']]],
  ])('reads %s, in pieces of any size', (_, text, rows) => {
    for (const size of [1, 2, 3, Infinity]) {
      // A surrogate pair comes whole from a decoder.
      if (/\p{Extended_Pictographic}/u.test(text) && size !== Infinity) continue;
      expect(read(text, ',', size)).toEqual(rows);
    }
  });

  it('tells on which line a row begins', () => {
    const reader = new CsvReader(',');
    const rows = [...reader.read('a\r\n\r\n"b\nc"\nd\re\n'), ...reader.read('f'), ...reader.end()];
    expect(rows.map(({ line, cells }) => [line, cells[0]])).toEqual([
      [1, 'a'],
      [3, 'b\nc'],
      [5, 'd'],
      [6, 'e'],
      [7, 'f'],
    ]);
  });

  it.each([
    ['a quote that is not closed', 'a,b\n"c,d\ne,f\n', 2],
    ['text after a closing quote', 'a\n"b" c,d\n', 2],
    ['a row that never ends', `a\n"${'x'.repeat(300_000)}`, 2],
  ])('refuses %s, and names the line', (_, text, line) => {
    expect(() => read(text)).toThrow(CsvFault);
    expect(() => read(text)).toThrow(new RegExp(`^Line ${line}:`));
  });

  it.each([
    ['externalId,userName', ','],
    ['externalId;userName,maybe;x', ';'],
    ['externalId\tuserName', '\t'],
    ['"a;b;c;d",e,f', ','],
    ['\ufeffexternalId;x\r\na,b,c,d,e', ';'],
    ['externalId', ','],
  ])('%j is delimited by %j', (start, delimiter) => {
    expect(detectDelimiter(start)).toBe(delimiter);
  });

  it('reads what it has written', () => {
    const cell = fc.string({ unit: fc.constantFrom('a', ',', ';', '"', '\r', '\n', ' ', 'é', '') });
    const rows = fc.array(fc.array(cell, { minLength: 1, maxLength: 4 }), { maxLength: 5 });
    fc.assert(
      fc.property(rows, fc.constantFrom(',', ';', '\t'), fc.integer({ min: 1, max: 9 }), (given, delimiter, size) => {
        const text = given.map((cells) => formatRow(cells, delimiter)).join('');
        expect(read(text, delimiter, size)).toEqual(given);
      }),
    );
  });
});
