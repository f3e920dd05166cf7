import { createParamDecorator, type ExecutionContext, SetMetadata, applyDecorators } from '@nestjs/common';
import { ApiBearerAuth, ApiExtension } from '@nestjs/swagger';
import type { Permission } from './permissions.js';

/** Who is calling: a user's session, an API key, or the system itself. */
export interface Principal {
  type: 'user' | 'api-key' | 'system';
  /** The user's id, the key's id, or `system`. */
  id: string;
  /** The one source of the tenant: it never comes from a body, a query or a path. */
  tenantId: string;
  permissions: ReadonlySet<string>;
  /** The connection that an API key is bound to. */
  connectionId: string | null;
  sessionId: string | null;
  /** For an operator inside a customer's tenant: the tenant that they come from. */
  operatorOf: string | null;
}

/** What Rollcall does in a tenant by itself: it asks nobody's leave, and no request ever has this principal. */
export function systemOf(tenantId: string): Principal {
  return {
    type: 'system',
    id: 'system',
    tenantId,
    permissions: new Set(),
    connectionId: null,
    sessionId: null,
    operatorOf: null,
  };
}

export const publicAccess = 'public';
/** Any principal at all, whatever it may do: `GET /auth/me`. */
export const anyPrincipal = 'any';
export type AccessRule = Permission | typeof publicAccess | typeof anyPrincipal;

export const ACCESS = 'rollcall:access';
export const ACCESS_ALSO = 'rollcall:access-also';

/**
 * The one decorator that every route carries: who may call it. The guard refuses routes without it. In the OpenAPI
 * document it is the operation's security and `x-permission`. `also` is another permission that will do.
 */
export function Access(rule: AccessRule, also?: Permission): MethodDecorator & ClassDecorator {
  const parts = [SetMetadata(ACCESS, rule), ApiExtension('x-permission', rule)];
  if (also !== undefined) parts.push(SetMetadata(ACCESS_ALSO, also), ApiExtension('x-permission-also', also));
  if (rule !== publicAccess) parts.push(ApiBearerAuth());
  return applyDecorators(...parts);
}

/** The principal of this request. Only on routes that are not public. */
export const Caller = createParamDecorator((_: unknown, context: ExecutionContext): Principal => {
  return context.switchToHttp().getRequest<{ user: Principal }>().user;
});
