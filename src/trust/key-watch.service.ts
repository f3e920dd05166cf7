import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Database } from '../platform/database.js';
import { type Health, HealthRegistry } from '../platform/health.js';
import { Repetition } from '../platform/repetition.js';
import { selectByKeys, selectRows } from '../platform/sql.js';
import type { ConnectionSettings } from '../records/connections/connection-settings.js';
import type { KeySetAddress } from './key-set.js';
import { KeySets } from './key-sets.js';

const WATCH_MS = 10_000;
const NAMED_MAX = 5;

interface Watched {
  version: number;
  /** Null: it lets nobody log in. */
  address: KeySetAddress | null;
}

/**
 * Keeps the keys of all enabled connections at hand, so that a provider that is down is known before its users come; and
 * tells readiness which are. The start waits for none of it (C9).
 */
@Injectable()
export class KeyWatch implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(KeyWatch.name);
  private watched = new Map<string, Watched>();
  /** Issuers of whom the log says that they give no keys. */
  private told = new Set<string>();
  private readonly repetition = new Repetition(() => this.look(), {
    everyMs: WATCH_MS,
    logger: this.logger,
    trouble: 'Keys are not looked after',
  });

  constructor(
    private readonly database: Database,
    private readonly keySets: KeySets,
    private readonly health: HealthRegistry,
  ) {}

  onApplicationBootstrap(): void {
    this.health.register('identity-providers', () => Promise.resolve(this.describe()));
    this.repetition.start(0);
  }

  beforeApplicationShutdown(): void {
    // A provider that does not answer keeps nobody from ending.
    void this.repetition.stop();
  }

  /** Fetches what is missing or grows old; ends when every provider has answered or failed. */
  async look(): Promise<void> {
    await this.readConnections();
    await this.keySets.refreshDue(this.listAddresses());
    this.tell();
  }

  private tell(): void {
    const down = this.findDown();
    for (const issuer of down) if (!this.told.has(issuer)) this.logger.warn(`No keys from ${issuer}.`);
    for (const issuer of this.told) if (!down.has(issuer)) this.logger.log(`No longer without keys: ${issuer}.`);
    this.told = down;
  }

  private describe(): Health {
    const named = [...this.findDown()].sort();
    if (named.length === 0) return { state: 'ok' };
    const more = named.length > NAMED_MAX ? ` and ${named.length - NAMED_MAX} more` : '';
    return { state: 'degraded', detail: `No keys from ${named.slice(0, NAMED_MAX).join(', ')}${more}.` };
  }

  private findDown(): Set<string> {
    const used = new Set(this.listAddresses().map(({ issuer }) => issuer));
    return new Set(
      this.keySets
        .listDegraded()
        .map(({ issuer }) => issuer)
        .filter((issuer) => used.has(issuer)),
    );
  }

  private listAddresses(): KeySetAddress[] {
    return [...this.watched.values()].flatMap(({ address }) => address ?? []);
  }

  /** Settings are read only of connections that have changed. */
  private async readConnections(): Promise<void> {
    const rows = await selectRows(
      this.database.read,
      `SELECT c.id AS id, c.version AS version FROM connections c JOIN tenants t ON t.id = c.tenantId
       WHERE c.status = 'active' AND t.status = 'active'`,
      [],
    );
    const before = this.watched;
    const next = new Map<string, Watched>();
    const changed: string[] = [];
    for (const row of rows) {
      const id = String(row.id);
      const known = before.get(id);
      if (known?.version === Number(row.version)) next.set(id, known);
      else changed.push(id);
    }
    const fresh = await selectByKeys(
      this.database.read,
      (keys) => `SELECT id, version, issuer, settings FROM connections WHERE id IN ${keys}`,
      [],
      changed,
    );
    for (const { id, version, issuer, settings } of fresh) {
      const { jwksUri, login } = JSON.parse(String(settings)) as ConnectionSettings;
      const address = login?.enabled ? { issuer: String(issuer), jwksUri: jwksUri ?? null } : null;
      next.set(String(id), { version: Number(version), address });
    }
    this.watched = next;
  }
}
