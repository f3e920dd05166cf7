import type { FastifyInstance, FastifyRequest } from 'fastify';
import { limitArrival } from './arrival-limit.js';
import type { Config } from './config.js';
import { pathOf, speaksScim } from './error-answer.js';
import { newId } from './ids.js';
import { parseJsonBody } from './json-body.js';
import { Problem } from './problem.js';
import { callerKeyOf, RateLimit } from './rate-limit.js';
import { MEBIBYTE } from './route-limits.js';
import { RouteTable } from './route-table.js';

declare module 'fastify' {
  interface FastifyInstance {
    routeTable: RouteTable;
  }
}

/** Names under which credentials have been put into URLs, where logs, proxies and histories keep them (G2). */
const CREDENTIAL_NAMES = new Set([
  'access_token',
  'api_key',
  'api-key',
  'apikey',
  'authorization',
  'client_secret',
  'id_token',
  'jwt',
  'key',
  'password',
  'refresh_token',
  'refreshtoken',
  'secret',
  'token',
]);

const REQUEST_ID = /^[A-Za-z0-9._:-]{1,64}$/;

/** Given by the caller in `x-request-id`, if it is fit to stand in a log, else new. */
export function requestIdOf(given: string | string[] | undefined): string {
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : newId();
}

/**
 * What holds for every request before a route sees it: limits, headers, refusals, the reading of JSON. Returns what to
 * call when the service begins to end: from then on each answer is the last on its connection.
 */
export function guardEdge(fastify: FastifyInstance, config: Config): () => void {
  const routeTable = new RouteTable();
  fastify.decorate('routeTable', routeTable);
  fastify.addHook('onRoute', (route) => {
    routeTable.add(route.url, [route.method].flat());
    route.bodyLimit = route.config?.limits?.bodyBytesMax ?? MEBIBYTE;
  });

  const loginRate = new RateLimit(config.LOGIN_RATE_PER_MINUTE);
  const headers = securityHeaders(config);
  fastify.addHook('onRequest', (request, reply, done) => {
    void reply.headers(headers).header('x-request-id', request.id);
    const refusal = refusalOf(request, loginRate);
    if (refusal) done(refusal);
    else done();
  });

  limitArrival(fastify);
  const beginEnd = closeConnectionsAtEnd(fastify);

  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser(['application/json', 'application/scim+json'], { parseAs: 'buffer' }, readJson);
  fastify.addContentTypeParser('application/x-ndjson', (request, body, done) => {
    if (request.routeOptions.config.limits?.takesStream) done(null, body);
    else done(new Problem('unsupported_media_type', 'Send JSON, with content-type: application/json.'));
  });
  return beginEnd;
}

/** Bodies of SCIM have a media type of their own, which is understood where SCIM is spoken; all are in UTF-8. */
function readJson(
  request: FastifyRequest,
  body: string | Buffer,
  done: (error: Error | null, value?: unknown) => void,
) {
  const type = request.headers['content-type'] ?? '';
  const charset = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(type)?.[1] ?? 'utf-8';
  const isUnderstood = !/^application\/scim\+json/i.test(type) || speaksScim(pathOf(request.url));
  if (!isUnderstood || !/^utf-?8$/i.test(charset)) return done(new Problem('unsupported_media_type'));
  const coding = request.headers['content-encoding']?.trim() || 'identity';
  if (!/^identity$/i.test(coding)) {
    return done(
      new Problem('unsupported_media_type', 'Bodies are read as they are: send it without Content-Encoding.'),
    );
  }
  try {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    done(null, request.routeOptions.config.limits?.readsBody ? bytes : parseJsonBody(bytes));
  } catch (error) {
    done(error as Error);
  }
}

/** A connection whose last request ran into the end would otherwise be kept open for the next until it times out. */
function closeConnectionsAtEnd(fastify: FastifyInstance): () => void {
  let isClosing = false;
  fastify.addHook('onSend', (_request, reply, _payload, done) => {
    if (isClosing) void reply.header('connection', 'close');
    done();
  });
  fastify.addHook('onResponse', (_request, _reply, done) => {
    if (isClosing) setImmediate(() => fastify.server.closeIdleConnections());
    done();
  });
  return () => void (isClosing = true);
}

/** Before any other work is spent on the request (G5). */
function refusalOf(request: FastifyRequest, loginRate: RateLimit): Problem | null {
  const names = credentialNamesIn(request.url);
  if (names.length > 0) {
    const faults = names.map((name) => ({ pointer: `?${name}`, detail: 'belongs in the Authorization header' }));
    return new Problem('credential_in_url', undefined, { faults });
  }
  if (request.routeOptions.config.limits?.rate !== 'login') return null;
  const retryAfterSeconds = loginRate.take(callerKeyOf(request.ip));
  return retryAfterSeconds === 0 ? null : new Problem('too_many_requests', undefined, { retryAfterSeconds });
}

/** The names of query parameters that hold credentials; never their values. */
export function credentialNamesIn(url: string): string[] {
  const start = url.indexOf('?');
  if (start < 0) return [];
  const names = new Set(new URLSearchParams(url.slice(start + 1)).keys());
  return [...names].filter((name) => CREDENTIAL_NAMES.has(name.toLowerCase()));
}

/** Answers are data for programs: nothing may be stored, framed, sniffed or run. A route may set its own. */
function securityHeaders(config: Config): Record<string, string> {
  return {
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    ...(config.PUBLIC_URL.startsWith('https:') ? { 'strict-transport-security': 'max-age=31536000' } : {}),
  };
}
