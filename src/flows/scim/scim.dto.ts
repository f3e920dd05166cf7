import { ApiProperty, getSchemaPath } from '@nestjs/swagger';
import { userResourceType } from './protocol/resource-types.js';
import { describeResource } from './scim-schema-docs.js';

/** A user as SCIM tells it (RFC 7643, section 4.1, with the enterprise extension). */
export class ScimUserView {}
describeResource(ScimUserView.prototype, userResourceType, 'answer');

/** A user as a client states it; what is readOnly is passed over. */
export class ScimUserBody {}
describeResource(ScimUserBody.prototype, userResourceType, 'body');

export class ScimOperationBody {
  /** `add`, `remove` or `replace`, in any case. */
  @ApiProperty({ example: 'replace' })
  op: string;
  /** @example "name.givenName" */
  path?: string;
  /** What the attribute shall be, or with no `path` an object of attributes. */
  @ApiProperty({
    required: false,
    example: 'Ada',
    oneOf: [
      { type: 'string' },
      { type: 'boolean' },
      { type: 'number' },
      { type: 'object', additionalProperties: true },
      { type: 'array', items: { type: 'object', additionalProperties: true } },
    ],
  })
  value?: unknown;
}

/** RFC 7644, section 3.5.2. */
export class ScimPatchBody {
  /** @example ["urn:ietf:params:scim:api:messages:2.0:PatchOp"] */
  schemas: string[];
  Operations: ScimOperationBody[];
}

/** RFC 7644, section 3.4.3. */
export class ScimSearchBody {
  /** @example ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"] */
  schemas: string[];
  /** @example "userName eq \\"ada@example.com\\"" */
  filter?: string;
  /** @example "userName" */
  sortBy?: string;
  /** `ascending` or `descending`. */
  @ApiProperty({ required: false, enum: ['ascending', 'descending'] })
  sortOrder?: string;
  /** From 1. */
  @ApiProperty({ required: false, type: 'integer' })
  startIndex?: number;
  @ApiProperty({ required: false, type: 'integer' })
  count?: number;
  /** Empty for the first page (RFC 9865). */
  @ApiProperty({ required: false, example: '' })
  cursor?: string;
  /** @example ["userName"] */
  attributes?: string[];
  /** @example [] */
  excludedAttributes?: string[];
}

/** What a page of a list says beside its resources (RFC 7644, section 3.4.2; RFC 9865, section 2). */
export class ScimPageView {
  /** @example ["urn:ietf:params:scim:api:messages:2.0:ListResponse"] */
  schemas: string[];
  /** Of the whole list. */
  @ApiProperty({ type: 'integer' })
  totalResults: number;
  /** Of a page by index. */
  @ApiProperty({ required: false, type: 'integer' })
  startIndex?: number;
  @ApiProperty({ type: 'integer' })
  itemsPerPage: number;
  /** Of a page by cursor, but for the last one. */
  @ApiProperty({ required: false, example: 'eyJhZnRlciI6…' })
  nextCursor?: string;
}

/** A page of users. */
export class ScimUserListView extends ScimPageView {
  Resources: ScimUserView[];
}

/** A page of whatever a search at the root finds. */
export class ScimListView extends ScimPageView {
  @ApiProperty({
    type: 'array',
    items: { anyOf: [{ $ref: getSchemaPath('ScimUserView') }, { $ref: getSchemaPath('ScimGroupView') }] },
  })
  Resources: unknown[];
}
