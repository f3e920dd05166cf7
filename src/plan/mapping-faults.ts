import type { Fault } from '../platform/problem.js';
import { compileExpression, type Expression } from './expression.js';

/** Collects faults while a mapping is compiled; expressions go through it. */
export class MappingFaults {
  readonly faults: Fault[] = [];
  readonly warnings: Fault[] = [];
  /** Nothing can be run. */
  broken = false;
  /** What all expressions cost together, in the measure of `Expression.cost`. */
  cost = 0;

  add(pointer: string, detail: string, breaks = true): void {
    this.faults.push({ pointer, detail });
    if (breaks) this.broken = true;
  }

  /**
   * @param decides the expression decides about identity or roles: then it may read `claims.email` only beside
   *   `claims.email_verified` (E4)
   */
  compile(source: unknown, pointer: string, decides: boolean): Expression | null {
    if (typeof source !== 'string' || source.trim() === '') {
      this.add(pointer, 'must be an expression (CEL), such as `claims.email`');
      return null;
    }
    const expression = compileExpression(source);
    if ('fault' in expression) {
      this.add(pointer, expression.fault);
      return null;
    }
    this.cost += expression.cost;
    if (decides && expression.reads.has('email') && !expression.reads.has('email_verified')) {
      this.add(pointer, 'reads `claims.email` without a condition on `claims.email_verified`', false);
    }
    return expression;
  }
}

/** A name as a part of a JSON pointer (RFC 6901, section 3). */
export function escape(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}
