import {
  applyDecorators,
  Controller,
  createParamDecorator,
  type ExecutionContext,
  UseInterceptors,
} from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ApiConsumes, ApiHeader, ApiProduces, ApiQuery, ApiTags } from '@nestjs/swagger';
import { readUrlQuery } from './protocol/list-query.js';
import { ScimMediaInterceptor } from './scim-media.interceptor.js';
import type { ScimRequest } from './scim-answer.js';

const MEDIA = ['application/scim+json', 'application/json'];

/** A controller at `/scim/v2/…` that speaks SCIM's media types. */
export function ScimController(path: string): ClassDecorator {
  return applyDecorators(
    Controller(`scim/v2/${path}`.replace(/\/$/, '')),
    UseInterceptors(ScimMediaInterceptor),
    ApiTags('scim'),
    ApiProduces(...MEDIA),
    ApiConsumes(...MEDIA),
  );
}

/** What a query can be refused with. */
export const LIST_PROBLEMS = [
  'scim_invalid_filter',
  'scim_too_many',
  'scim_invalid_path',
  'scim_invalid_value',
  'scim_invalid_syntax',
  'scim_invalid_cursor',
  'scim_expired_cursor',
  'scim_invalid_count',
] as const;

/** What a new form of a resource can be refused with. */
export const PUT_PROBLEMS = [
  'scim_invalid_value',
  'scim_invalid_syntax',
  'scim_uniqueness',
  'protected_user',
  'last_owner',
  'overloaded',
] as const;

export const PATCH_PROBLEMS = [
  'scim_invalid_path',
  'scim_invalid_filter',
  'scim_no_target',
  'scim_mutability',
  ...PUT_PROBLEMS,
] as const;

const optional = (name: string, description: string) => ApiQuery({ name, description, required: false, type: String });

/** What an answer tells of its resources (RFC 7644, section 3.9). */
export function ApiProjection(): MethodDecorator {
  return applyDecorators(
    optional('attributes', 'The attributes to answer with, by comma.'),
    optional('excludedAttributes', 'The attributes to leave out, by comma.'),
  );
}

/** RFC 7644, section 3.4.2; RFC 9865, section 2. */
export function ApiListQuery(): MethodDecorator {
  return applyDecorators(
    optional('filter', 'Such as `userName eq "ada@example.com"`.'),
    optional('sortBy', 'An attribute.'),
    optional('sortOrder', '`ascending` or `descending`.'),
    optional('startIndex', 'From 1.'),
    optional('count', 'At most 200.'),
    optional('cursor', 'Empty for the first page; then the `nextCursor` of the page before.'),
    ApiProjection(),
  );
}

export function ApiIfMatch(): MethodDecorator {
  return ApiHeader({ name: 'If-Match', required: false, description: 'The `ETag` of the version that you have read.' });
}

/** What a request for one resource says beside its body. Throws what `readUrlQuery` does. */
export const Asked = createParamDecorator((_: unknown, context: ExecutionContext): ScimRequest => {
  const { query, headers } = context.switchToHttp().getRequest<FastifyRequest>();
  return { ...readUrlQuery(query as Record<string, unknown>), ifMatch: headers['if-match'] };
});
