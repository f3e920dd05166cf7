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
  mapping: MappingSettings;
  allowedRoles: string[];
  /** Exact texts, or prefixes that end in `*`. */
  allowedEntitlements: string[];
  allowPrivileged: boolean;
  authoritativeDomains: string[];
  emailVerified: 'claim' | 'always';
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
  match: { claim: string; field: 'externalId' | 'userName' | 'email' }[];
  maxSessionSeconds: number;
}

export type AbsencePolicy = 'keep' | 'clear' | 'deny';

/** Expressions are CEL over `claims`; null leaves the field unsaid. */
export interface MappingSettings {
  userName: string | null;
  email: string | null;
  emailVerified: string | null;
  displayName: string | null;
  givenName: string | null;
  familyName: string | null;
  attributes: Record<string, string>;
  groups: string | null;
  groupKey: 'displayName' | 'externalId';
  entitlements: string | null;
  roles: MappingRule[];
  payloadClaim: string | null;
  strict: boolean;
  whenAbsent: AbsencePolicy | Record<string, AbsencePolicy>;
  whenOverage: AbsencePolicy | Record<string, AbsencePolicy>;
}

/** Either a condition and what it gives, or a list of names and the roles that they stand for. */
export type MappingRule =
  | { id: string; when: string; grant?: string[]; entitlements?: string[] }
  | { id: string; from: string; map: Record<string, string> };
