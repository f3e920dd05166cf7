import type { Micros } from '../platform/clock.js';
import type { CompiledMapping } from './mapping.js';

export type Authority = 'push-first' | 'newest' | 'token-first';
export type Absence = 'keep' | 'clear' | 'deny';

/** What the plan needs to know of a connection: its rules, limits and ceilings, as saved at one version. */
export interface ConnectionPolicy {
  id: string;
  tenantId: string;
  name: string;
  authority: Authority;
  mapping: CompiledMapping;
  mappingVersion: number;
  /** Role keys that this connection may grant (E7). */
  allowedRoles: ReadonlySet<string>;
  /** Entitlements it may grant: exact texts, or a prefix that ends in `*`. */
  allowedEntitlements: readonly string[];
  allowPrivileged: boolean;
  createUsers: boolean;
  /** Pairs by which a first token finds a pushed identity that has no subject yet (rule 5). */
  match: readonly { claim: string; field: 'externalId' | 'userName' | 'email' }[];
  /** Lower-case e-mail domains for which this connection's word links users of other connections. */
  authoritativeDomains: readonly string[];
  emailVerified: 'claim' | 'always';
  /** The tenant's roles by key. */
  roles: ReadonlyMap<string, { privileged: boolean }>;
}

export interface PlanContext {
  now: Micros;
  /** A new UUIDv7. */
  newId(): string;
}
