import type { ASTNode } from '@marcbachmann/cel-js';

const LISTS: ReadonlySet<string> = new Set(['groups', 'roles', 'entitlements']);

/**
 * What a condition asks, in words for an admin: `groups has engineering and claims.department is R&D`. What has no words
 * stands as it was written.
 */
export function describeCondition(node: ASTNode, source: string): string {
  switch (node.op) {
    case '&&':
    case '||': {
      const word = node.op === '&&' ? 'and' : 'or';
      return node.args
        .map((side) => {
          const words = describeCondition(side, source);
          return (side.op === '&&' || side.op === '||') && side.op !== node.op ? `(${words})` : words;
        })
        .join(` ${word} `);
    }
    case '!_':
      return `not (${describeCondition(node.args, source)})`;
    case 'in': {
      const [item, list] = node.args;
      const name = nameOf(list);
      if (name !== null && item.op === 'value') return `${name} has ${literal(item)}`;
      const subject = nameOf(item);
      if (subject === null || list.op !== 'list' || !list.args.every((one) => one.op === 'value')) break;
      return `${subject} is one of ${list.args.map(literal).join(', ')}`;
    }
    case '==':
    case '!=': {
      const [left, right] = node.args;
      const [named, value] = nameOf(left) === null ? [right, left] : [left, right];
      const name = nameOf(named);
      if (name === null || value.op !== 'value') break;
      return `${name} ${node.op === '==' ? 'is' : 'is not'} ${literal(value)}`;
    }
    case 'call': {
      const [name, [argument]] = node.args;
      const path = argument === undefined ? null : nameOf(argument);
      if (name === 'has' && path !== null) return `${path} is present`;
      break;
    }
    case '.':
    case '[]':
      return nameOf(node) ?? textOf(node, source);
    default:
      break;
  }
  return textOf(node, source);
}

/** `claims.a.b` as it is called in words; null for anything that is not a plain path of claims. */
function nameOf(node: ASTNode): string | null {
  const names: string[] = [];
  let at = node;
  while (at.op === '.' || at.op === '[]') {
    const member: string | ASTNode = at.args[1];
    const name: unknown = typeof member === 'string' ? member : member.op === 'value' ? member.args : null;
    if (typeof name !== 'string') return null;
    names.unshift(name);
    at = at.args[0];
  }
  if (at.op !== 'id' || at.args !== 'claims' || names.length === 0) return null;
  return names.length === 1 && LISTS.has(names[0] ?? '') ? (names[0] as string) : `claims.${names.join('.')}`;
}

function literal(node: ASTNode): string {
  return node.op === 'value' ? String(node.args) : '';
}

function textOf(node: ASTNode, source: string): string {
  return source.slice(node.start, node.end).trim();
}
