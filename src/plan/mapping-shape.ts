import type { Fault } from '../platform/problem.js';
import type { Expression } from './expression.js';
import type { AbsencePolicy } from './facts.js';
import type { Absence } from './policy.js';

/** The fields of a profile that a mapping states by one expression each. */
export const MAPPED_FIELDS = ['userName', 'email', 'emailVerified', 'displayName', 'givenName', 'familyName'] as const;
export type MappedField = (typeof MAPPED_FIELDS)[number];

/** One word for all fields, or one by field or claim name with `default` for the rest. */
export type AbsenceJson = Absence | Record<string, Absence>;

export type RuleJson =
  | { id: string; when: string; grant?: string[]; entitlements?: string[] }
  | { id: string; from: string; map: Record<string, string> };

/** A connection's `mapping`, as it is saved. Expressions are CEL over `claims`. */
export interface MappingJson {
  userName?: string | null;
  email?: string | null;
  /** Default: `claims.email_verified`, where `email` is mapped. */
  emailVerified?: string | null;
  displayName?: string | null;
  givenName?: string | null;
  familyName?: string | null;
  attributes?: Record<string, string>;
  groups?: string | null;
  groupKey?: 'displayName' | 'externalId';
  /** A list of entitlements, granted under the rule `direct` as far as the allow-list goes. */
  entitlements?: string | null;
  roles?: RuleJson[];
  /** The literal name of a claim that holds a whole sync record, as an object or a JSON string. */
  payloadClaim?: string | null;
  strict?: boolean;
  whenAbsent?: AbsenceJson;
  whenOverage?: AbsenceJson;
}

/** A pair by which a first token finds a pushed identity that has no subject yet (rule 5). */
export interface MatchJson {
  claim: string;
  field: 'externalId' | 'userName' | 'email';
  /** CEL: the pair counts only where this is true, such as `claims.email_verified`. */
  when?: string;
}

export interface CompiledMatch {
  claim: string;
  field: MatchJson['field'];
  when: Expression | null;
}

export type CompiledRule = WhenRule | FromRule;

export interface WhenRule {
  kind: 'when';
  id: string;
  expression: Expression;
  grant: readonly string[];
  entitlements: readonly string[];
}

export interface FromRule {
  kind: 'from';
  id: string;
  expression: Expression;
  /** From a name in the list to a role's key, with the reason in words. */
  map: ReadonlyMap<string, { role: string; because: string }>;
}

/** A mapping made ready to run: compiled once, when it is saved or loaded. */
export interface CompiledMapping extends AbsencePolicy {
  profile: readonly { field: MappedField; expression: Expression }[];
  attributes: readonly { name: string; expression: Expression }[];
  groups: Expression | null;
  entitlements: Expression | null;
  groupKey: 'displayName' | 'externalId';
  rules: readonly CompiledRule[];
  payloadClaim: string | null;
  /** A whole-payload claim clears what it omits. */
  payloadComplete: boolean;
  strict: boolean;
  /** `login.subject` and `login.match`. */
  subject: Expression;
  match: readonly CompiledMatch[];
  /** The top-level claims that the mapping reads: these are kept in the facts. */
  claimsRead: ReadonlySet<string>;
}

/** What else of the connection and its tenant a mapping is checked against. */
export interface MappingSurroundings {
  /** `login.subject`: CEL. */
  subject: string;
  /** `login.match`. */
  match: readonly MatchJson[];
  /** The tenant's roles by key. */
  roles: ReadonlyMap<string, { privileged: boolean }>;
  allowedRoles: ReadonlySet<string>;
  allowedEntitlements: readonly string[];
  allowPrivileged: boolean;
}

export interface CompiledMappingResult {
  /** Null if an expression or the shape is at fault. A mapping that only names what is not allowed runs within ceilings. */
  compiled: CompiledMapping | null;
  /** Each refuses the save; pointers are into the connection (`/mapping/roles/0/when`, `/login/subject`). */
  faults: Fault[];
  /** Shadowed and unreachable rules: told, and saved all the same. */
  warnings: Fault[];
}
