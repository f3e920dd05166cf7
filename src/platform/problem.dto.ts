import { ApiProperty } from '@nestjs/swagger';
import { problems } from './problem-catalogue.js';

export class FaultView {
  /**
   * A JSON pointer into the body, or `?name` for a query parameter; empty for the body as a whole.
   * @example "/users/3/email"
   */
  pointer: string;
  /** @example "email must be an email" */
  detail: string;
}

/** What went wrong (RFC 9457). Some problems have further members of their own. */
export class ProblemView {
  /** @example "urn:rollcall:problem:not_found" */
  type: string;
  /** Stable; for programs to decide by. All are listed in docs/problems.md. */
  @ApiProperty({ enum: Object.keys(problems), enumName: 'ProblemCode' })
  code: string;
  title: string;
  /** As of the answer itself. */
  status: number;
  /** What is wrong with this request. */
  detail?: string;
  /** Every fault of the request, not just the first. */
  faults?: FaultView[];
  /** Also in `x-request-id`, and in the log. */
  requestId: string;
}

/** What went wrong, in the words of SCIM (RFC 7644, section 3.12). */
export class ScimErrorView {
  /** @example ["urn:ietf:params:scim:api:messages:2.0:Error"] */
  schemas: string[];
  /** As of the answer itself. @example "404" */
  status: string;
  /** Where the standard has a name for it. */
  @ApiProperty({ required: false, example: 'invalidFilter' })
  scimType?: string;
  /** What is wrong with this request. */
  detail: string;
}
