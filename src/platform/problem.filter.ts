import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { databaseUnavailable } from './database.js';
import { databaseTroubleOf } from './database-errors.js';
import { Problem, type ProblemCode } from './problem.js';

/** The one place where an error becomes an answer (RFC 9457). */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger(ProblemFilter.name);

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const problem = toProblem(error);
    if (problem.code === 'internal') this.logger.error(error);
    if (reply.sent) return;
    if (problem.options.retryAfterSeconds) void reply.header('retry-after', String(problem.options.retryAfterSeconds));
    if (problem.status === 401) void reply.header('www-authenticate', 'Bearer');
    void reply
      .status(problem.status)
      .header('content-type', 'application/problem+json')
      .header('cache-control', 'no-store')
      .send(JSON.stringify(problemBody(problem, String(request.id))));
  }
}

/** The members of the answer: what the caller may know, and no more. */
export function problemBody(problem: Problem, requestId: string): Record<string, unknown> {
  return {
    type: `urn:rollcall:problem:${problem.code}`,
    code: problem.code,
    title: problem.title,
    status: problem.status,
    ...(problem.detail === undefined ? {} : { detail: problem.detail }),
    ...(problem.options.faults ? { faults: problem.options.faults } : {}),
    ...problem.options.extra,
    requestId,
  };
}

const HTTP_CODES: Partial<Record<number, ProblemCode>> = {
  400: 'invalid_request',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  409: 'conflict',
  413: 'payload_too_large',
  415: 'unsupported_media_type',
  429: 'too_many_requests',
};

export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (databaseTroubleOf(error) === 'unavailable') return databaseUnavailable(error);
  const status = error instanceof HttpException ? error.getStatus() : (error as { statusCode?: unknown }).statusCode;
  const code = typeof status === 'number' ? HTTP_CODES[status] : undefined;
  if (code === undefined) return new Problem('internal', undefined, { cause: error });
  // A framework's own words for a missing route add nothing to the title.
  return new Problem(code, code === 'not_found' ? undefined : (error as Error).message, { cause: error });
}
