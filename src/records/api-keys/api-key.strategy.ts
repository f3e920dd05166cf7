import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { IncomingHttpHeaders } from 'node:http';
import { Strategy } from 'passport';
import { API_KEY_STRATEGY } from '../../platform/access.guard.js';
import type { Principal } from '../../platform/access.js';
import { Problem } from '../../platform/problem.js';
import { KeyAuthentication } from './key-authentication.js';

type Verify = (key: string, done: (error: unknown, principal?: Principal | null) => void) => void;

/** `Authorization: Bearer rc_…` as a passport strategy. */
class BearerKey extends Strategy {
  constructor(private readonly verify: Verify) {
    super();
  }

  override authenticate(request: { headers: IncomingHttpHeaders }): void {
    const key = /^Bearer (rc_\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (key === undefined) return this.fail();
    this.verify(key, (error, principal) => {
      if (error) this.error(error);
      else if (principal) this.success(principal);
      // Nothing else begins with `rc_`: a refused key is not tried as another kind of credential.
      else this.error(new Problem('unauthenticated'));
    });
  }
}

@Injectable()
export class ApiKeyStrategy extends PassportStrategy(BearerKey, API_KEY_STRATEGY) {
  constructor(private readonly keys: KeyAuthentication) {
    super();
  }

  validate(key: string): Promise<Principal | null> {
    return this.keys.authenticate(key);
  }
}
