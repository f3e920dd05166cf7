import type { DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type IncomingMessage, maxHeaderSize } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import { BodyValidationPipe } from './body-validation.pipe.js';
import type { Config } from './config.js';
import { errorAnswer, pathOf } from './error-answer.js';
import { guardEdge, requestIdOf } from './http-edge.js';
import { createLogger, NestLogger } from './logging.js';
import { Metrics } from './metrics.js';
import { serveOpenApi } from './openapi.js';
import { Problem } from './problem.js';
import { observeRequests } from './request-log.js';
import { MEBIBYTE } from './route-limits.js';
import { canonicalScimUrl } from './scim-address.js';
import { closeInOrder } from './shutdown.js';

/** Builds the HTTP application around a module: edge, validation, log, metrics, documentation. Not listening yet. */
export async function createHttpApp(
  module: DynamicModule,
  config: Config,
  logger: Logger = createLogger(config),
): Promise<NestFastifyApplication> {
  const reading = new WeakMap<Socket, FastifyRequest>();
  const adapter = new FastifyAdapter({
    bodyLimit: MEBIBYTE,
    // While closing, what comes on open connections is answered; then they are closed.
    return503OnClosing: false,
    genReqId: (request: IncomingMessage) => requestIdOf(request.headers['x-request-id']),
    trustProxy: config.TRUSTED_PROXIES.length > 0 ? [...config.TRUSTED_PROXIES] : false,
    clientErrorHandler: (error, socket) => answerBrokenHttp(error, socket, reading.get(socket) ?? null),
    frameworkErrors: answerBrokenUrl,
    rewriteUrl: (request: IncomingMessage) => canonicalScimUrl(request.url ?? '/'),
    // An entitlement of 255 characters stands in a path, percent-encoded.
    routerOptions: { maxParamLength: 255 * 12 },
    logger: false,
  });
  const fastify = adapter.getInstance();
  rememberReading(fastify, reading);
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
  const { mediaType, body } = errorAnswer(problem, pathOf(request.url), request.id);
  void reply
    .status(problem.status)
    .header('content-type', mediaType)
    .header('cache-control', 'no-store')
    .header('x-request-id', request.id)
    .send(JSON.stringify(body));
}

/** Which request a connection is in the middle of, for the day that it breaks there. */
function rememberReading(fastify: FastifyInstance, reading: WeakMap<Socket, FastifyRequest>): void {
  fastify.addHook('onRequest', (request, _reply, done) => {
    reading.set(request.raw.socket, request);
    done();
  });
  fastify.addHook('onResponse', (request, _reply, done) => {
    reading.delete(request.raw.socket);
    done();
  });
}

/** What stops being HTTP never reaches a route or a filter: it is answered on the socket itself. */
function answerBrokenHttp(error: BrokenHttp, socket: Socket, request: FastifyRequest | null): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const isTimeout = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
  const detail = describeBreak(error, request);
  const problem = new Problem('invalid_request', detail);
  const requestId = request?.id ?? requestIdOf(undefined);
  const answer = errorAnswer(problem, pathOf(request?.url ?? urlIn(error.rawPacket)), requestId);
  const body = JSON.stringify(answer.body);
  socket.end(
    `HTTP/1.1 ${isTimeout ? '408 Request Timeout' : '400 Bad Request'}\r\nconnection: close\r\n` +
      `content-type: ${answer.mediaType}\r\nx-request-id: ${requestId}\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

interface BrokenHttp extends Error {
  code?: string;
  /** The bytes that were being read. */
  rawPacket?: unknown;
}

function describeBreak({ code }: BrokenHttp, request: FastifyRequest | null): string {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'The request took too long to arrive.';
  if (code === 'HPE_HEADER_OVERFLOW') return `Address and headers have more than ${maxHeaderSize} bytes together.`;
  return request ? 'The body was cut off.' : 'This is not HTTP.';
}

/** The address in the first line of a request; empty if there is none. */
function urlIn(packet: unknown): string {
  const text = Buffer.isBuffer(packet) ? packet.toString('latin1', 0, 1024) : '';
  return /^[A-Z]+ (\/[^\s?]*)/.exec(text)?.[1] ?? '';
}
