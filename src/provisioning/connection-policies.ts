import { Injectable, Logger } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { ConnectionPolicy } from '../plan/policy.js';
import { Clock, SECOND } from '../platform/clock.js';
import { Database } from '../platform/database.js';
import { ReadTogether } from '../platform/read-together.js';
import { selectByKeys, selectRows, type SqlRow } from '../platform/sql.js';
import { ConnectionEntity } from '../records/connections/connection.entity.js';
import { compilePolicy } from '../records/connections/load-policies.js';
import { loadRoleCatalogue } from '../records/roles/role-catalogue.js';

/** A connection ready to use: its row, its compiled policy, and whether its tenant is open. */
export interface KnownConnection {
  row: ConnectionEntity;
  policy: ConnectionPolicy;
  tenantActive: boolean;
}

/** What tells that a cached policy is still the stored one. */
const STAMPS = `SELECT c.id AS id, c.version AS version, t.status AS tenantStatus,
  (SELECT COUNT(*) FROM roles r WHERE r.tenantId = c.tenantId) AS roleCount,
  (SELECT MAX(r.updatedAt) FROM roles r WHERE r.tenantId = c.tenantId) AS rolesAt,
  (SELECT SUM(r.version) FROM roles r WHERE r.tenantId = c.tenantId) AS roleVersions
  FROM connections c JOIN tenants t ON t.id = c.tenantId WHERE `;

const CACHE_MAX = 10_000;
const ISSUER_CACHE_MICROS = SECOND;

/**
 * Compiled policies, by connection. Compiling costs; so a policy is kept until the versions of its connection or of its
 * tenant's roles move, which one small read tells, so that an edit counts at once on every instance.
 */
@Injectable()
export class ConnectionPolicies {
  private readonly logger = new Logger(ConnectionPolicies.name);
  /** Null where the mapping does not compile, which is told once. */
  private readonly cache = new Map<string, { stamp: string; known: KnownConnection | null }>();
  private readonly together = new ReadTogether<KnownConnection>((ids) => this.load(ids));
  private readonly byIssuer = new Map<string, { at: number; found: Promise<KnownConnection[]> }>();

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** The connections as they are stored now; left out are those that are gone, or whose mapping does not compile. */
  async load(ids: readonly string[], manager = this.database.read): Promise<Map<string, KnownConnection>> {
    const stamps = await selectByKeys(manager, (keys) => `${STAMPS}c.id IN ${keys}`, [], [...new Set(ids)]);
    const all = new Map<string, KnownConnection>();
    for (const known of await this.fromStamps(stamps, manager)) all.set(known.row.id, known);
    return all;
  }

  /** What `load` last gave for these, if it has given all of them: a guess at what it will give. */
  findKept(ids: Iterable<string>): Map<string, KnownConnection> | null {
    const all = new Map<string, KnownConnection>();
    for (const id of ids) {
      const kept = this.cache.get(id);
      if (!kept?.known) return null;
      all.set(id, kept.known);
    }
    return all;
  }

  async find(id: string): Promise<KnownConnection | null> {
    return this.together.find(id);
  }

  /**
   * The connections of an issuer. Up to a second old: whoever acts on one says at the write which version it was, and
   * is told if that has moved.
   */
  async findByIssuer(issuer: string): Promise<KnownConnection[]> {
    const now = this.clock.now();
    const cached = this.byIssuer.get(issuer);
    if (cached && cached.at + ISSUER_CACHE_MICROS > now && cached.at <= now) return cached.found;
    const found = selectRows(this.database.read, `${STAMPS}c.issuer = ?`, [issuer]).then((stamps) =>
      this.fromStamps(stamps, this.database.read),
    );
    this.byIssuer.set(issuer, { at: now, found });
    const forget = () => this.byIssuer.delete(issuer);
    found.then((all) => all.length === 0 && forget(), forget);
    evictOldest(this.byIssuer);
    return found;
  }

  /** Forgets what `findByIssuer` keeps, for whoever was told that it has moved. */
  forgetIssuer(issuer: string): void {
    this.byIssuer.delete(issuer);
  }

  private async fromStamps(stamps: readonly SqlRow[], manager: EntityManager): Promise<KnownConnection[]> {
    const all: KnownConnection[] = [];
    for (const row of stamps) {
      const id = String(row.id);
      const stamp = [row.version, row.tenantStatus, row.roleCount, row.rolesAt, row.roleVersions].join(':');
      const cached = this.cache.get(id);
      if (cached?.stamp === stamp) {
        if (cached.known) all.push(cached.known);
        continue;
      }
      const known = await this.read(id, row.tenantStatus === 'active', manager);
      // Read after the stamp: if it moved in between, the next reading's stamp differs and it is compiled again.
      this.cache.set(id, { stamp, known });
      evictOldest(this.cache);
      if (known) all.push(known);
    }
    return all;
  }

  private async read(id: string, tenantActive: boolean, manager: EntityManager): Promise<KnownConnection | null> {
    const row = await manager.findOneBy(ConnectionEntity, { id });
    if (!row) return null;
    const policy = compilePolicy(row, await loadRoleCatalogue(manager, row.tenantId));
    if (!policy) {
      // Its rules may be refused since this version. Others of its issuer, in other tenants too, go on.
      this.logger.error(`The mapping of connection ${id} does not compile any more: nobody comes in through it.`);
      return null;
    }
    return { row, policy, tenantActive };
  }
}

function evictOldest(cache: Map<string, unknown>): void {
  if (cache.size <= CACHE_MAX) return;
  for (const key of cache.keys()) {
    cache.delete(key);
    return;
  }
}
