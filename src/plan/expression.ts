import { Environment, EvaluationError, ParseError, type ASTNode } from '@marcbachmann/cel-js';
import {
  childrenOf,
  estimateCost,
  findSoughtClaims,
  holdsLongList,
  holdsLongText,
  isNode,
  memberNameOf,
  MACROS,
} from './expression-cost.js';
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
  /** What it may cost at most, in passes over all claims of a person. */
  cost: number;
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

/** Those whose answer is no larger than what they are given, and that take one pass over it. */
const METHODS: ReadonlySet<string> = new Set([
  'startsWith',
  'endsWith',
  'contains',
  'indexOf',
  'lastIndexOf',
  'substring',
  'lowerAscii',
  'upperAscii',
  'trim',
  'size',
]);
const FUNCTIONS: ReadonlySet<string> = new Set(['has', 'size', 'string', 'int', 'double', 'bool', 'timestamp']);
const AVAILABLE = `available are ${[...FUNCTIONS].join(', ')}; ${[...METHODS].join(', ')}; ${[...MACROS].join(', ')}`;
/** Names that are members of every object in this language, and so are no claims (A11). */
const NO_CLAIMS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);
const TOO_MANY = 'too_many_items';
const TOO_LONG = 'too_long_to_look_for';
const SIMPLE_PATH = /^claims\.([A-Za-z_][A-Za-z0-9_]*)$/;

/**
 * Compiles a CEL expression within the limits that keep it harmless (E9): length, nodes, the functions on a short list
 * (`matches` back-tracks, `split` and `join` make much of little), no macro inside a macro, a cost that is known
 * beforehand, and nothing but named members of `claims` as input.
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
    const estimate = estimateCost(parsed.ast);
    if (estimate.fault !== null) return { fault: estimate.fault };
    const loops = hasMacro(parsed.ast);
    const sought = findSoughtClaims(parsed.ast);
    const checked = parsed.check();
    if (!checked.valid) return { fault: `does not compile: ${checked.error?.summary ?? 'invalid'}` };
    const simple = SIMPLE_PATH.exec(source.trim())?.[1];
    return {
      source,
      reads,
      shape: JSON.stringify(plain(parsed.ast)),
      words: describeCondition(parsed.ast, source).slice(0, 255),
      cost: estimate.cost,
      evaluate: (claims) => {
        if (simple !== undefined) return readClaim(claims, simple);
        if (loops) for (const name of reads) if (holdsLongList(claims[name])) throw new ExpressionFailure(TOO_MANY);
        for (const name of sought) if (holdsLongText(claims[name])) throw new ExpressionFailure(TOO_LONG);
        return evaluateParsed(parsed, claims);
      },
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
  // `exists` makes an error for each item that it cannot judge, and nobody reads where in the interpreter it was made.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return parsed({ claims });
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    if (error.code === 'no_such_key' && isPathOfClaims(error.node)) throw new MissingClaim();
    throw new ExpressionFailure(error.code);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
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
      const name = memberNameOf(member);
      if (object.op === 'id' && object.args === 'claims') {
        if (typeof name !== 'string') return 'reads a claim whose name is computed: name it, `claims.<name>`';
        if (NO_CLAIMS.has(name)) return `\`${name}\` cannot be a claim`;
        reads.add(name);
        return null;
      }
      return inspect(object, reads, scope) ?? (typeof member === 'string' ? null : inspect(member, reads, scope));
    }
    case 'call': {
      const [name, args] = node.args;
      return FUNCTIONS.has(name) ? inspectAll(args, reads, scope) : `\`${name}\` is not available: ${AVAILABLE}`;
    }
    case 'rcall': {
      const [name, receiver, args] = node.args;
      if (METHODS.has(name)) return inspectAll([receiver, ...args], reads, scope);
      if (!MACROS.has(name)) return `\`${name}\` is not available: ${AVAILABLE}`;
      if (scope.inMacro) return `\`${name}\` stands inside another macro`;
      const names = args[0]?.op === 'id' ? new Set([args[0].args]) : new Set<string>();
      // A name that hides `claims` would let the checks below look at the wrong thing.
      if (names.has('claims')) return '`claims` cannot be declared anew';
      return inspect(receiver, reads, scope) ?? inspectAll(args.slice(1), reads, { inMacro: true, names });
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

function hasMacro(node: ASTNode): boolean {
  return (node.op === 'rcall' && MACROS.has(node.args[0])) || childrenOf(node).some(hasMacro);
}

/** The tree without positions, for comparison. */
function plain(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(plain);
  if (isNode(part)) return [part.op, plain(part.args)];
  return typeof part === 'bigint' ? `${part}n` : part;
}
