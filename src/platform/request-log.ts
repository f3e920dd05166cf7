import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { Principal } from './access.js';
import type { Metrics } from './metrics.js';

/** Asked every few seconds by machines: worth a line only to who looks for it. */
const PROBES = /^\/(health\/|metrics)/;

/**
 * One line and one measurement for each request. The line names who, what and how long; never a body, a query, a
 * header or the value of a path parameter (G3): the route is its template.
 */
export function observeRequests(fastify: FastifyInstance, logger: Logger, metrics: Metrics): void {
  fastify.addHook('onRequest', (_request, _reply, done) => {
    metrics.requestStarted();
    done();
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    const route = routeOf(request);
    const ms = Math.round(reply.elapsedTime * 10) / 10;
    metrics.requestEnded({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000);
    // 501 is the answer to what nobody promised.
    const isFailure = reply.statusCode >= 500 && reply.statusCode !== 501;
    const level = PROBES.test(route) ? 'debug' : isFailure ? 'error' : 'info';
    const { user } = request as FastifyRequest & { user?: Principal };
    logger[level]({
      requestId: request.id,
      method: request.method,
      route,
      status: reply.statusCode,
      ms,
      principal: user ? `${user.type}:${user.id}` : undefined,
      tenant: user?.tenantId,
    });
    done();
  });
  fastify.addHook('onRequestAbort', (request, done) => {
    logger.info({ requestId: request.id, method: request.method, route: routeOf(request) }, 'the caller hung up');
    done();
  });
}

/** The template, so that neither a log nor a metric grows with what callers ask for. */
export function routeOf(request: FastifyRequest): string {
  return request.routeOptions.url ?? 'unknown';
}
