import type { FastifyInstance, FastifyRequest } from 'fastify';

/** For a request to arrive whole; a body of 16 MiB over a slow line takes its time, a trickle is cut. */
const REQUEST_MS_MAX = 120_000;
const HEADERS_MS_MAX = 60_000;

declare module 'fastify' {
  interface FastifyRequest {
    /** The route reads its body as it arrives, and sees to it itself that it does. */
    mayTakeItsTime(): void;
  }
}

const timers = new WeakMap<FastifyRequest, NodeJS.Timeout>();

/** Holds each request to its time. The server's own limit knows no exceptions, and a stream of users may take hours. */
export function limitArrival(fastify: FastifyInstance): void {
  fastify.decorateRequest('mayTakeItsTime', function (this: FastifyRequest) {
    clearTimeout(timers.get(this));
  });
  fastify.addHook('onReady', (done) => {
    fastify.server.requestTimeout = 0;
    fastify.server.headersTimeout = HEADERS_MS_MAX;
    done();
  });
  fastify.addHook('onRequest', (request, _reply, done) => {
    if (hasBody(request)) {
      const timer = setTimeout(() => cut(fastify, request), REQUEST_MS_MAX);
      timer.unref();
      timers.set(request, timer);
      request.raw.once('end', () => clearTimeout(timer)).once('close', () => clearTimeout(timer));
    }
    done();
  });
}

function hasBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** As the server itself would: it answers on the socket. */
function cut(fastify: FastifyInstance, request: FastifyRequest): void {
  const error = Object.assign(new Error('Request timeout'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
  fastify.server.emit('clientError', error, request.raw.socket);
}
