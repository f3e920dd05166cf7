import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Problem } from '../../../platform/problem.js';
import { FILTER_DEPTH_MAX, type Filter, type FilterLeniencies, compareOperators, parseFilter } from './filter.js';

const compare = (path: string, operator: (typeof compareOperators)[number], value: string | number | boolean | null) =>
  ({ kind: 'compare', path, operator, value }) as const;
const present = (path: string) => ({ kind: 'present', path }) as const;

describe('SCIM 48 the grammar of filters', () => {
  it.each<[string, Filter]>([
    ['userName eq "bjensen"', compare('userName', 'eq', 'bjensen')],
    [`name.familyName co "O'Malley"`, compare('name.familyName', 'co', "O'Malley")],
    [
      'urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J"',
      compare('urn:ietf:params:scim:schemas:core:2.0:User:userName', 'sw', 'J'),
    ],
    ['title pr', present('title')],
    ['members.$ref pr', present('members.$ref')],
    ['meta.lastModified gt "2011-05-13T04:42:34Z"', compare('meta.lastModified', 'gt', '2011-05-13T04:42:34Z')],
    ['active eq true', compare('active', 'eq', true)],
    ['x eq -1.5e3', compare('x', 'eq', -1500)],
    ['title eq null', compare('title', 'eq', null)],
    [
      'title pr and userType eq "Employee"',
      { kind: 'and', terms: [present('title'), compare('userType', 'eq', 'Employee')] },
    ],
    [
      'a pr or b pr and c pr or d pr',
      {
        kind: 'or',
        terms: [present('a'), { kind: 'and', terms: [present('b'), present('c')] }, present('d')],
      },
    ],
    [
      '(a pr or b pr) and c pr',
      { kind: 'and', terms: [{ kind: 'or', terms: [present('a'), present('b')] }, present('c')] },
    ],
    ['not (a pr)', { kind: 'not', term: present('a') }],
    ['not(a pr)and(b pr)', { kind: 'and', terms: [{ kind: 'not', term: present('a') }, present('b')] }],
    [
      'userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")',
      {
        kind: 'and',
        terms: [
          compare('userType', 'eq', 'Employee'),
          { kind: 'or', terms: [compare('emails', 'co', 'example.com'), compare('emails.value', 'co', 'example.org')] },
        ],
      },
    ],
    [
      'emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp"]',
      {
        kind: 'or',
        terms: [
          {
            kind: 'element',
            path: 'emails',
            filter: { kind: 'and', terms: [compare('type', 'eq', 'work'), compare('value', 'co', '@example.com')] },
          },
          { kind: 'element', path: 'ims', filter: compare('type', 'eq', 'xmpp') },
        ],
      },
    ],
    ['emails[not (type pr)]', { kind: 'element', path: 'emails', filter: { kind: 'not', term: present('type') } }],
  ])('%s', (text, filter) => {
    expect(parseFilter(text)).toEqual(filter);
  });

  it('SCIM 49 operators and keywords count in any case', () => {
    expect(parseFilter('NOT (userName EQ "a") AND title PR Or x Ne 1')).toEqual(
      parseFilter('not (userName eq "a") and title pr or x ne 1'),
    );
  });

  it('SCIM 49 a text has the escapes of JSON, and may hold what the grammar is made of', () => {
    expect(parseFilter(String.raw`userName eq "a\"b\\c\u00e9\n and (x] eq \"y"`)).toEqual(
      compare('userName', 'eq', 'a"b\\c\u00e9\n and (x] eq "y'),
    );
  });

  it('SCIM 51 brackets with a value behind them mean one element', () => {
    expect(parseFilter('emails[type eq "work"].value eq "x"')).toEqual({
      kind: 'element',
      path: 'emails',
      filter: { kind: 'and', terms: [compare('type', 'eq', 'work'), compare('value', 'eq', 'x')] },
    });
  });

  it('spaces may be many, and stand inside parentheses and brackets', () => {
    expect(parseFilter('  ( a   eq  "x" )  and emails[ type eq "work" ] ')).toEqual(
      parseFilter('(a eq "x") and emails[type eq "work"]'),
    );
  });

  it.each([
    '',
    ' ',
    'userName',
    'userName eq',
    'userName eq ',
    'userName "x"',
    'userName xx "x"',
    'userName eq"x"',
    'userName eq "x',
    'userName eq "x\\"',
    "userName eq 'x'",
    'userName eq x',
    'userName eq True',
    'userName eq 01',
    'userName eq 1e999',
    'userName eq {"a":1}',
    'userName eq ["a"]',
    'userName eq "x" and',
    'userName eq "x" and and title pr',
    'userName eq "x"and title pr',
    'userName eq "x" title pr',
    'userName eq "x")',
    '(userName eq "x"',
    '()',
    'not userName eq "x"',
    'not',
    'emails[type eq "work"',
    'emails[]',
    'emails[type eq "work"]]',
    'emails[type eq "work"].',
    'emails[type eq "work"].value',
    'emails[type eq "work"].value.x eq "y"',
    'emails[type eq "work"].ims[type pr]',
    'emails[ims[type pr]]',
    'emails[a.b pr]',
    'emails [type pr]',
    '[type pr]',
    '1a pr',
    'a..b pr',
    'a.b.c pr',
    'a- pr]',
    'userName eq "\u0001"',
    String.raw`userName eq "\ud800"`,
    String.raw`userName eq "a\u0000"`,
    String.raw`userName eq "\x"`,
    'userName; DROP TABLE users eq "x"',
  ])('SCIM 48 %j is 400 invalidFilter', (text) => {
    expect(refusalOf(text)).toBe('invalidFilter');
  });

  it('names the character that it stumbled over', () => {
    expect(() => parseFilter('userName eq "x" or title is "y"')).toThrow('character 26: expected pr, eq, ne');
  });
});

describe('SCIM 54 the limits of filters', () => {
  it.each([
    ['parentheses', (n: number) => `${'('.repeat(n)}a pr${')'.repeat(n)}`],
    ['not', (n: number) => `${'not ('.repeat(n)}a pr${')'.repeat(n)}`],
    ['parentheses that never close', (n: number) => '('.repeat(n)],
  ])('%s nested 1,000 deep are 400 invalidFilter; as deep as allowed they are read', (_, nest) => {
    expect(refusalOf(nest(1000))).toBe('invalidFilter');
    expect(refusalOf(nest(FILTER_DEPTH_MAX + 1))).toBe('invalidFilter');
  });

  it('a filter nested as deep as is allowed is read', () => {
    const text = `${'('.repeat(FILTER_DEPTH_MAX)}a pr${')'.repeat(FILTER_DEPTH_MAX)}`;
    expect(parseFilter(text)).toEqual(present('a'));
  });

  it('ten kilobytes are 400 invalidFilter, whatever they hold', () => {
    expect(refusalOf(`a eq "${'x'.repeat(10_000)}"`)).toBe('invalidFilter');
    expect(refusalOf(Array.from({ length: 2000 }, () => 'a pr').join(' or '))).toBe('invalidFilter');
  });

  it('a long chain is one flat list, so that nothing recurses along it', () => {
    const filter = parseFilter(Array.from({ length: 800 }, () => 'a pr').join(' or '));
    expect(filter).toMatchObject({ kind: 'or' });
    expect(filter.kind === 'or' && filter.terms).toHaveLength(800);
  });
});

describe('the leniency for values without quotes', () => {
  const lenient: FilterLeniencies = { unquotedFilters: true };

  it.each<[string, Filter]>([
    ['userName eq ada@example.com', compare('userName', 'eq', 'ada@example.com')],
    ['(userName eq ada@example.com)', compare('userName', 'eq', 'ada@example.com')],
    ['emails[type eq work].value eq x', parseFilter('emails[type eq "work"].value eq "x"')],
    ['active eq True', compare('active', 'eq', true)],
    ['x eq 007', compare('x', 'eq', '007')],
    ['x eq 7', compare('x', 'eq', 7)],
    ['x eq "a b"', compare('x', 'eq', 'a b')],
  ])('%s', (text, filter) => {
    expect(parseFilter(text, lenient)).toEqual(filter);
  });

  it.each(['userName eq', 'userName eq )', 'userName eq a b', 'userName eq "a'])('%j is still refused', (text) => {
    expect(refusalOf(text, lenient)).toBe('invalidFilter');
  });
});

const name = fc.stringMatching(/^[a-z][a-zA-Z0-9_-]{0,8}$/);
const path = fc.oneof(
  name,
  fc.tuple(name, name).map((parts) => parts.join('.')),
  name.map((each) => `urn:ietf:params:scim:schemas:core:2.0:User:${each}`),
);
const value = fc.oneof(
  fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
  fc.boolean(),
  fc.constant(null),
);
const leaf = (paths: fc.Arbitrary<string>): fc.Arbitrary<Filter> =>
  fc.oneof(
    fc.record({ kind: fc.constant('present' as const), path: paths }),
    fc.record({
      kind: fc.constant('compare' as const),
      path: paths,
      operator: fc.constantFrom(...compareOperators),
      value,
    }),
  );
const tree = (leaves: fc.Arbitrary<Filter>): fc.Arbitrary<Filter> =>
  fc.letrec<{ filter: Filter }>((tie) => ({
    filter: fc.oneof(
      { maxDepth: 5, depthSize: 'small' },
      leaves,
      fc.record({
        kind: fc.constantFrom('and' as const, 'or' as const),
        terms: fc.array(tie('filter'), { minLength: 2, maxLength: 4 }),
      }),
      fc.record({ kind: fc.constant('not' as const), term: tie('filter') }),
    ),
  })).filter;
const element = fc.record({ kind: fc.constant('element' as const), path, filter: tree(leaf(name)) });

describe('properties of the reader', () => {
  it('reads what it is printed as', () => {
    fc.assert(
      fc.property(tree(fc.oneof(leaf(path), element)), (filter) => {
        expect(parseFilter(print(filter))).toEqual(filter);
      }),
    );
  });

  it('answers every text with a filter or with invalidFilter, and never with another error', () => {
    const pieces = fc.constantFrom(
      'a',
      ' ',
      'eq',
      'pr',
      'not',
      'and',
      '(',
      ')',
      '[',
      ']',
      '"',
      '\\',
      '.',
      ':',
      '1',
      'null',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 20 }), fc.boolean(), (parts, unquotedFilters) => {
        expect([null, 'invalidFilter']).toContain(refusalOf(parts.join(''), { unquotedFilters }));
      }),
      { numRuns: 2000 },
    );
  });
});

function print(filter: Filter): string {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.terms.map(printTerm).join(` ${filter.kind} `);
    case 'not':
      return `not (${print(filter.term)})`;
    case 'present':
      return `${filter.path} pr`;
    case 'compare':
      return `${filter.path} ${filter.operator} ${JSON.stringify(filter.value)}`;
    case 'element':
      return `${filter.path}[${print(filter.filter)}]`;
  }
}

function printTerm(filter: Filter): string {
  return filter.kind === 'and' || filter.kind === 'or' ? `(${print(filter)})` : print(filter);
}

function refusalOf(text: string, leniencies: FilterLeniencies = {}): string | null {
  try {
    parseFilter(text, leniencies);
    return null;
  } catch (error) {
    if (error instanceof Problem) return error.scimType;
    throw error;
  }
}
