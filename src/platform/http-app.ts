import type { DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import { BodyValidationPipe } from './body-validation.pipe.js';
import type { Config } from './config.js';
import { guardEdge, requestIdOf } from './http-edge.js';
import { createLogger, NestLogger } from './logging.js';
import { Metrics } from './metrics.js';
import { serveOpenApi } from './openapi.js';
import { Problem } from './problem.js';
import { problemBody } from './problem.filter.js';
import { observeRequests } from './request-log.js';
import { MEBIBYTE } from './route-limits.js';
import { closeInOrder } from './shutdown.js';

/** Builds the HTTP application around a module: edge, validation, log, metrics, documentation. Not listening yet. */
export async function createHttpApp(
  module: DynamicModule,
  config: Config,
  logger: Logger = createLogger(config),
): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({
    bodyLimit: MEBIBYTE,
    // While closing, what comes on open connections is answered; then they are closed.
    return503OnClosing: false,
    genReqId: (request: IncomingMessage) => requestIdOf(request.headers['x-request-id']),
    trustProxy: config.TRUSTED_PROXIES.length > 0 ? [...config.TRUSTED_PROXIES] : false,
    clientErrorHandler: answerBrokenHttp,
    frameworkErrors: answerBrokenUrl,
    // An entitlement of 255 characters stands in a path, percent-encoded.
    routerOptions: { maxParamLength: 255 * 12 },
    logger: false,
  });
  const fastify = adapter.getInstance();
  const beginEnd = guardEdge(fastify, config);
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    bodyParser: false,
    logger: new NestLogger(logger),
  });
  closeInOrder(app, beginEnd);
  observeRequests(fastify, logger, app.get(Metrics));
  app.useGlobalPipes(new BodyValidationPipe());
  serveOpenApi(app, config);
  return app;
}

/** A path that cannot be decoded is refused before a route, and its hooks and filter, is found. */
function answerBrokenUrl(_error: Error, request: FastifyRequest, reply: FastifyReply): void {
  const problem = new Problem('invalid_request', 'The path cannot be read.');
  void reply
    .status(problem.status)
    .header('content-type', 'application/problem+json')
    .header('cache-control', 'no-store')
    .send(JSON.stringify(problemBody(problem, request.id)));
}

/** What is not even HTTP never reaches a route or a filter: it is answered on the socket itself. */
function answerBrokenHttp(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const isTimeout = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
  const problem = new Problem(
    'invalid_request',
    isTimeout ? 'The request took too long to arrive.' : 'This is not HTTP.',
  );
  const body = JSON.stringify(problemBody(problem, requestIdOf(undefined)));
  socket.end(
    `HTTP/1.1 ${isTimeout ? '408 Request Timeout' : '400 Bad Request'}\r\nconnection: close\r\n` +
      `content-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
