import type { Micros } from '../platform/clock.js';
import type { CompiledMapping } from './mapping-shape.js';

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
  /** `login.createUsers`: may a token make a person that no push has named? */
  createUsers: boolean;
  /** E-mail domains, as keys (`normaliseKey`), for which this connection's word links users of other connections. */
  authoritativeDomains: readonly string[];
  emailVerified: 'claim' | 'always';
  /** The tenant's roles by key. */
  roles: ReadonlyMap<string, { privileged: boolean }>;
}

export interface PlanContext {
  now: Micros;
  /** A new UUIDv7. */
  newId(): string;
  /** The policy of any connection of the tenant: a user's profile can come from several. Null if it is gone. */
  findPolicy(connectionId: string): ConnectionPolicy | null;
}
