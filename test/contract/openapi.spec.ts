import { Ajv2020 } from 'ajv/dist/2020.js';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { OpenAPIObject } from '@nestjs/swagger';
import { isOwnPermission } from '../../src/platform/permissions.js';
import { operationsOf } from '../../src/platform/openapi.js';
import { startApp, type TestApp } from '../support/start-app.js';

/** Routes without a controller, and why that is right. */
const UNGUARDED = [
  'GET /docs',
  'GET /docs/',
  'GET /docs/*',
  'GET /docs/LICENSE',
  'GET /docs/docs/swagger-ui-init.js',
  'GET /docs/index.html',
  'GET /docs/swagger-ui-init.js',
  'GET /openapi.json',
];

/** Public on purpose; each new one is a decision. */
const PUBLIC = [
  'GET /.well-known/jwks.json',
  'GET /.well-known/oauth-authorization-server',
  'GET /health/live',
  'GET /health/ready',
  'GET /metrics',
  'GET /setup',
  'POST /auth/login',
  'POST /auth/refresh',
  'POST /setup',
  'POST /setup/link',
];

describe('the OpenAPI document', () => {
  let rollcall: TestApp;
  let document: OpenAPIObject;
  beforeAll(async () => {
    rollcall = await startApp();
    document = (await rollcall.http.get<OpenAPIObject>('/openapi.json')).body;
  });
  afterAll(() => rollcall.stop());

  const operations = () =>
    [...operationsOf(document)].map((each) => ({ ...each, name: `${each.method} ${each.path}` }));

  it('is OpenAPI 3.1', () => {
    expect(document.openapi).toBe('3.1.0');
  });

  it('has every route of the service', () => {
    const routes = routesOf(rollcall.app).filter((route) => !UNGUARDED.includes(route));
    expect(routes.map((route) => route.replace(/:(\w+)/g, '{$1}')).sort()).toEqual(
      operations()
        .map((each) => each.name)
        .sort(),
    );
  });

  it('names an access rule for every operation, and the public ones are the ones listed', () => {
    const rules = operations().map(({ name, operation }) => ({ name, rule: operation['x-permission'] }));
    const isRule = (rule: unknown) => rule === 'public' || rule === 'any' || isOwnPermission(String(rule));
    expect(rules.filter(({ rule }) => !isRule(rule))).toEqual([]);
    expect(
      rules
        .filter(({ rule }) => rule === 'public')
        .map(({ name }) => name)
        .sort(),
    ).toEqual(PUBLIC);
  });

  it('asks for a bearer token wherever the route does', () => {
    const wrong = operations().filter(
      ({ operation }) => (operation['x-permission'] === 'public') === (operation.security !== undefined),
    );
    expect(wrong.map((each) => each.name)).toEqual([]);
  });

  it('has a summary, a tag, a successful answer and its problems for every operation', () => {
    const wanting = operations().filter(({ operation }) => {
      const statuses = Object.keys(operation.responses);
      const isWhole = operation.summary && operation.tags?.length && statuses.includes('default');
      return !isWhole || !statuses.some((status) => /^[23]/.test(status));
    });
    expect(wanting.map((each) => each.name)).toEqual([]);
  });

  it('has no operation id twice', () => {
    const ids = operations().map(({ operation }) => operation.operationId);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
  });

  it('has a schema for every body, and no schema that says nothing', () => {
    const empty: string[] = [];
    walk(document, '', (value, pointer) => {
      const isSchema = /\/(schema|items|properties\/[^/]+|schemas\/[^/]+)$/.test(pointer);
      if (isSchema && Object.keys(value).filter((name) => name !== 'description').length === 0) empty.push(pointer);
    });
    expect(empty).toEqual([]);
  });

  it('has an example for every JSON body and answer, and each fits its schema', () => {
    const ajv = new Ajv2020({ strict: false, allErrors: true, logger: false, validateFormats: false });
    ajv.addSchema(document as object, 'openapi');
    const faults: string[] = [];
    let count = 0;
    for (const { name, operation } of operations()) {
      const bodies = [operation.requestBody, ...Object.values(operation.responses)];
      for (const body of bodies) {
        const content = body && 'content' in body ? body.content?.['application/json'] : undefined;
        if (!content) continue;
        count += 1;
        if (content.example === undefined && !content.examples) faults.push(`${name} has none`);
        // References are into the document.
        const schema = JSON.parse(JSON.stringify(content.schema).replaceAll('"#/', '"openapi#/')) as object;
        const check = ajv.compile(schema);
        const examples = content.examples
          ? Object.values(content.examples).map((each) => ('value' in each ? each.value : null))
          : [content.example];
        for (const example of examples) if (!check(example)) faults.push(`${name}: ${ajv.errorsText(check.errors)}`);
      }
    }
    expect(faults).toEqual([]);
    expect(count).toBeGreaterThan(80);
  });

  it('has one class for each schema: of two with one name the document would show the last', () => {
    const names = readdirSync('src', { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.dto.ts'))
      .flatMap((file) =>
        [...readFileSync(join('src', file), 'utf8').matchAll(/^export class (\w+)/gm)].map(([, name]) => name),
      );
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it('has no schema without a type, and no reference into nothing', () => {
    const broken: string[] = [];
    walk(document, '', (value, pointer) => {
      const reference = (value as { $ref?: unknown }).$ref;
      if (typeof reference !== 'string') return;
      const name = reference.replace('#/components/schemas/', '');
      if (!document.components?.schemas?.[name]) broken.push(`${pointer} → ${reference}`);
    });
    expect(broken).toEqual([]);
  });
});

/** As the router has them, so that a route which the document forgets is found. */
function routesOf(app: NestFastifyApplication): string[] {
  const adapter = app.getHttpAdapter();
  if (!(adapter instanceof FastifyAdapter)) throw new Error('the service is not on Fastify');
  return adapter.getInstance().routeTable.list();
}

function walk(value: unknown, pointer: string, visit: (value: object, pointer: string) => void): void {
  if (typeof value !== 'object' || value === null) return;
  visit(value, pointer);
  for (const [name, member] of Object.entries(value)) {
    if (name !== 'example' && name !== 'examples') walk(member, `${pointer}/${name}`, visit);
  }
}
