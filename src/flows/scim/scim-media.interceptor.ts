import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { map, type Observable } from 'rxjs';
import { Problem } from '../../platform/problem.js';

const SCIM = 'application/scim+json';

/** Answers in SCIM's own media type, or in plain JSON where only that is accepted (RFC 7644, sections 3.1 and 3.8). */
@Injectable()
export class ScimMediaInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const http = context.switchToHttp();
    const mediaType = chooseMedia(http.getRequest<FastifyRequest>().headers.accept);
    if (mediaType === null) throw new Problem('not_acceptable', `The answer would be ${SCIM} or application/json.`);
    const reply = http.getResponse<FastifyReply>();
    return next.handle().pipe(
      map((body: unknown) => {
        if (body !== undefined) void reply.header('content-type', `${mediaType}; charset=utf-8`);
        return body;
      }),
    );
  }
}

/** The media type for an `Accept` header; null if it allows neither. Of the two, SCIM's own where both are allowed. */
export function chooseMedia(accept: string | undefined): string | null {
  if (accept === undefined || accept.trim() === '') return SCIM;
  const quality = new Map<string, number>();
  for (const part of accept.split(',')) {
    const [range = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const weight = parameters.find((each) => each.startsWith('q='))?.slice(2);
    quality.set(range, weight === undefined ? 1 : Number(weight) || 0);
  }
  const any = quality.get('application/*') ?? quality.get('*/*') ?? 0;
  if ((quality.get(SCIM) ?? any) > 0) return SCIM;
  return (quality.get('application/json') ?? any) > 0 ? 'application/json' : null;
}
