import type { OpenAPIObject } from '@nestjs/swagger';
import { bodyExamples } from './openapi-bodies.js';

/**
 * Examples for every body and answer of the document: what a member is called says what it looks like, and a schema's
 * own `example` comes first. So that none is forgotten, and none is left behind when a member changes.
 */

export interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  enum?: unknown[];
  example?: unknown;
  default?: unknown;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  allOf?: Schema[];
  oneOf?: Schema[];
  anyOf?: Schema[];
  additionalProperties?: boolean | Schema;
  minimum?: number;
  minLength?: number;
}

const ID = '01935a2e-7c00-7000-8000-000000000000';
const TIME = '2026-11-21T10:00:00.000Z';
const DEPTH_MAX = 8;

/** By the name of the member, wherever it stands. Only texts: numbers and flags follow from their schema. */
const TEXTS: Record<string, string> = {
  accessToken: 'eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.…',
  access_token: 'eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.…',
  apiKey: 'rc_3kF9aZ01_…',
  audience: 'reports',
  because: 'groups has engineering',
  claim: 'email',
  connection: ID,
  cursor: 'eyJhZnRlciI6…',
  description: 'Writes reports.',
  detail: 'must be a string',
  displayName: 'Ada Lovelace',
  email: 'ada@example.com',
  expression: "'engineering' in claims.groups",
  externalId: 'u-1001',
  familyName: 'Lovelace',
  givenName: 'Ada',
  groups: 'Finance',
  hash: 'u7v0Q3kM2o9xqk1dYb0m7b1m8n2c4l6h9t3r5w7y0zA',
  issuer: 'https://acme.example.com',
  jwksUri: 'https://acme.example.com/keys',
  key: 'editor',
  link: 'https://rollcall.example.com/setup#token=…',
  name: 'Acme',
  origins: 'https://app.example.com',
  password: 'correct horse battery staple',
  permissions: 'reports:write',
  pointer: '/users/3/email',
  preferred_username: 'ada@example.com',
  prefix: 'rc_3kF9…',
  reason: 'cover for Bob',
  refresh_token: 'rcr_…',
  role: 'editor',
  roles: 'editor',
  rule: 'eng',
  scopes: 'users:sync',
  slug: 'acme',
  subject: '00u1',
  tenant: 'main',
  token: 'eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.…',
  userName: 'ada@example.com',
};

const TIMES = /(At|At\b|^at|^since|^until|^before|^after|Until|From)$/;

/** Adds an example to every JSON body and answer that has none. Changes `document`. */
export function addExamples(document: OpenAPIObject): void {
  const schemas = (document.components?.schemas ?? {}) as Record<string, Schema>;
  for (const [path, item] of Object.entries(document.paths)) {
    for (const method of ['get', 'put', 'post', 'patch', 'delete'] as const) {
      const operation = item[method];
      if (!operation) continue;
      const body = contentOf(operation.requestBody);
      const name = `${method.toUpperCase()} ${path}`;
      if (body && Object.hasOwn(bodyExamples, name)) body.example = bodyExamples[name];
      for (const content of [body, ...Object.values(operation.responses).map(contentOf)]) {
        if (!content?.schema || content.example !== undefined || content.examples) continue;
        content.example = exampleOf(content.schema as Schema, '', schemas, 0);
      }
    }
  }
}

function contentOf(part: object | undefined) {
  const content = part && 'content' in part ? (part.content as ContentObject | undefined) : undefined;
  return content?.['application/json'];
}

type ContentObject = Record<string, { schema?: unknown; example?: unknown; examples?: unknown } | undefined>;

/** One value of a schema; `name` is what the member that holds it is called. */
export function exampleOf(schema: Schema, name: string, schemas: Record<string, Schema>, depth: number): unknown {
  if (schema.example !== undefined) return schema.example;
  if (schema.$ref) return exampleOf(schemas[schema.$ref.split('/').at(-1) ?? ''] ?? {}, name, schemas, depth);
  if (schema.enum) return schema.enum[0];
  const choice = schema.oneOf?.[0] ?? schema.anyOf?.[0];
  if (choice) return exampleOf(choice, name, schemas, depth);
  if (schema.allOf) return mergeExamples(schema.allOf.map((each) => exampleOf(each, name, schemas, depth)));
  switch (typeOf(schema)) {
    case 'array':
      return depth > DEPTH_MAX ? [] : [exampleOf(schema.items ?? {}, name, schemas, depth + 1)];
    case 'boolean':
      return schema.default ?? true;
    case 'integer':
    case 'number':
      return schema.default ?? Math.max(schema.minimum ?? 1, 1);
    case 'string':
      return textOf(schema, name);
    case 'object':
      return objectOf(schema, schemas, depth);
    default:
      return null;
  }
}

function typeOf(schema: Schema): string | undefined {
  if (schema.type === undefined) return schema.properties ? 'object' : undefined;
  return [schema.type].flat().find((each) => each !== 'null');
}

function textOf(schema: Schema, name: string): unknown {
  if (schema.default !== undefined && schema.default !== null) return schema.default;
  if (schema.format === 'date-time' || TIMES.test(name)) return TIME;
  if (schema.format === 'uuid' || name === 'id' || name.endsWith('Id')) return name in TEXTS ? TEXTS[name] : ID;
  return TEXTS[name] ?? 'text';
}

function objectOf(schema: Schema, schemas: Record<string, Schema>, depth: number): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  if (depth > DEPTH_MAX) return value;
  for (const [name, member] of Object.entries(schema.properties ?? {})) {
    value[name] = exampleOf(member, name, schemas, depth + 1);
  }
  return value;
}

function mergeExamples(parts: unknown[]): unknown {
  return Object.assign({}, ...parts.filter((part) => typeof part === 'object')) as unknown;
}
