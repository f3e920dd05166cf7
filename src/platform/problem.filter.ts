import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { databaseUnavailable } from './database.js';
import { databaseTroubleOf } from './database-errors.js';
import { errorAnswer, findScimReason, pathOf } from './error-answer.js';
import { Problem, type ProblemCode } from './problem.js';

/** The one place where an error becomes an answer. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger(ProblemFilter.name);

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const path = pathOf(request.url);
    const allowed = request.is404 ? request.server.routeTable.methodsAt(path) : [];
    const problem = allowed.length > 0 ? new Problem('method_not_allowed') : this.explain(error, request, path);
    if (problem.code === 'internal') this.logger.error(problem.options.cause ?? problem);
    // What is not our fault is told in a line: while it lasts, every request meets it.
    else if (problem.status > 501) this.logger.warn(`${problem.code}: ${reasonOf(problem)}`);
    if (reply.sent) return;
    if (allowed.length > 0) void reply.header('allow', allowed.join(', '));
    if (problem.options.retryAfterSeconds) void reply.header('retry-after', String(problem.options.retryAfterSeconds));
    if (problem.status === 401) void reply.header('www-authenticate', 'Bearer');
    const { mediaType, body } = errorAnswer(problem, path, request.id);
    void reply
      .status(problem.status)
      .header('content-type', mediaType)
      .header('cache-control', 'no-store')
      .send(JSON.stringify(body));
  }

  private explain(error: unknown, request: FastifyRequest, path: string): Problem {
    const reason = request.is404 ? findScimReason(path) : null;
    if (isTooLarge(error)) {
      const bytesMax = request.routeOptions.bodyLimit;
      return new Problem('payload_too_large', `At most ${bytesMax} bytes: send it in smaller parts.`, { cause: error });
    }
    return reason ?? toProblem(error);
  }
}

const HTTP_CODES: Partial<Record<number, ProblemCode>> = {
  400: 'invalid_request',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  406: 'not_acceptable',
  409: 'conflict',
  413: 'payload_too_large',
  415: 'unsupported_media_type',
  429: 'too_many_requests',
};

const TOO_LARGE = 'FST_ERR_CTP_BODY_TOO_LARGE';

/** Found by the server while it read the body, and perhaps wrapped by the framework since. */
function isTooLarge(error: unknown): boolean {
  if (error instanceof HttpException) return error.getStatus() === 413;
  return (error as { code?: unknown } | null)?.code === TOO_LARGE;
}

const WRONG_TYPE = 'FST_ERR_CTP_INVALID_MEDIA_TYPE';

/** What the server found, which the framework may have wrapped since: then its name is gone, and its status tells. */
function nameOf(error: unknown): unknown {
  if (error instanceof HttpException && error.getStatus() === 415) return WRONG_TYPE;
  return (error as { code?: unknown } | null)?.code;
}

/** Faults that the framework finds while it reads a request; its own words tell callers too little or too much. */
const READING: Record<string, { code: ProblemCode; detail: string }> = {
  [TOO_LARGE]: { code: 'payload_too_large', detail: 'Send it in smaller parts.' },
  [WRONG_TYPE]: {
    code: 'unsupported_media_type',
    detail: 'Send JSON in UTF-8, with content-type: application/json; a stream of people, as application/x-ndjson.',
  },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    code: 'invalid_request',
    detail: 'The body is not as long as its Content-Length says.',
  },
  // The caller hung up in the middle of the body; not to be taken for the database's connection.
  ECONNRESET: { code: 'invalid_request', detail: 'The body was cut off.' },
};

export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const { message, statusCode } = (error ?? {}) as { message?: string; statusCode?: unknown };
  const name = nameOf(error);
  const isReading = name !== 'ECONNRESET' || message === 'aborted';
  const reading = typeof name === 'string' && isReading ? READING[name] : undefined;
  if (reading) return new Problem(reading.code, reading.detail, { cause: error });
  if (databaseTroubleOf(error) === 'unavailable') return databaseUnavailable(error);
  const status = error instanceof HttpException ? error.getStatus() : statusCode;
  const code = typeof status === 'number' ? HTTP_CODES[status] : undefined;
  if (code === undefined) return new Problem('internal', undefined, { cause: error });
  // A framework's own words for a missing route add nothing to the title.
  return new Problem(code, code === 'not_found' ? undefined : message, { cause: error });
}

function reasonOf({ options, detail, title }: Problem): string {
  return options.cause instanceof Error ? options.cause.message : (detail ?? title);
}
