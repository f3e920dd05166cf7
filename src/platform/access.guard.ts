import { type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuthGuard } from '@nestjs/passport';
import { ACCESS, ACCESS_ALSO, type AccessRule, anyPrincipal, type Principal, publicAccess } from './access.js';
import { Problem } from './problem.js';

/** Names of the passport strategies; their modules register them. */
export const API_KEY_STRATEGY = 'api-key';
export const ACCESS_TOKEN_STRATEGY = 'access-token';

/** Denies by default: a route without a rule is refused, whoever calls it. */
@Injectable()
export class AccessGuard extends AuthGuard([API_KEY_STRATEGY, ACCESS_TOKEN_STRATEGY]) {
  constructor(private readonly reflector: Reflector) {
    super();
  }

  override async canActivate(context: ExecutionContext): Promise<boolean> {
    const places = [context.getHandler(), context.getClass()];
    const rule = this.reflector.getAllAndOverride<AccessRule | undefined>(ACCESS, places);
    if (rule === undefined) throw new Problem('forbidden', 'This route has no access rule.');
    if (rule === publicAccess) return true;
    await super.canActivate(context);
    const { user } = context.switchToHttp().getRequest<{ user: Principal }>();
    const also = this.reflector.getAllAndOverride<string | undefined>(ACCESS_ALSO, places);
    const isAllowed =
      rule === anyPrincipal || [rule, also].some((one) => one !== undefined && user.permissions.has(one));
    if (!isAllowed) {
      throw new Problem('forbidden', `This needs the permission ${rule}.`, { extra: { permission: rule } });
    }
    return true;
  }

  override handleRequest<T>(error: unknown, principal: T | false | null): T {
    if (error) throw error;
    if (!principal) throw new Problem('unauthenticated');
    return principal;
  }
}
