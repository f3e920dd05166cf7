import type { Json } from '../../../plan/statement.js';
import { CURSOR_TIMEOUT_SECONDS } from './cursor.js';
import { COUNT_DEFAULT, COUNT_MAX, viewListResponse } from './list-query.js';
import { resourceTypes } from './resource-types.js';
import type { AttributeDefinition, ResourceType, SchemaDefinition } from './schema.js';
import { CONFIG_URN, RESOURCE_TYPE_URN, SCHEMA_URN, serviceSchemas } from './service-schemas.js';

type Document = Record<string, Json>;

/** `/Schemas` (RFC 7643, section 7). `baseUrl` is the address of the SCIM server, without a slash at its end. */
export function viewSchemas(baseUrl: string): Document {
  return listAll(schemas().map((schema) => viewSchema(schema, baseUrl)));
}

/** `/Schemas/{urn}`, in any case; null when no such schema is served. */
export function findSchemaView(urn: string, baseUrl: string): Document | null {
  const schema = schemas().find(({ id }) => id.toLowerCase() === urn.toLowerCase());
  return schema ? viewSchema(schema, baseUrl) : null;
}

/** `/ResourceTypes` (RFC 7643, section 6). */
export function viewResourceTypes(baseUrl: string): Document {
  return listAll(resourceTypes.map((type) => viewResourceType(type, baseUrl)));
}

/** `/ResourceTypes/{name}`; null when there is no such type. */
export function findResourceTypeView(name: string, baseUrl: string): Document | null {
  const type = resourceTypes.find((each) => each.name.toLowerCase() === name.toLowerCase());
  return type ? viewResourceType(type, baseUrl) : null;
}

export interface BulkLimits {
  readonly operationsMax: number;
  readonly payloadBytesMax: number;
}

/** `/ServiceProviderConfig` (RFC 7643, section 5; RFC 9865, section 4). */
export function viewServiceProviderConfig(baseUrl: string, bulk: BulkLimits): Document {
  return {
    schemas: [CONFIG_URN],
    patch: { supported: true },
    bulk: { supported: true, maxOperations: bulk.operationsMax, maxPayloadSize: bulk.payloadBytesMax },
    filter: { supported: true, maxResults: COUNT_MAX },
    changePassword: { supported: false },
    sort: { supported: true },
    etag: { supported: true },
    pagination: {
      cursor: true,
      index: true,
      defaultPaginationMethod: 'index',
      defaultPageSize: COUNT_DEFAULT,
      maxPageSize: COUNT_MAX,
      cursorTimeout: CURSOR_TIMEOUT_SECONDS,
    },
    authenticationSchemes: [
      {
        type: 'oauthbearertoken',
        name: 'Bearer token',
        description: 'An API key of the connection, sent as a bearer token.',
        specUri: 'https://www.rfc-editor.org/info/rfc6750',
        primary: true,
      },
    ],
    meta: { resourceType: 'ServiceProviderConfig', location: `${baseUrl}/ServiceProviderConfig` },
  };
}

function listAll(resources: Document[]): Document {
  return viewListResponse({ totalResults: resources.length, resources, startIndex: 1 });
}

function schemas(): SchemaDefinition[] {
  const ofResources = resourceTypes.flatMap((type) => [
    type.schema,
    ...type.schemaExtensions.map(({ schema }) => schema),
  ]);
  return [...ofResources, ...serviceSchemas];
}

function viewSchema({ id, name, description, attributes }: SchemaDefinition, baseUrl: string): Document {
  return {
    schemas: [SCHEMA_URN],
    id,
    name,
    description,
    attributes: attributes.map(viewAttribute),
    meta: { resourceType: 'Schema', location: `${baseUrl}/Schemas/${id}` },
  };
}

function viewAttribute(attribute: AttributeDefinition): Document {
  const { canonicalValues, referenceTypes, subAttributes, ...characteristics } = attribute;
  return {
    ...characteristics,
    ...(canonicalValues ? { canonicalValues: [...canonicalValues] } : {}),
    ...(referenceTypes ? { referenceTypes: [...referenceTypes] } : {}),
    ...(subAttributes ? { subAttributes: subAttributes.map(viewAttribute) } : {}),
  };
}

function viewResourceType(type: ResourceType, baseUrl: string): Document {
  return {
    schemas: [RESOURCE_TYPE_URN],
    id: type.name,
    name: type.name,
    endpoint: type.endpoint,
    description: type.description,
    schema: type.schema.id,
    schemaExtensions: type.schemaExtensions.map(({ schema, required }) => ({ schema: schema.id, required })),
    meta: { resourceType: 'ResourceType', location: `${baseUrl}/ResourceTypes/${type.name}` },
  };
}
