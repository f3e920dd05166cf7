import { ApiProperty, getSchemaPath } from '@nestjs/swagger';

class ScimMetaView {
  resourceType: string;
  location: string;
}

class ScimSupportView {
  supported: boolean;
}

class ScimBulkSupportView {
  supported: boolean;
  @ApiProperty({ type: 'integer' })
  maxOperations: number;
  /** Bytes. */
  @ApiProperty({ type: 'integer' })
  maxPayloadSize: number;
}

class ScimFilterSupportView {
  supported: boolean;
  /** Resources in a page at most. */
  @ApiProperty({ type: 'integer' })
  maxResults: number;
}

/** RFC 9865, section 4. */
class ScimPaginationView {
  cursor: boolean;
  index: boolean;
  defaultPaginationMethod: string;
  @ApiProperty({ type: 'integer' })
  defaultPageSize: number;
  @ApiProperty({ type: 'integer' })
  maxPageSize: number;
  /** Seconds. */
  @ApiProperty({ type: 'integer' })
  cursorTimeout: number;
}

class ScimAuthenticationSchemeView {
  type: string;
  name: string;
  description: string;
  specUri: string;
  primary: boolean;
}

/** RFC 7643, section 5. */
export class ScimConfigView {
  schemas: string[];
  documentationUri?: string;
  patch: ScimSupportView;
  bulk: ScimBulkSupportView;
  filter: ScimFilterSupportView;
  changePassword: ScimSupportView;
  sort: ScimSupportView;
  etag: ScimSupportView;
  pagination: ScimPaginationView;
  authenticationSchemes: ScimAuthenticationSchemeView[];
  meta: ScimMetaView;
}

class ScimSchemaExtensionView {
  schema: string;
  required: boolean;
}

/** RFC 7643, section 6. */
export class ScimResourceTypeView {
  schemas: string[];
  id: string;
  name: string;
  endpoint: string;
  description: string;
  schema: string;
  schemaExtensions: ScimSchemaExtensionView[];
  meta: ScimMetaView;
}

/** RFC 7643, section 7. */
export class ScimAttributeView {
  name: string;
  type: string;
  multiValued: boolean;
  description: string;
  required: boolean;
  caseExact: boolean;
  mutability: string;
  returned: string;
  uniqueness: string;
  canonicalValues?: string[];
  referenceTypes?: string[];
  @ApiProperty({ required: false, type: 'array', items: { $ref: getSchemaPath('ScimAttributeView') } })
  subAttributes?: unknown[];
}

export class ScimSchemaView {
  schemas: string[];
  id: string;
  name: string;
  description: string;
  attributes: ScimAttributeView[];
  meta: ScimMetaView;
}

class ScimWholeList {
  schemas: string[];
  @ApiProperty({ type: 'integer' })
  totalResults: number;
  @ApiProperty({ type: 'integer' })
  startIndex: number;
  @ApiProperty({ type: 'integer' })
  itemsPerPage: number;
}

export class ScimResourceTypeListView extends ScimWholeList {
  Resources: ScimResourceTypeView[];
}

export class ScimSchemaListView extends ScimWholeList {
  Resources: ScimSchemaView[];
}
