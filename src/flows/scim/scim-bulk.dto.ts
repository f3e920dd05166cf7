import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

const METHODS = ['POST', 'PUT', 'PATCH', 'DELETE'] as const;

export class ScimBulkOperationBody {
  @ApiProperty({ enum: METHODS }) method: string;
  /** What others of the request call the resource, as `bulkId:ada`; needed for POST. @example "ada" */
  bulkId?: string;
  /** `/Users`, or with an id but for POST. @example "/Users" */
  path: string;
  /** The `ETag` that the resource shall have; as `If-Match`. @example "W/\"1\"" */
  version?: string;
  /** The body of the request that it stands for. */
  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    example: { schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName: 'ada@example.com' },
  })
  data?: Record<string, unknown>;
}

/** Several requests in one (RFC 7644, section 3.7). */
export class ScimBulkBody {
  /** @example ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"] */
  schemas: string[];
  /** After so many errors the rest is not processed. */
  @ApiProperty({ required: false, type: 'integer' })
  failOnErrors?: number;
  Operations: ScimBulkOperationBody[];
}

export class ScimBulkResultView {
  /** As it was sent; empty where it was none. @example "POST" */
  method: string;
  /** @example "ada" */
  bulkId?: string;
  /** @example "W/\"1\"" */
  version?: string;
  /** @example "https://rollcall.example.com/scim/v2/Users/01935a2e-7c00-7000-8000-000000000000" */
  location?: string;
  /** @example "201" */
  status: string;
  /** The error, where there is one. */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  response?: unknown;
}

/** What became of each operation, in the order of the request; those that were not processed are left out. */
export class ScimBulkView {
  /** @example ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"] */
  schemas: string[];
  Operations: ScimBulkResultView[];
}
