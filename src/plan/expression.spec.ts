import { describe, expect, it } from '@jest/globals';
import { compileExpression, ExpressionFailure, MissingClaim, type Expression } from './expression.js';

function compile(source: string): Expression {
  const expression = compileExpression(source);
  if ('fault' in expression) throw new Error(expression.fault);
  return expression;
}
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
    ['nested macros', 'claims.a.exists(x, claims.b.all(y, x == y))', /inside another macro/],
    ['a macro in bind', 'cel.bind(x, claims.a, x.map(y, y + y))', /inside another macro/],
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
