import { Problem } from '../../../platform/problem.js';
import {
  type BulkMethod,
  type BulkOperation,
  type BulkRequest,
  type FaultyOperation,
  resolveId,
  resolveReferences,
} from './bulk-request.js';

export const BULK_RESPONSE_URN = 'urn:ietf:params:scim:api:messages:2.0:BulkResponse';

/** A request of its own, to be carried out now: ids stand in the place of bulkIds. */
export interface BulkStep {
  operation: BulkOperation;
  method: BulkMethod;
  /** Null for a POST. */
  id: string | null;
  data: unknown;
  version: string | null;
}

/**
 * How a step ended: what was answered, or the problem. `id` is that of the resource; its address is told of a problem too,
 * but for a POST (RFC 7644, section 3.7.3).
 */
export type BulkOutcome =
  | { status: number; id: string; location: string | null; version: string | null }
  | { problem: Problem; location?: string };

/** One operation of the answer (RFC 7644, section 3.7.3). */
export interface BulkResult {
  method: string;
  bulkId?: string;
  version?: string;
  location?: string;
  /** As a text. */
  status: string;
  response?: unknown;
}

/**
 * The carrying out of a bulk request, one step at a time: `next`, then `settle`, until there is no next. Operations go
 * in their order, but what others refer to goes first. People who refer to one another in a circle (as managers) are
 * made without that first, and completed by a PUT; groups that do fail with `conflict` (409), as does whatever refers
 * to an operation that failed or is not there.
 */
export class BulkProgress {
  private readonly ids = new Map<string, string>();
  private readonly results = new Map<number, { outcome: BulkOutcome; method: string; bulkId: string | null }>();
  private readonly makers: ReadonlyMap<string, BulkOperation>;
  private waiting: readonly BulkOperation[];
  /** Made without their references to others; to be completed. */
  private incomplete: BulkOperation[] = [];
  private errors = 0;

  /** @param locationOf the address of a resource */
  constructor(
    private readonly request: BulkRequest,
    private readonly locationOf: (resourceType: 'User' | 'Group', id: string) => string,
  ) {
    this.waiting = request.operations;
    const named = request.operations.filter(({ bulkId }) => bulkId !== null);
    this.makers = new Map(named.map((operation) => [operation.bulkId ?? '', operation]));
    // What is there already can be referred to before its own turn.
    for (const { bulkId, id } of named) if (id !== null && !id.startsWith('bulkId:')) this.ids.set(bulkId ?? '', id);
  }

  /** The next step; null when all is done, or enough has failed. */
  next(): BulkStep | null {
    while (!this.isOver()) {
      const faulty = this.nextFaulty();
      if (faulty) this.note(faulty.index, faulty, this.failed(faulty));
      else {
        const completed = this.incomplete.find((operation) => this.isReady(operation));
        if (completed) return this.complete(completed);
        const ready = this.waiting.find((operation) => this.isReady(operation));
        if (!ready && this.waiting.length === 0) return null;
        const step = ready ? this.begin(ready) : this.breakCircle();
        if (step) return step;
      }
    }
    return null;
  }

  settle({ operation }: BulkStep, outcome: BulkOutcome): void {
    const { index, bulkId } = operation;
    if (!('problem' in outcome) && bulkId !== null) this.ids.set(bulkId, outcome.id);
    const made = this.results.get(index)?.outcome;
    // What was made and then completed was made: 201.
    const status =
      made && !('problem' in made) && !('problem' in outcome) ? { ...outcome, status: made.status } : outcome;
    if ('problem' in outcome) this.incomplete = this.incomplete.filter((one) => one !== operation);
    this.note(index, operation, status);
  }

  /** In the order of the request; what was not processed is absent. */
  listResults(toErrorBody: (problem: Problem) => unknown): BulkResult[] {
    return [...this.results]
      .sort(([a], [b]) => a - b)
      .map(([, { outcome, method, bulkId }]) => {
        const named = { method, ...(bulkId === null ? {} : { bulkId }) };
        if ('problem' in outcome) {
          const { problem, location } = outcome;
          return {
            ...named,
            ...(location === undefined ? {} : { location }),
            status: String(problem.status),
            response: toErrorBody(problem),
          };
        }
        const { status, version, location } = outcome;
        return {
          ...named,
          ...(version === null ? {} : { version }),
          ...(location === null ? {} : { location }),
          status: String(status),
        };
      });
  }

  private isOver(): boolean {
    const { failOnErrors } = this.request;
    return failOnErrors !== null && this.errors >= failOnErrors;
  }

  /** What was sent wrongly fails in its place, so that `failOnErrors` counts it there. */
  private nextFaulty() {
    const first = this.waiting[0]?.index ?? Infinity;
    return this.request.faulty.find(({ index }) => index < first && !this.results.has(index));
  }

  private note(
    index: number,
    { method, bulkId }: { method: string; bulkId: string | null },
    outcome: BulkOutcome,
  ): void {
    if ('problem' in outcome) this.errors += 1;
    this.results.set(index, { outcome, method, bulkId });
  }

  /** Whether nothing is to be waited for: all that it refers to was made, or never will be. */
  private isReady(operation: BulkOperation): boolean {
    return this.findAwaited(operation) === null;
  }

  /** An operation that has to go first. */
  private findAwaited(operation: BulkOperation): BulkOperation | null {
    for (const bulkId of operation.references) {
      const maker = this.makers.get(bulkId);
      if (!maker || this.ids.has(bulkId) || this.results.has(maker.index)) continue;
      if (refersTo(operation, maker)) return maker;
    }
    return null;
  }

  private begin(operation: BulkOperation): BulkStep | null {
    this.waiting = this.waiting.filter((one) => one !== operation);
    const missing = operation.references.find((bulkId) => !this.ids.has(bulkId) && !this.isLeftOut(operation, bulkId));
    if (missing !== undefined)
      return this.fail(operation, `\`bulkId:${missing}\` names nothing that this request made`);
    return this.toStep(operation);
  }

  private complete(operation: BulkOperation): BulkStep | null {
    this.incomplete = this.incomplete.filter((one) => one !== operation);
    const missing = operation.references.find((bulkId) => !this.ids.has(bulkId) && !this.isLeftOut(operation, bulkId));
    if (missing !== undefined) {
      return this.fail(
        operation,
        `it was made, but without \`bulkId:${missing}\`, which names nothing that this request made`,
        `bulkId:${operation.bulkId ?? ''}`,
      );
    }
    return { ...this.toStep(operation), method: 'PUT', id: this.ids.get(operation.bulkId ?? '') ?? null };
  }

  /** Groups are named by people in what is readOnly alone. */
  private isLeftOut(operation: BulkOperation, bulkId: string): boolean {
    const maker = this.makers.get(bulkId);
    return maker !== undefined && !refersTo(operation, maker);
  }

  private toStep(operation: BulkOperation): BulkStep {
    const find = (bulkId: string): string | null => this.ids.get(bulkId) ?? null;
    const { method, version } = operation;
    const id = operation.id === null ? null : resolveId(operation.id, find);
    return { operation, method, id, data: resolveReferences(operation.data, find), version };
  }

  /** Everything that waits waits for something that waits: somewhere there is a circle. */
  private breakCircle(): BulkStep | null {
    const path: BulkOperation[] = [];
    let at: BulkOperation | null = this.waiting[0] ?? null;
    while (at && !path.includes(at)) {
      path.push(at);
      at = this.findAwaited(at);
    }
    const circle = at ? path.slice(path.indexOf(at)) : path;
    const first = circle.reduce((a, b) => (a.index < b.index ? a : b));
    this.waiting = this.waiting.filter((one) => one !== first);
    if (first.method !== 'POST' || first.resourceType === 'Group') {
      return this.fail(first, 'it refers to others that refer to it, and groups do not nest here');
    }
    this.incomplete.push(first);
    return this.toStep(first);
  }

  private fail(operation: BulkOperation, detail: string, id = operation.id): null {
    const problem = new Problem('conflict', `Not resolved: ${detail}.`);
    this.note(operation.index, operation, this.failed({ ...operation, id, problem }));
    return null;
  }

  /** Told with the address of its resource, where that is known (RFC 7644, section 3.7.3). */
  private failed({ resourceType, id, problem }: Pick<FaultyOperation, 'resourceType' | 'id' | 'problem'>): BulkOutcome {
    const known = id === null ? null : resolveId(id, (bulkId) => this.ids.get(bulkId) ?? null);
    if (resourceType === null || known === null) return { problem };
    return { problem, location: this.locationOf(resourceType, known) };
  }
}

/** The body of the answer (RFC 7644, section 3.7.3). */
export function toBulkResponse(results: readonly BulkResult[]): {
  schemas: string[];
  Operations: readonly BulkResult[];
} {
  return { schemas: [BULK_RESPONSE_URN], Operations: results };
}

/** A user refers to a group only in what is readOnly, and that is ignored. */
function refersTo(operation: BulkOperation, maker: BulkOperation): boolean {
  return operation.resourceType === 'Group' || maker.resourceType === 'User';
}
