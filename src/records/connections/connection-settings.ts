import type { MappingJson, MatchJson } from '../../plan/mapping-shape.js';
import type { SafetyCatch } from '../../plan/safety-catch.js';

/** What an admin sets of a connection beside its name, issuer and status; defaults are filled in at save. */
export interface ConnectionSettings {
  /** Null: OIDC discovery from the issuer. */
  jwksUri: string | null;
  audiences: string[];
  /** Claims that a token must have, by value (`{"hd": "acme.com"}`); they also tell connections of one issuer apart. */
  requiredClaims: Record<string, unknown>;
  authorizedParties: string[];
  algorithms: string[];
  tokenTypes: string[];
  clockToleranceSeconds: number;
  iatOffsetSeconds: number;
  maxTokenAgeSeconds: number;
  maxLifetimeSeconds: number;
  oneTime: boolean;
  conditions: TokenConditions;
  login: LoginSettings;
  authority: 'push-first' | 'newest' | 'token-first';
  mapping: MappingJson;
  allowedRoles: string[];
  /** Exact texts, or prefixes that end in `*`. */
  allowedEntitlements: string[];
  allowPrivileged: boolean;
  authoritativeDomains: string[];
  emailVerified: 'claim' | 'always';
  safetyCatch: SafetyCatch;
  preset: string;
}

export interface TokenConditions {
  acr?: string[];
  amr?: string[];
  maxAuthAgeSeconds?: number;
  nonce?: boolean;
}

export interface LoginSettings {
  enabled: boolean;
  createUsers: boolean;
  /** CEL over `claims`. */
  subject: string;
  match: MatchJson[];
  maxSessionSeconds: number;
}
