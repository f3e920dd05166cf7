import { applyDecorators } from '@nestjs/common';
import { ApiExtension, DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Config } from './config.js';
import { errorAnswer, mediaOfErrors, speaksScim } from './error-answer.js';
import { addExamples } from './openapi-examples.js';
import { Problem } from './problem.js';
import { ProblemView, ScimErrorView } from './problem.dto.js';
import { type ProblemCode, problems } from './problem-catalogue.js';

const PROBLEMS = 'x-problems';
const METHODS = ['get', 'put', 'post', 'delete', 'patch'] as const;

/** Problems that an operation answers with beyond those that follow from its access rule, parameters and body. */
export function Problems(...codes: ProblemCode[]): MethodDecorator {
  return applyDecorators(ApiExtension(PROBLEMS, codes));
}

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']> & Record<`x-${string}`, unknown>;

/** The OpenAPI 3.1 document of every route of `app`. */
export function createDocument(app: NestFastifyApplication, config: Config): OpenAPIObject {
  const base = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Rollcall')
    .setDescription(
      "Keeps an application's users and roles in step with its customers' identity providers: at login and by push.",
    )
    .setVersion('1')
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .addBearerAuth({
      type: 'http',
      scheme: 'bearer',
      description: 'An access token of Rollcall, or an API key `rc_…`.',
    })
    .addServer(config.PUBLIC_URL === '' ? '/' : config.PUBLIC_URL)
    .build();
  const document = SwaggerModule.createDocument(app, base, {
    extraModels: [ProblemView, ScimErrorView],
    operationIdFactory: (controller, method) => `${controller.replace(/Controller$/, '')}_${method}`,
  });
  for (const { operation, path } of operationsOf(document)) describeProblems(operation, path);
  addExamples(document);
  return document;
}

export function* operationsOf(
  document: OpenAPIObject,
): Generator<{ method: string; path: string; operation: Operation }> {
  for (const [path, item] of Object.entries(document.paths)) {
    for (const method of METHODS) {
      const operation = item[method];
      if (operation) yield { method: method.toUpperCase(), path, operation: operation as Operation };
    }
  }
}

/** What a route can answer with follows mostly from what it is, and need not be said at each. */
function describeProblems(operation: Operation, path: string): void {
  const codes = new Set<ProblemCode>((operation[PROBLEMS] as ProblemCode[] | undefined) ?? []);
  delete operation[PROBLEMS];
  const parameters = operation.parameters ?? [];
  if (parameters.length > 0 || operation.requestBody) codes.add('invalid_request');
  codes.add('credential_in_url');
  if (speaksScim(path)) codes.add('not_acceptable');
  if (operation.requestBody) {
    for (const code of ['invalid_json', 'payload_too_large', 'unsupported_media_type'] as const) codes.add(code);
  }
  if (operation['x-permission'] !== 'public') {
    codes.add('unauthenticated');
    if (operation['x-permission'] !== 'any') codes.add('forbidden');
  }
  if (path.includes('{')) codes.add('not_found');
  if (parameters.some((each) => 'name' in each && each.name.toLowerCase() === 'if-match')) {
    codes.add('version_conflict');
    if (!speaksScim(path)) codes.add('version_required');
  }
  if (operation.requestBody || operation['x-permission'] !== 'public') codes.add('database_unavailable');
  codes.add('internal');
  const byStatus = Map.groupBy([...codes], (code) => problems[code].status);
  for (const [status, group] of [...byStatus].sort(([left], [right]) => left - right)) {
    operation.responses[String(status)] ??= problemResponse(group, path);
  }
  operation.responses.default ??= problemResponse([], path);
}

function problemResponse(codes: ProblemCode[], path: string): Operation['responses'][string] {
  const answers = codes.map((code) => [code, errorAnswer(exampleOf(code), path, EXAMPLE_ID)] as const);
  const examples = Object.fromEntries(answers.map(([code, { body }]) => [code, { value: body }]));
  const schema = speaksScim(path) ? 'ScimErrorView' : 'ProblemView';
  const words = codes.map((code) => `\`${code}\`: ${problems[code].title}`);
  return {
    description: words.length > 0 ? words.join(' ') : 'Any other problem.',
    content: {
      [mediaOfErrors(path)]: {
        schema: { $ref: `#/components/schemas/${schema}` },
        ...(codes.length > 0 ? { examples } : {}),
      },
    },
  };
}

const EXAMPLE_ID = '01935a2e-7c00-7000-8000-000000000000';

function exampleOf(code: ProblemCode): Problem {
  const faults = [{ pointer: '/name', detail: 'name must be a string' }];
  return new Problem(code, undefined, code === 'invalid_request' ? { faults } : {});
}

/** The pages bring their scripts and styles from here alone. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
  "font-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/** `/openapi.json` and `/docs`; the document is built when it is first asked for. */
export function serveOpenApi(app: NestFastifyApplication, config: Config): void {
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('onRequest', (request, reply, done) => {
      if (/^\/docs(\/|\?|$)/.test(request.url)) void reply.header('content-security-policy', PAGE_POLICY);
      done();
    });
  SwaggerModule.setup('docs', app, () => createDocument(app, config), {
    raw: ['json'],
    jsonDocumentUrl: 'openapi.json',
    customSiteTitle: 'Rollcall API',
    swaggerOptions: { persistAuthorization: false, validatorUrl: null },
  });
}
