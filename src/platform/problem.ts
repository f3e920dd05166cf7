import { problems, type ProblemCode, type ProblemDefinition, type ScimType } from './problem-catalogue.js';

/** One fault of a request, at the field that holds it. */
export interface Fault {
  /** A JSON pointer into the body (`/users/3/email`), or `?name` for a query parameter. */
  pointer: string;
  detail: string;
}

export interface ProblemOptions {
  /** Every fault of the request, not just the first. */
  faults?: Fault[];
  retryAfterSeconds?: number;
  /** Further members of the answer (RFC 9457, section 3.2). Never a secret. */
  extra?: Record<string, unknown>;
  /** For the log alone; never sent. */
  cause?: unknown;
}

/** What services throw. One filter turns it into `application/problem+json` (RFC 9457), or the SCIM or OAuth body. */
export class Problem extends Error {
  readonly status: number;
  readonly title: string;
  /** What SCIM's error body names it (RFC 7644, section 3.12); null where that has no name for it. */
  readonly scimType: ScimType | null;

  /** `detail` goes out to the caller: it says what is wrong with this request, and never holds a secret. */
  constructor(
    readonly code: ProblemCode,
    readonly detail?: string,
    readonly options: ProblemOptions = {},
  ) {
    super(detail ?? problems[code].title, { cause: options.cause });
    const definition: ProblemDefinition = problems[code];
    this.status = definition.status;
    this.title = definition.title;
    this.scimType = definition.scimType ?? null;
  }
}

export type { ProblemCode };
