import type { FastifyReply } from 'fastify';
import type { Json } from '../../plan/statement.js';

/** One resource as it is answered, and what its headers say. */
export interface ScimAnswer {
  /** What the client asked to be told of it. */
  resource: Record<string, Json>;
  location: string;
  etag: string;
}

/** The resource as the body, with the headers that name it and its version (RFC 7644, section 3.14). */
export function sendResource(reply: FastifyReply, { resource, location, etag }: ScimAnswer): Record<string, Json> {
  void reply.header('etag', etag).header('content-location', location);
  return resource;
}
