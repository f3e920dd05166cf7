import type { OpenAPIObject } from '@nestjs/swagger';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseTime } from '../../src/platform/clock.js';
import { isId } from '../../src/platform/ids.js';
import { operationsOf } from '../../src/platform/openapi.js';

interface Operation {
  /** `GET /users/{id}`. */
  name: string;
  method: string;
  pattern: RegExp;
  /** Fixed parts first: `/users/export` before `/users/{id}`. */
  parameters: number;
  responses: Record<string, { content?: Record<string, { schema?: unknown }>; $ref?: string }>;
}

/** What came back from one request. */
export interface SeenAnswer {
  method: string;
  /** Without a query. */
  path: string;
  status: number;
  contentType: string | null;
  body: unknown;
}

/** The document does not describe itself. */
const DOCUMENTATION = /^\/(openapi\.json|docs(\/.*)?)$/;

const FORMATS = {
  'date-time': (text: string) => parseTime(text) !== null,
  uuid: isId,
  uri: (text: string) => URL.canParse(text),
  email: /^[^@\s]+@[^@\s]+$/,
};

/**
 * Holds answers to the OpenAPI document: the status is described, the media type is, and the body fits its schema,
 * with no member that the schema does not name. Remembers which operations answered with success.
 */
export class OpenApiValidator {
  private readonly operations: Operation[];
  private readonly ajv = new Ajv2020({ strict: false, allErrors: true, formats: FORMATS, logger: false });
  private readonly compiled = new Map<string, ValidateFunction>();
  private readonly seen = new Set<string>();

  constructor(document: OpenAPIObject) {
    const closed = closeSchemas(structuredClone(document));
    this.ajv.addSchema(closed as object, 'openapi');
    this.operations = [...operationsOf(closed)]
      .map(({ method, path, operation }) => ({
        name: `${method} ${path}`,
        method,
        pattern: new RegExp(`^${path.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{[^}]+\}/g, '[^/]+')}$`),
        parameters: path.split('{').length,
        responses: operation.responses as Operation['responses'],
      }))
      .sort((left, right) => left.parameters - right.parameters);
  }

  get operationNames(): string[] {
    return this.operations.map((each) => each.name).sort();
  }

  /** The faults of an answer; none for addresses that the document does not have (a 404, a 405). */
  findFaults(answer: SeenAnswer): string[] {
    const operation = this.operations.find((each) => each.method === answer.method && each.pattern.test(answer.path));
    if (!operation && DOCUMENTATION.test(answer.path)) return [];
    if (!operation) return answer.status < 400 ? [`${answer.method} ${answer.path} is not in the document`] : [];
    const key = String(answer.status) in operation.responses ? String(answer.status) : 'default';
    const at = `${operation.name} → ${answer.status}`;
    if (key === 'default' && answer.status < 400) return [`${at}: this status is not in the document`];
    if (answer.status < 400) this.remember(operation.name);
    const content = operation.responses[key]?.content;
    if (!content) return answer.body === '' ? [] : [`${at}: the document says that there is no body`];
    const media = answer.contentType?.split(';')[0]?.trim() ?? '';
    if (!content[media])
      return [`${at}: ${media} is not in the document, which has ${Object.keys(content).join(', ')}`];
    if (!/[/+]json$/.test(media)) return [];
    return this.validate(operation, [key, media], answer.body).map((fault) => `${at}: ${fault}`);
  }

  private validate(operation: Operation, [key, media]: [string, string], body: unknown): string[] {
    const [method = '', path = ''] = operation.name.split(' ');
    const parts = ['paths', path, method.toLowerCase(), 'responses', key, 'content', media, 'schema'];
    const pointer = parts.map((part) => encodeURIComponent(part.replace(/~/g, '~0').replace(/\//g, '~1'))).join('/');
    let check = this.compiled.get(pointer);
    if (!check) {
      check = this.ajv.compile({ $ref: `openapi#/${pointer}` });
      this.compiled.set(pointer, check);
    }
    if (check(body)) return [];
    return (check.errors ?? []).map(
      (error) => `${error.instancePath || 'the body'} ${error.message} ${JSON.stringify(error.params)}`,
    );
  }

  /** Test files run in processes of their own: what they saw meets in a folder that the runner names. */
  private remember(name: string): void {
    if (this.seen.has(name)) return;
    this.seen.add(name);
    const folder = process.env.ROLLCALL_ANSWERS;
    if (!folder) return;
    mkdirSync(folder, { recursive: true });
    appendFileSync(join(folder, `${process.pid}.txt`), `${name}\n`);
  }
}

/** The operations that answered with success in any test of this run, as `GET /users/{id}`. */
export function readExercisedOperations(folder: string): Set<string> {
  if (!existsSync(folder)) return new Set();
  const lines = readdirSync(folder).flatMap((file) => readFileSync(join(folder, file), 'utf8').split('\n'));
  return new Set(lines.filter((line) => line !== ''));
}

/** In a test an answer may have no member that the document does not name; for clients the document stays open. */
function closeSchemas<T>(value: T, isPartOfAnother = false): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    for (const each of value) closeSchemas(each, isPartOfAnother);
    return value;
  }
  const schema = value as Record<string, unknown>;
  for (const [name, member] of Object.entries(schema)) {
    if (name === 'example' || name === 'examples') continue;
    closeSchemas(member, name === 'allOf' || name === 'anyOf' || name === 'oneOf');
  }
  const isObject = schema.type === 'object' && typeof schema.properties === 'object';
  if (isObject && !isPartOfAnother && schema.additionalProperties === undefined && !isOpen(schema)) {
    schema.additionalProperties = false;
  }
  return value;
}

/** Problems have members of their own by right (RFC 9457, section 3.2). */
function isOpen(schema: Record<string, unknown>): boolean {
  return Object.hasOwn(schema.properties as object, 'requestId');
}
