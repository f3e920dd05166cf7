import type { Directory } from './directory.js';
import type { Outcome } from './outcome.js';
import type { ConnectionPolicy, PlanContext } from './policy.js';
import type { Statement } from './statement.js';

/** What becomes of the directory by one statement. */
export declare function planStatement(
  directory: Directory,
  statement: Statement,
  policy: ConnectionPolicy,
  context: PlanContext,
  purpose: 'login' | 'push',
): Outcome;

/** The person under the connection's present mapping, ceilings and roles, with no new statement. */
export declare function planReplan(
  directory: Directory,
  userId: string,
  policy: ConnectionPolicy,
  context: PlanContext,
): Outcome[];
