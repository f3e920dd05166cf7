import type { FastifyReply } from 'fastify';
import type { Json } from '../../plan/statement.js';
import { matchesEtag } from './etag.js';
import type { AskedAttributes } from './protocol/project-resource.js';

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

/** What a request for one resource says beside its body. */
export interface ScimRequest extends AskedAttributes {
  ifMatch?: string | undefined;
}

export interface ChangeAnswer {
  answer: ScimAnswer;
  /** The client is told the resource, and not only that it is done. */
  isTold: boolean;
}

/** 201 where the resource stands at its own address from now on. */
export function sendCreated(reply: FastifyReply, answer: ScimAnswer): Record<string, Json> {
  void reply.header('location', answer.location);
  return sendResource(reply, answer);
}

/** 304 without a body for a client that has this very version. */
export function sendUnlessKnown(
  reply: FastifyReply,
  answer: ScimAnswer,
  ifNoneMatch: string | undefined,
): Record<string, Json> | undefined {
  const resource = sendResource(reply, answer);
  return ifNoneMatch === undefined || !matchesEtag(ifNoneMatch, answer.etag) ? resource : sendNothing(reply, 304);
}

/** 204 without a body where the client is not told more than that it is done. */
export function sendChanged(reply: FastifyReply, { answer, isTold }: ChangeAnswer): Record<string, Json> | undefined {
  const resource = sendResource(reply, answer);
  return isTold ? resource : sendNothing(reply, 204);
}

function sendNothing(reply: FastifyReply, status: number): undefined {
  void reply.status(status);
  return undefined;
}
