import { RouteConfig } from '@nestjs/platform-fastify';

export const MEBIBYTE = 1024 * 1024;

/** What one route allows beyond, or short of, the rule for all. */
export interface RouteLimits {
  /** Of the body, as it comes over the wire; 1 MiB where nothing is said. */
  bodyBytesMax?: number;
  /** Counts against this allowance of the caller's address, before anything else is done for the request. */
  rate?: 'login';
  /** The route reads its JSON itself: it is handed the bytes. */
  readsBody?: boolean;
  /** The route also takes NDJSON, as it arrives: it is handed the request itself, unread. */
  takesStream?: boolean;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    limits?: RouteLimits;
  }
}

/** Limits of one route: `@Limits({ rate: 'login' })`, `@Limits({ bodyBytesMax: 16 * MEBIBYTE, readsBody: true })`. */
export function Limits(limits: RouteLimits): MethodDecorator {
  return RouteConfig({ limits });
}
