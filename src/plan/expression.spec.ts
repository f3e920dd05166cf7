import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { compileExpression, ExpressionFailure, MissingClaim, type Expression } from './expression.js';

function compile(source: string): Expression {
  const expression = compileExpression(source);
  if ('fault' in expression) throw new Error(expression.fault);
  return expression;
}
/** A text that is put together of claims. */
const sum = (times: number): string => Array.from({ length: times }, () => 'claims.text').join(' + ');
const bag = (claims: object): Record<string, unknown> =>
  Object.assign(Object.create(null) as Record<string, unknown>, claims);

describe('expressions over claims', () => {
  it.each([
    ["'eng' in claims.groups", { groups: ['eng'] }, true],
    ["claims.department == 'R&D' && claims.level >= 3", { department: 'R&D', level: 3 }, true],
    ['has(claims.level)', {}, false],
    ["has(claims.a.b) && claims.a.b == 'z'", { a: { b: 'z' } }, true],
    ["claims['https://acme/roles'].exists(r, r.startsWith('x'))", { 'https://acme/roles': ['xy'] }, true],
    ['claims.name', { name: 'Ada' }, 'Ada'],
    ["claims.email.substring(claims.email.indexOf('@') + 1).lowerAscii()", { email: 'a@Acme.com' }, 'acme.com'],
    ["['a', 'b'].exists(x, x in claims.groups)", { groups: ['b'] }, true],
    ["claims.groups.filter(g, g.startsWith('eng-')).map(g, g.substring(4))", { groups: ['eng-x', 'ops'] }, ['x']],
    ["claims.orgs.map(o, o.name + '/' + o.role)", { orgs: [{ name: 'a', role: 'b' }] }, ['a/b']],
    ['claims.groups.exists(g, g.endsWith(claims.country))', { groups: ['dev-at'], country: 'at' }, true],
    ["timestamp(claims.end) > timestamp('2026-01-01T00:00:00Z')", { end: '2026-11-01T00:00:00Z' }, true],
  ])('%s', (source, claims, expected) => {
    expect(compile(source).evaluate(bag(claims))).toEqual(expected);
  });

  it.each([
    ['not CEL', "claims.a ==== 'x'", /does not compile/],
    ['a type error', "'a' + 1 == 2", /does not compile/],
    ['another root', 'request.path', /only `claims`/],
    ['claims as a whole', "'x' in claims", /as a whole/],
    ['a computed name', 'claims[claims.x]', /computed/],
    ['a prototype', 'claims.__proto__', /cannot be a claim/],
    ['a constructor', "claims['constructor']", /cannot be a claim/],
    ['a pattern', "claims.name.matches('(a+)+$')", /matches/],
    ['a list made of a text', "size('aa'.split('')) < 0", /`split` is not available: available are has, size/],
    ['a text made of a list', "claims.groups.join(claims.s) == 'x'", /`join` is not available/],
    ['a name for a value', "cel.bind(x, claims.a, x == 'y')", /`bind` is not available/],
    ['a duration', "duration(claims.a) == duration('1s')", /`duration` is not available/],
    [
      'what ends in heap out of memory, at the save',
      `size('${'a'.repeat(640)}'.split('').join('${'a'.repeat(640)}').split('')) < 0`,
      /not available/,
    ],
    [
      'what takes seconds for a thousand groups',
      `claims.groups.exists(g, ${Array.from({ length: 19 }, () => "size(claims.s.split('').join(g)) < 0").join(' || ')})`,
      /not available/,
    ],
    ['a text that doubles', 'claims.a.map(x, x + x).map(x, x + x).size() > 1', /goes over a list that `\+`/],
    ['a value that doubles', 'claims.a.map(x, [x, x]).exists(x, x == claims.b)', /goes over a list that/],
    ['a list that doubles', '(claims.a + claims.a).exists(x, x == 1)', /goes over a list that `\+`/],
    ['a search for each item', 'claims.a.exists(x, x in claims.b)', /`in` searches claims for each item/],
    ['a text for each item', 'claims.a.exists(x, claims.b.contains(x))', /`contains` reads claims for each item/],
    ['a size for each item', 'claims.a.exists(x, size(claims.b) == x)', /`size` reads claims for each item/],
    ['a sum for each item', 'claims.a.map(x, claims.b + x)', /made of claims for each item/],
    ['a comparison for each item', 'claims.a.exists(x, claims.b == claims.c)', /compared with claims for each item/],
    [
      'many items times many operations',
      `[${'1,'.repeat(99)}1].exists(x, ${Array.from({ length: 8 }, (_, i) => `x == ${i}`).join(' || ')})`,
      /costs too much: 3\d\d\d of at most 1000/,
    ],
    [
      'many operations for each item',
      `claims.a.exists(x, ${Array.from({ length: 40 }, () => '!x').join(' || ')})`,
      /costs too/,
    ],
    ['a search in claims for each item', 'claims.a.exists(x, x.contains(claims.b))', /text that is not written out/],
    ['a search for a text that grows', `(${sum(12)}).lastIndexOf(${sum(6)} + 'b') == 1`, /costs too much/],
    ['a text that grows', `(${sum(40)}).lowerAscii().upperAscii().trim() == ''`, /costs too much/],
    [
      'a text that grows in a list',
      `[claims.a].map(x, ${Array.from({ length: 30 }, () => 'x').join(' + ')})[0]${'.trim()'.repeat(20)} == ''`,
      /costs too much/,
    ],
    ['claims for each item', 'claims.a.map(x, claims.b).exists(x, x == claims.c)', /goes over a list that/],
    ['nested macros', 'claims.a.exists(x, claims.b.all(y, x == y))', /inside another macro/],
    ['a hidden claims', 'claims.a.map(claims, claims.b)', /declared anew/],
    ['too many nodes', Array.from({ length: 60 }, (_, i) => `claims.a == ${i}`).join(' || '), /does not compile/],
    ['too long', `claims.a == '${'x'.repeat(2_000)}'`, /longer/],
  ])('E9 refuses %s', (_, source, fault) => {
    expect(compileExpression(source)).toEqual({ fault: expect.stringMatching(fault) });
  });

  it('knows which claims it reads', () => {
    const { reads } = compile(
      "has(claims.a.b) || claims['c d'].exists(x, x == claims.e) || [claims.f, 'x'].size() > 1",
    );
    expect([...reads].sort()).toEqual(['a', 'c d', 'e', 'f']);
  });

  it.each([
    ["claims.missing == 'x'", {}, MissingClaim],
    ["claims.a.missing == 'x'", { a: {} }, MissingClaim],
    ['claims.missing', {}, MissingClaim],
    ['claims.groups[5]', { groups: [] }, ExpressionFailure],
    ['claims.a > 3', { a: 'x' }, ExpressionFailure],
    ["{'a': 1}['b'] == 1", {}, ExpressionFailure],
  ])('%s tells a missing claim from a failure', (source, claims, kind) => {
    expect(() => compile(source).evaluate(bag(claims))).toThrow(kind);
  });

  /** What a person can have at most in records and tokens, and of the worst kind. */
  const heavy = bag({
    groups: Array.from({ length: 1_000 }, (_, i) => `group-number-${i}`),
    text: 'a'.repeat(16_000),
    sought: `${'a'.repeat(4_000)}b${'a'.repeat(4_000)}`,
    late: `${'a'.repeat(8_000)}b`,
    short: `${'a'.repeat(254)}b`,
    items: Array.from({ length: 1_000 }, (_, i) => ({ i })),
    others: Array.from({ length: 1_000 }, (_, i) => ({ i })),
  });
  const twentyTimes = (source: string): string => Array.from({ length: 20 }, () => source).join(' || ');

  it.each([
    `claims.groups.exists(g, ${Array.from({ length: 17 }, () => 'g > 3').join(' || ')})`,
    `claims.groups.exists(g, ${Array.from({ length: 17 }, () => 'g.a').join(' || ')})`,
    `claims.groups.exists(g, ${Array.from({ length: 12 }, () => "g.contains('no')").join(' || ')})`,
    `claims.items.exists(g, ${Array.from({ length: 17 }, () => 'g == claims.text').join(' || ')})`,
    twentyTimes('size(claims.text) < 0'),
    twentyTimes("'none' in claims.groups"),
    twentyTimes('claims.items != claims.others'),
    Array.from({ length: 8 }, () => 'claims.text.contains(claims.sought)').join(' || '),
    Array.from({ length: 8 }, () => 'claims.text.lastIndexOf(claims.late) == 1').join(' || '),
    `(${sum(3)}).lastIndexOf(claims.short + claims.short) == 1`,
    `size(${Array.from({ length: 40 }, () => 'claims.text').join(' + ')}) < 0`,
    `[${Array.from({ length: 40 }, () => 'claims.text').join(', ')}].exists(x, size(x.upperAscii()) < 0)`,
    `claims.text.contains('${'a'.repeat(900)}b${'a'.repeat(900)}')`,
  ])('E9 judges a thousand groups and long texts within half a second: %s', (source) => {
    const expression = compile(source);
    const before = performance.now();
    try {
      expression.evaluate(heavy);
    } catch (error) {
      expect(error).toBeInstanceOf(ExpressionFailure);
    }
    expect(performance.now() - before).toBeLessThan(500);
  });

  it('E9 goes through no list that is longer than a person can have', () => {
    const { evaluate } = compile('claims.a.exists(x, x == 1)');
    expect(evaluate(bag({ a: Array.from({ length: 1_000 }, () => 1) }))).toBe(true);
    expect(() => evaluate(bag({ a: Array.from({ length: 1_001 }, () => 1) }))).toThrow(
      new ExpressionFailure('too_many_items'),
    );
  });

  it.each([
    'claims.text.contains(claims.sought)',
    "claims.text.indexOf(claims.sought + '!') == 0",
    "claims.text.lastIndexOf(claims['sought']) == 0",
    "[claims.sought, 'b'].exists(x, claims.text.contains(x))",
    "[claims.sought].map(x, x).filter(x, claims.text.contains('c' + x)) != []",
  ])('E9 looks for no long text that stands in claims: %s', (source) => {
    const { evaluate } = compile(source);
    const claimsOf = (length: number) => bag({ text: 'x'.repeat(1_000), sought: 'a'.repeat(length) });
    expect(() => evaluate(claimsOf(256))).toThrow(new ExpressionFailure('too_long_to_look_for'));
    expect(evaluate(claimsOf(255))).toBe(false);
  });

  it('looks for written texts in long ones', () => {
    const { evaluate } = compile("['x', 'y'].exists(x, claims.text.contains(x))");
    expect(evaluate(bag({ text: 'x'.repeat(1_000) }))).toBe(true);
  });

  it('names what is available as the documentation does', () => {
    const refused = compileExpression('claims.a.split(claims.b)');
    const available = 'fault' in refused ? (refused.fault.split('available are ')[1] ?? '') : '';
    const documented = /\| functions[^]*none inside another/.exec(readFileSync('docs/rules.md', 'utf8'))?.[0] ?? '';
    const names = [...documented.matchAll(/`(\w+)`/g)].map(([, name]) => name);
    expect([...new Set(available.split(/[,;] /))].sort()).toEqual([...new Set(names)].sort());
  });

  it('A11 sees no member of a prototype as a claim', () => {
    expect(compile('has(claims.toString)').evaluate(bag({}))).toBe(false);
    expect(() => compile('claims.valueOf').evaluate(bag({}))).toThrow(MissingClaim);
  });

  it.each([
    ["'engineering' in claims.groups", 'groups has engineering'],
    ["claims.department == 'R&D'", 'claims.department is R&D'],
    ["'x' != claims.a.b", 'claims.a.b is not x'],
    [
      "'a' in claims.groups && (claims.l == 1 || has(claims.m))",
      'groups has a and (claims.l is 1 or claims.m is present)',
    ],
    ["!('a' in claims.roles)", 'not (roles has a)'],
    ["claims.d in ['x', 'y']", 'claims.d is one of x, y'],
    ["claims.n.startsWith('x')", "claims.n.startsWith('x')"],
  ])('says %s in words', (source, words) => {
    expect(compile(source).words).toBe(words);
  });
});
