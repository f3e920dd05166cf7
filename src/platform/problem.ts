import { problems, type ProblemCode } from './problem-catalogue.js';

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

  /** `detail` goes out to the caller: it says what is wrong with this request, and never holds a secret. */
  constructor(
    readonly code: ProblemCode,
    readonly detail?: string,
    readonly options: ProblemOptions = {},
  ) {
    super(detail ?? problems[code].title, { cause: options.cause });
    this.status = problems[code].status;
    this.title = problems[code].title;
  }
}

export type { ProblemCode };
