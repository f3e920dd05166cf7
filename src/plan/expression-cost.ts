import type { ASTNode } from '@marcbachmann/cel-js';

/** The items of one list, or the members of one object, that a macro goes through. */
export const MACRO_ITEMS_MAX = 1_000;
export const EXPRESSION_COST_MAX = 1_000;

/** They loop over a list; one inside another multiplies, and is refused. */
export const MACROS: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'map', 'filter']);

/** An operation on each item of a list: a pass over the list, and of small steps, each of which may fail on its own. */
const STEP_COST = 10;

/** For whoever reads that something costs too much. */
export const WHAT_COSTS =
  'An operation counts 1, inside of a macro over claims 10, on claims that `+` puts together as often as there are; ' +
  'looking for a text that is not written out counts 100';

/** Looking for a text in a text may take their lengths multiplied. */
const SEARCHES: ReadonlySet<string> = new Set(['contains', 'indexOf', 'lastIndexOf']);
const SOUGHT_CHARS_A_PASS = 15;
/** For a text to look for that is not written out; it has at most so many characters then. */
const SEARCH_COST = 100;
export const SOUGHT_CHARS_MAX = 255;

const COMPARISONS: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>=']);

/**
 * What an expression may cost at most, in passes over all claims of a person: each operation outside of macros is one at
 * worst (`'x' in claims.groups` looks at each group), and on values that were put together as many as they are made of.
 * That holds where `fault` is null: values do not grow for each item of a macro then (E9). Else `fault` says what could cost more, or that this is too much.
 */
export function estimateCost(node: ASTNode): { cost: number; fault: string | null } {
  const cost = measure(node, 1);
  const fault = findGrowth(node);
  if (fault !== null || cost <= EXPRESSION_COST_MAX) return { cost, fault };
  return { cost, fault: `costs too much: ${Math.ceil(cost)} of at most ${EXPRESSION_COST_MAX}. ${WHAT_COSTS}` };
}

function measure(node: ASTNode, each: number): number {
  const macro = readMacro(node);
  if (!macro) return childrenOf(node).reduce((sum, child) => sum + measure(child, each), each * ownCost(node));
  const { receiver, bodies, written } = macro;
  const step = written === null ? STEP_COST : Math.max(1, written);
  return bodies.reduce((sum, body) => sum + measure(body, each * step), each + measure(receiver, each));
}

function ownCost(node: ASTNode): number {
  const size = Math.max(1, ...childrenOf(node).map(sizeOf));
  const sought = soughtIn(node);
  if (sought === null) return size;
  if (sought.op !== 'value') return SEARCH_COST * size * Math.max(1, sizeOf(sought));
  return typeof sought.args === 'string' ? size * Math.max(1, Math.ceil(sought.args.length / SOUGHT_CHARS_A_PASS)) : 1;
}

/** How many times as large as all claims the value may be, by what `+`, [ ] and { } put together. */
function sizeOf(node: ASTNode): number {
  switch (node.op) {
    case 'id':
      return 1;
    case '.':
    case '[]':
      return Math.max(1, sizeOf(childrenOf(node)[0] ?? node));
    case '+':
    case 'list':
    case 'map':
      return sumOf(childrenOf(node));
    case '?:':
      return Math.max(...childrenOf(node).map(sizeOf));
    case 'call':
      return node.args[0] === 'string' ? sumOf(node.args[1]) : 0;
    case 'rcall': {
      const [name, receiver, args] = node.args;
      if (name === 'map') {
        return sizeOf(receiver) + (readMacro(node)?.written ?? 1) * sumOf(args.slice(1));
      }
      return TEXTS_AND_LISTS.has(name) ? sizeOf(receiver) : 0;
    }
    default:
      return 0;
  }
}

/** Their answer is as large as what they are asked of; of others it is a number or a yes or no. */
const TEXTS_AND_LISTS: ReadonlySet<string> = new Set(['filter', 'substring', 'lowerAscii', 'upperAscii', 'trim']);

function sumOf(nodes: readonly ASTNode[]): number {
  return nodes.reduce((sum, node) => sum + sizeOf(node), 0);
}

/** The text that a search looks for; null for what is no search. */
function soughtIn(node: ASTNode): ASTNode | null {
  return node.op === 'rcall' && SEARCHES.has(node.args[0]) ? (node.args[2][0] ?? null) : null;
}

/** The claims out of which some search takes the text that it looks for. `items`: those that the macro around goes over. */
export function findSoughtClaims(node: ASTNode, items: readonly string[] = []): Set<string> {
  const macro = readMacro(node);
  if (macro) {
    const { receiver, bodies } = macro;
    const found = bodies.map((body) => findSoughtClaims(body, claimsIn(receiver)));
    return new Set([...findSoughtClaims(receiver, items), ...found.flatMap((names) => [...names])]);
  }
  const sought = soughtIn(node);
  const names = sought === null ? [] : [...claimsIn(sought), ...(readsItem(sought) ? items : [])];
  return new Set([...names, ...childrenOf(node).flatMap((child) => [...findSoughtClaims(child, items)])]);
}

/** Of `x.name` and `x['name']`; null where it is computed. */
export function memberNameOf(member: string | ASTNode): unknown {
  if (typeof member === 'string') return member;
  return member.op === 'value' ? member.args : null;
}

/** The names of the claims that it reads. */
function claimsIn(node: ASTNode): string[] {
  if (node.op === '.' || node.op === '[]') {
    const [object, member] = node.args;
    if (object.op === 'id' && object.args === 'claims') {
      const name = memberNameOf(member);
      return typeof name === 'string' ? [name] : [];
    }
  }
  return childrenOf(node).flatMap(claimsIn);
}

function readsItem(node: ASTNode): boolean {
  return node.op === 'id' ? node.args !== 'claims' : childrenOf(node).some(readsItem);
}

/** Whether a text in it has more characters than one that is not written out may have to be looked for. */
export function holdsLongText(value: unknown): boolean {
  if (typeof value === 'string') return value.length > SOUGHT_CHARS_MAX;
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsLongText);
}

/** Whether a macro goes over more than the claims hold, or looks through all claims for each item. */
function findGrowth(node: ASTNode): string | null {
  const macro = readMacro(node);
  if (macro) {
    const { name, receiver, bodies, written } = macro;
    const made = written === null ? [receiver] : receiverParts(receiver);
    if (made.some(builds))
      return `\`${name}\` goes over a list that \`+\`, [ ], { } or \`map\` make larger: name a list of the claims`;
    const fault = written === null ? firstOf(bodies, findPassPerItem) : null;
    if (fault !== null) return fault;
  }
  return firstOf(childrenOf(node), findGrowth);
}

/** In the body of a macro over claims: an operation that takes as long as the claims are large, once for each item. */
function findPassPerItem(node: ASTNode): string | null {
  switch (node.op) {
    case 'in':
      if (readsClaims(node.args[1])) return '`in` searches claims for each item of a macro: use a written list';
      break;
    case 'call':
      if (node.args[0] === 'has') return null;
      if (node.args[1].some(readsClaims)) return `\`${node.args[0]}\` reads claims for each item of a macro`;
      break;
    case 'rcall':
      if (readsClaims(node.args[1])) return `\`${node.args[0]}\` reads claims for each item of a macro`;
      break;
    case '+':
    case 'map':
      if (readsClaims(node)) return 'values are made of claims for each item of a macro';
      break;
    case '[]':
      if (readsClaims(node.args[1])) return 'a member is looked up by a claim for each item of a macro';
      break;
    default:
      if (COMPARISONS.has(node.op) && childrenOf(node).every(readsClaims))
        return 'claims are compared with claims for each item of a macro';
  }
  return firstOf(childrenOf(node), findPassPerItem);
}

interface Macro {
  name: string;
  receiver: ASTNode;
  bodies: ASTNode[];
  /** How many items the list has, if it is written out: `['a', 'b'].exists(…)`; null for a list of claims. */
  written: number | null;
}

function readMacro(node: ASTNode): Macro | null {
  if (node.op !== 'rcall' || !MACROS.has(node.args[0])) return null;
  const [name, receiver, args] = node.args;
  const root = rootOf(receiver);
  return { name, receiver, bodies: args.slice(1), written: root.op === 'list' ? root.args.length : null };
}

/** The list that a chain of `filter` and `map` begins with. */
function rootOf(receiver: ASTNode): ASTNode {
  let at = receiver;
  while (at.op === 'rcall' && MACROS.has(at.args[0])) at = at.args[1];
  return at;
}

/** Of a chain over a written list: the bodies, and the items of the list. */
function receiverParts(receiver: ASTNode): ASTNode[] {
  if (receiver.op === 'list') return receiver.args;
  const macro = readMacro(receiver);
  return macro ? [...macro.bodies, ...receiverParts(macro.receiver)] : [receiver];
}

/** Whether it makes more of what it reads: a sum, a list or object of anything but constants, claims for each item. */
function builds(node: ASTNode): boolean {
  if (node.op === '+') return true;
  const children = childrenOf(node);
  if ((node.op === 'list' || node.op === 'map') && children.some((child) => child.op !== 'value')) return true;
  const macro = readMacro(node);
  if (macro?.name === 'map' && macro.written === null && macro.bodies.some(readsClaims)) return true;
  return children.some(builds);
}

function readsClaims(node: ASTNode): boolean {
  if (node.op === 'id') return node.args === 'claims';
  if (node.op === 'call' && node.args[0] === 'has') return false;
  return childrenOf(node).some(readsClaims);
}

function firstOf(nodes: readonly ASTNode[], find: (node: ASTNode) => string | null): string | null {
  for (const node of nodes) {
    const fault = find(node);
    if (fault !== null) return fault;
  }
  return null;
}

/** The nodes right below a node. */
export function childrenOf(node: ASTNode): ASTNode[] {
  const found: ASTNode[] = [];
  const collect = (part: unknown): void => {
    if (Array.isArray(part)) part.forEach(collect);
    else if (isNode(part)) found.push(part);
  };
  collect(node.args);
  return found;
}

/** Whether a part of the tree is a node of it. */
export function isNode(part: unknown): part is ASTNode {
  return typeof part === 'object' && part !== null && 'op' in part && 'args' in part;
}

/** Whether a list or an object in it has more members than a macro may go through. */
export function holdsLongList(value: unknown, depth = 0): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const members: unknown[] = Array.isArray(value) ? value : Object.values(value);
  if (members.length > MACRO_ITEMS_MAX || depth > 32) return true;
  for (const member of members) if (holdsLongList(member, depth + 1)) return true;
  return false;
}
