import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Clock, type Micros, SECOND } from '../../platform/clock.js';
import { Database } from '../../platform/database.js';

const DOORS = '/auth/';
const KEPT_FOR = 2 * SECOND;

/**
 * Lets the pages of applications call the login doors from a browser (Fetch Standard, section 3.3): those whose origin
 * some application of an active tenant lists, byte for byte. No cookie is ever set, so no credentials mode is allowed.
 */
@Injectable()
export class BrowserOrigins implements OnModuleInit {
  private known: { at: Micros; origins: Promise<ReadonlySet<string>> } | null = null;

  constructor(
    private readonly host: HttpAdapterHost,
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    // The command line has no HTTP.
    const fastify = this.host.httpAdapter?.getInstance<FastifyInstance>();
    fastify?.addHook('onRequest', (request, reply) => this.answer(request, reply));
  }

  private async answer(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const { origin } = request.headers;
    if (origin === undefined || !request.url.startsWith(DOORS)) return undefined;
    void reply.header('vary', 'Origin');
    if (!(await this.isAllowed(origin))) return undefined;
    void reply.headers({
      'access-control-allow-origin': origin,
      'access-control-expose-headers': 'x-request-id, retry-after, www-authenticate',
      'cross-origin-resource-policy': 'cross-origin',
    });
    if (request.method !== 'OPTIONS') return undefined;
    return reply
      .status(204)
      .headers({
        'access-control-allow-methods': 'GET, POST, DELETE',
        'access-control-allow-headers': 'authorization, content-type, x-request-id',
        'access-control-max-age': '600',
      })
      .send();
  }

  private async isAllowed(origin: string): Promise<boolean> {
    const now = this.clock.now();
    if (!this.known || now < this.known.at || this.known.at + KEPT_FOR <= now) {
      const origins = this.read();
      this.known = { at: now, origins };
      origins.catch(() => (this.known = null));
    }
    // Without the list nobody is allowed; the door itself says that the database is away.
    return this.known.origins.then(
      (all) => all.has(origin),
      () => false,
    );
  }

  private async read(): Promise<ReadonlySet<string>> {
    const rows = await this.database.read.query<{ origins: string }[]>(
      `SELECT a.origins AS origins FROM applications a JOIN tenants t ON t.id = a.tenantId
       WHERE t.status = 'active' AND a.origins <> '[]'`,
    );
    return new Set(rows.flatMap((row) => JSON.parse(row.origins) as string[]));
  }
}
