import { readConfig } from '../../src/platform/config.js';
import type { Database } from '../../src/platform/database.js';
import { openDatabase } from '../../src/platform/open-database.js';
import { selectRows, type SqlRow } from '../../src/platform/sql.js';
import { shape } from '../../src/tables.js';
import { createScratchDatabase, type ScratchDatabase } from './databases.js';
import { HttpClient } from './http-client.js';
import { type LoopbackIdp, startLoopbackIdp } from './loopback-idp.js';
import { seedCustomer, seedFullConnection } from './seed-customer.js';
import { startApp } from './start-app.js';
import { type ServiceProcess, startProcess } from './start-process.js';

const SETTINGS = { ALLOW_LOOPBACK_HTTP: 'true', OUTBOUND_ALLOW: '127.0.0.0/8', LOGIN_RATE_PER_MINUTE: '100000' };
const PERMISSIONS = [
  'users:sync',
  'users:export',
  'users:write',
  'roles:grant',
  'api-keys:write',
  'sync:read',
  'connections:read',
  'connections:write',
  'connections:trust',
  'sync-runs:read',
  'reports:read',
  'reports:write',
];

/** A database with one customer in it, for services that run as processes of their own and may be killed. */
export class ProcessWorld {
  private readonly processes = new Set<ServiceProcess>();

  private constructor(
    private readonly scratch: ScratchDatabase,
    readonly idp: LoopbackIdp,
    /** A way of its own into the database, for looking and for letting time pass. */
    readonly database: Database,
    private readonly customer: {
      tenantId: string;
      connection: string;
      credential: string | null;
      scimCredential: string | null;
    },
  ) {}

  get tenantId(): string {
    return this.customer.tenantId;
  }

  get connection(): string {
    return this.customer.connection;
  }

  static async build(scratch?: ScratchDatabase): Promise<ProcessWorld> {
    const own = scratch ?? (await createScratchDatabase());
    const idp = await startLoopbackIdp();
    const rollcall = await startApp(own.env);
    const tenantId = await seedCustomer(rollcall);
    const connection = await seedFullConnection(rollcall, tenantId, idp.trust);
    const { credential } = await rollcall.clientWith(tenantId, PERMISSIONS);
    const scim = await rollcall.clientWith(tenantId, ['scim:read', 'scim:write'], connection);
    await rollcall.stop();
    const database = await openDatabase(readConfig({ NODE_ENV: 'test', ...own.env }), shape);
    return new ProcessWorld(own, idp, database, {
      tenantId,
      connection,
      credential,
      scimCredential: scim.credential,
    });
  }

  /** Starts the service, and answers it with clients: one that may push and change the connection, one for SCIM. */
  async start(
    settings: Record<string, string> = {},
  ): Promise<{ service: ServiceProcess; http: HttpClient; scim: HttpClient }> {
    const service = await startProcess({ LOG_LEVEL: 'info', ...this.scratch.env, ...SETTINGS, ...settings });
    this.processes.add(service);
    void service.ended.then(() => this.processes.delete(service));
    const { credential, scimCredential } = this.customer;
    return {
      service,
      http: new HttpClient(service.url, credential),
      scim: new HttpClient(service.url, scimCredential),
    };
  }

  rows(sql: string, ...values: (string | number)[]): Promise<SqlRow[]> {
    return selectRows(this.database.read, sql, values);
  }

  async count(from: string, ...values: (string | number)[]): Promise<number> {
    return Number((await this.rows(`SELECT COUNT(*) AS n FROM ${from}`, ...values))[0]?.n);
  }

  /** Waits until so many rows are committed. */
  async untilCount(atLeast: number, from: string, ...values: (string | number)[]): Promise<void> {
    while ((await this.count(from, ...values)) < atLeast) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  /** What a dead process held is free, as it would be when its time was up. */
  async expireHolds(): Promise<void> {
    await this.database.transaction(async (tx) => {
      await tx.query('UPDATE idempotency_keys SET heldUntil = 0');
      await tx.query('UPDATE leases SET until = 0');
    });
  }

  async stop(): Promise<void> {
    await Promise.all([...this.processes].map((service) => service.stop()));
    await this.database.close().catch(() => undefined);
    await this.idp.stop();
    await this.scratch.drop();
  }
}
