import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { KeyObject } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { callbackify } from 'node:util';
import { Strategy } from 'passport-jwt';
import { ACCESS_TOKEN_STRATEGY } from '../../platform/access.guard.js';
import type { Principal } from '../../platform/access.js';
import { Clock, type Micros } from '../../platform/clock.js';
import {
  ACCESS_TOKEN_ALGORITHM,
  ACCESS_TOKEN_TYPE,
  type AccessTokenClaims,
  type MachineTokenClaims,
} from './access-token.js';
import { SessionPrincipals } from './session-principals.js';
import { SigningKeysService } from './signing-keys.service.js';

interface Request {
  headers: IncomingHttpHeaders;
}

const BEARER_JWT = /^Bearer ([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)$/i;

/** The keys could not be read: the fault is ours, and the token may well be good. */
class KeysUnread extends Error {}

/** passport-jwt calls every error of its key provider a bad token; a database that is away is none (503, not 401). */
class AccessTokenPassport extends Strategy {
  override authenticate(request: Request, options?: unknown): void {
    const fail = this.fail.bind(this);
    this.fail = (reason: unknown) =>
      reason instanceof KeysUnread ? this.error(reason.cause as Error) : fail(undefined, 401);
    super.authenticate(request as never, options);
  }
}

/** `Authorization: Bearer <access token of Rollcall>` as a passport strategy. */
@Injectable()
export class AccessTokenStrategy extends PassportStrategy(AccessTokenPassport, ACCESS_TOKEN_STRATEGY) {
  constructor(
    private readonly principals: SessionPrincipals,
    keys: SigningKeysService,
    clock: Clock,
  ) {
    super({
      jwtFromRequest: (request: Request) => BEARER_JWT.exec(request.headers.authorization ?? '')?.[1] ?? null,
      algorithms: [ACCESS_TOKEN_ALGORITHM],
      issuer: principals.issuer,
      // By our clock, in SessionPrincipals: the one source of the present moment.
      ignoreExpiration: true,
      // The typings of passport-jwt do not know KeyObject, which jsonwebtoken takes.
      secretOrKeyProvider: callbackify((_: unknown, token: string) => getKey(keys, token, clock.now())) as never,
    });
  }

  validate(claims: AccessTokenClaims | MachineTokenClaims): Promise<Principal | null> {
    return this.principals.find(claims);
  }
}

/** The key that the token's header names. Throws KeysUnread, or another error for a token that is none of ours. */
async function getKey(keys: SigningKeysService, token: string, now: Micros): Promise<KeyObject> {
  const kid = findKid(token);
  if (kid === null) throw new Error('not an access token');
  try {
    const key = await keys.findVerificationKey(kid, now);
    if (key) return key;
  } catch (error) {
    throw new KeysUnread('The signing keys were not read.', { cause: error });
  }
  throw new Error('unknown key');
}

/** The key that the header names, if it is the header of an access token (RFC 8725, section 3.11: check `typ`). */
function findKid(token: string): string | null {
  try {
    const header: unknown = JSON.parse(Buffer.from(token.slice(0, token.indexOf('.')), 'base64url').toString('utf8'));
    const { typ, alg, kid } = header as Record<string, unknown>;
    return typ === ACCESS_TOKEN_TYPE && alg === ACCESS_TOKEN_ALGORITHM && typeof kid === 'string' ? kid : null;
  } catch {
    return null;
  }
}
