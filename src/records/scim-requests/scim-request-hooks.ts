import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Principal } from '../../platform/access.js';
import { Clock } from '../../platform/clock.js';
import { newId } from '../../platform/ids.js';
import type { RequestOwner } from './finished-request.js';
import { ScimRequestLog } from './scim-request-log.js';

const DOOR = /^\/scim(?=[/?]|$)/i;
/** What the server says of itself is the same for everybody. */
const ABOUT_NOBODY = /\/(Schemas|ResourceTypes|ServiceProviderConfig)(?=[/?]|$)/i;
/** A longer answer is a list of people: who was sent counts less than what was asked. */
const ANSWER_CHARACTERS_MAX = 32_000;

const answers = new WeakMap<FastifyRequest, string>();

/** Notes what comes through the door of SCIM once its answer is out, whoever answered: route, guard or framework. */
@Injectable()
export class ScimRequestHooks implements OnModuleInit {
  constructor(
    private readonly host: HttpAdapterHost,
    private readonly log: ScimRequestLog,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    // The command line has no HTTP.
    const fastify = this.host.httpAdapter?.getInstance<FastifyInstance>();
    if (!fastify || !this.log.isOn) return;
    fastify.addHook('onSend', (request, _reply, payload, done) => {
      if (typeof payload === 'string' && DOOR.test(request.url)) answers.set(request, payload);
      done();
    });
    fastify.addHook('onResponse', (request, reply, done) => {
      if (DOOR.test(request.url)) this.note(request, reply);
      done();
    });
  }

  private note(request: FastifyRequest, reply: FastifyReply): void {
    const owner = ownerOf((request as FastifyRequest & { user?: Principal }).user);
    const key = owner ? null : keyOf(request);
    if (!owner && key === null) return;
    const answer = answers.get(request) ?? '';
    const isKept = answer !== '' && answer.length <= ANSWER_CHARACTERS_MAX && !ABOUT_NOBODY.test(request.url);
    const took = Math.round(reply.elapsedTime * 1000);
    this.log.note(
      {
        id: newId(),
        requestId: request.id,
        at: this.clock.now() - took,
        took,
        method: request.method,
        // As it came, whatever the route made of it.
        url: request.originalUrl,
        userAgent: request.headers['user-agent'] ?? null,
        status: reply.statusCode,
        body: request.body,
        bodyBytes: Number(request.headers['content-length'] ?? 0) || 0,
        answer: isKept ? answer : null,
        answerBytes: Buffer.byteLength(answer),
      },
      owner,
      key,
    );
  }
}

/** Null for a caller without a connection: then it is in nobody's log. */
function ownerOf(principal: Principal | undefined): RequestOwner | null {
  if (!principal || principal.type !== 'api-key' || principal.connectionId === null) return null;
  return { tenantId: principal.tenantId, connectionId: principal.connectionId, keyId: principal.id, refusal: null };
}

/** The key of a request that was refused before anybody was authenticated: a broken body, a revoked key. */
function keyOf(request: FastifyRequest & { user?: Principal }): string | null {
  if (request.user) return null;
  return /^Bearer (rc_\S{1,100})$/i.exec(request.headers.authorization ?? '')?.[1] ?? null;
}
