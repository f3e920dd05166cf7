import { RouteConfig } from '@nestjs/platform-fastify';

export const MEBIBYTE = 1024 * 1024;

/** What one route allows beyond, or short of, the rule for all. */
export interface RouteLimits {
  /** Of the body, as it comes over the wire; 1 MiB where nothing is said. */
  bodyBytesMax?: number;
  /** Counts against this allowance of the caller's address, before anything else is done for the request. */
  rate?: 'login';
  /** The route checks the text of its records itself, so that one bad record does not refuse them all. */
  checksText?: boolean;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    limits?: RouteLimits;
  }
}

/** Limits of one route: `@Limits({ rate: 'login' })`, `@Limits({ bodyBytesMax: 16 * MEBIBYTE, checksText: true })`. */
export function Limits(limits: RouteLimits): MethodDecorator {
  return RouteConfig({ limits });
}
