import { Environment, EvaluationError, ParseError, type ASTNode } from '@marcbachmann/cel-js';
import { describeCondition } from './expression-words.js';

/** Claims by name, without a prototype, so that `constructor` is no claim (A11). */
export type ClaimsBag = Record<string, unknown>;

/** A compiled CEL expression over `claims`. */
export interface Expression {
  source: string;
  /** The top-level claims that it reads, by name. */
  reads: ReadonlySet<string>;
  /** The same for two expressions that differ in white space alone. */
  shape: string;
  /** What it asks, in words, at most 255 characters: `groups has engineering`. */
  words: string;
  /** Its value for these claims. Throws `MissingClaim` where one is not there, or `ExpressionFailure`. */
  evaluate(claims: ClaimsBag): unknown;
}

/** The expression reads a claim that is not there. */
export class MissingClaim extends Error {}

/** The expression failed otherwise; the message names no value of a claim. */
export class ExpressionFailure extends Error {}

export const EXPRESSION_LENGTH_MAX = 2_000;
export const EXPRESSION_NODES_MAX = 200;

const environment = new Environment({
  homogeneousAggregateLiterals: false,
  limits: {
    maxAstNodes: EXPRESSION_NODES_MAX,
    maxDepth: 50,
    maxListElements: EXPRESSION_NODES_MAX,
    maxMapEntries: EXPRESSION_NODES_MAX,
    maxCallArguments: 8,
  },
}).registerVariable('claims', 'dyn');

/** They loop over a list; one inside another multiplies, and `bind` inside `bind` doubles. */
const MACROS: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'map', 'filter', 'bind']);
/** Names that are members of every object in this language, and so are no claims (A11). */
const NO_CLAIMS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);
const SIMPLE_PATH = /^claims\.([A-Za-z_][A-Za-z0-9_]*)$/;

/**
 * Compiles a CEL expression within the limits that keep it harmless (E9): length, nodes, no `matches` (it back-tracks),
 * no macro inside a macro, and nothing but named members of `claims` as input.
 *
 * @returns the expression, or what is wrong with it in words
 */
export function compileExpression(source: string): Expression | { fault: string } {
  if (source.length > EXPRESSION_LENGTH_MAX) return { fault: `is longer than ${EXPRESSION_LENGTH_MAX} characters` };
  try {
    const parsed = environment.parse(source);
    const reads = new Set<string>();
    const fault = inspect(parsed.ast, reads, { inMacro: false, names: new Set() });
    if (fault) return { fault };
    const checked = parsed.check();
    if (!checked.valid) return { fault: `does not compile: ${checked.error?.summary ?? 'invalid'}` };
    const simple = SIMPLE_PATH.exec(source.trim())?.[1];
    return {
      source,
      reads,
      shape: JSON.stringify(plain(parsed.ast)),
      words: describeCondition(parsed.ast, source).slice(0, 255),
      evaluate:
        simple === undefined ? (claims) => evaluateParsed(parsed, claims) : (claims) => readClaim(claims, simple),
    };
  } catch (error) {
    if (!(error instanceof ParseError) && !(error instanceof EvaluationError)) throw error;
    return { fault: `does not compile: ${error.summary}` };
  }
}

/** A plain `claims.x` needs no interpreter, and a missing one no stack trace. */
function readClaim(claims: ClaimsBag, name: string): unknown {
  const value = claims[name];
  if (value === undefined) throw new MissingClaim(name);
  return value;
}

function evaluateParsed(parsed: (context: { claims: ClaimsBag }) => unknown, claims: ClaimsBag): unknown {
  try {
    return parsed({ claims });
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    if (error.code === 'no_such_key' && isPathOfClaims(error.node)) throw new MissingClaim();
    throw new ExpressionFailure(error.code);
  }
}

function isPathOfClaims(node: ASTNode | undefined): boolean {
  let at = node;
  while (at?.op === '.' || at?.op === '[]') at = at.args[0];
  return at?.op === 'id' && at.args === 'claims';
}

interface Scope {
  inMacro: boolean;
  /** The names that the macros around declare. */
  names: ReadonlySet<string>;
}

/** Collects the claims that are read; answers what is not allowed, or null. */
function inspect(node: ASTNode, reads: Set<string>, scope: Scope): string | null {
  switch (node.op) {
    case 'id':
      if (node.args === 'claims') return 'reads `claims` as a whole: name the claim, `claims.<name>`';
      return scope.names.has(node.args) ? null : `reads \`${node.args}\`: only \`claims\` can be read`;
    case '.':
    case '[]': {
      const [object, member] = node.args;
      const name = typeof member === 'string' ? member : member.op === 'value' ? member.args : null;
      if (object.op === 'id' && object.args === 'claims') {
        if (typeof name !== 'string') return 'reads a claim whose name is computed: name it, `claims.<name>`';
        if (NO_CLAIMS.has(name)) return `\`${name}\` cannot be a claim`;
        reads.add(name);
        return null;
      }
      return inspect(object, reads, scope) ?? (typeof member === 'string' ? null : inspect(member, reads, scope));
    }
    case 'rcall': {
      const [name, receiver, args] = node.args;
      if (name === 'matches') return '`matches` is not available: use startsWith, endsWith, contains or `in`';
      if (!MACROS.has(name)) return inspectAll([receiver, ...args], reads, scope);
      if (scope.inMacro) return `\`${name}\` stands inside another macro`;
      const binds = name === 'bind' && receiver.op === 'id' && receiver.args === 'cel';
      const names = args[0]?.op === 'id' ? new Set([args[0].args]) : new Set<string>();
      // A name that hides `claims` would let the checks below look at the wrong thing.
      if (names.has('claims')) return '`claims` cannot be declared anew';
      const fault = binds ? null : inspect(receiver, reads, scope);
      return fault ?? inspectAll(args.slice(1), reads, { inMacro: true, names });
    }
    default:
      return inspectAll(childrenOf(node), reads, scope);
  }
}

function inspectAll(nodes: readonly ASTNode[], reads: Set<string>, scope: Scope): string | null {
  for (const node of nodes) {
    const fault = inspect(node, reads, scope);
    if (fault) return fault;
  }
  return null;
}

function childrenOf(node: ASTNode): ASTNode[] {
  const found: ASTNode[] = [];
  const collect = (part: unknown): void => {
    if (Array.isArray(part)) part.forEach(collect);
    else if (isNode(part)) found.push(part);
  };
  collect(node.args);
  return found;
}

function isNode(part: unknown): part is ASTNode {
  return typeof part === 'object' && part !== null && 'op' in part && 'args' in part;
}

/** The tree without positions, for comparison. */
function plain(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(plain);
  if (isNode(part)) return [part.op, plain(part.args)];
  return typeof part === 'bigint' ? `${part}n` : part;
}
