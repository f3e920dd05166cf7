import type { Micros } from '../platform/clock.js';
import { TOKEN_BYTES_DEFAULT, TOKEN_BYTES_MAX } from './compact-jws.js';

export type JsonValue = string | number | boolean | null | JsonValue[] | { [name: string]: JsonValue };

/** What one connection demands of a token. */
export interface TokenPolicy {
  connectionId: string;
  tenantId: string;
  /** Compared byte for byte with `iss`. */
  issuer: string;
  /** Null: found by OIDC discovery from the issuer. */
  jwksUri: string | null;
  audiences: readonly string[];
  /** Literal names of top-level claims; each must equal the value, or one of the list. */
  requiredClaims: Readonly<Record<string, JsonValue>>;
  /** Beside the audiences: who may stand in `azp`, `client_id` and `appid`. */
  authorizedParties: readonly string[];
  /** In order of preference: a key without `alg` serves the first that fits it. */
  algorithms: readonly string[];
  /** Allowed `typ`, without `application/`, in any case. A token without `typ` counts as `JWT`. */
  tokenTypes: readonly string[];
  /** At most 300; more counts as 300. */
  clockToleranceSeconds: number;
  /** Added to `iat` to get the time of the statement: Entra dates tokens five minutes back. */
  iatOffsetSeconds: number;
  maxTokenAgeSeconds: number;
  /** The most that `exp` may be after `iat`. */
  maxLifetimeSeconds: number;
  /** Whether a `jti` logs in once only. Not judged here: that needs the database. */
  oneTime: boolean;
  conditions: TokenConditions;
  /** Keys that an operator has withdrawn (C10). */
  bannedKids?: readonly string[];
  /** Keys that were fetched before this do not count: somebody has purged them (C10). */
  keysSince?: Micros;
}

/** What a sign-in at the IdP must have been like. A claim that is absent fails its condition. */
export interface TokenConditions {
  /** `acr` is one of these. */
  acr?: readonly string[];
  /** `amr` holds every one of these. */
  amr?: readonly string[];
  maxAuthAgeSeconds?: number;
  /** The caller must say which nonce it expects, and the token must hold it. */
  nonce?: boolean;
}

export const CLOCK_TOLERANCE_SECONDS_MAX = 300;

/** How the process as a whole judges tokens; from its configuration. */
export class TrustOptions {
  /** Issuers of this service's own tokens, which never log anyone in (D9). */
  ownIssuers: readonly string[] = [];
  tokenBytesMax: number;

  constructor(options: Partial<TrustOptions> = {}) {
    Object.assign(this, options);
    this.tokenBytesMax = Math.min(options.tokenBytesMax ?? TOKEN_BYTES_DEFAULT, TOKEN_BYTES_MAX);
  }
}
