import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import mysql from 'mysql2/promise';
import { readConfig } from '../../src/platform/config.js';
import type { Database } from '../../src/platform/database.js';
import { openDatabase } from '../../src/platform/open-database.js';
import { shape } from '../../src/tables.js';
import { type MysqlServer, startMysqlServer } from '../support/mysql-server.js';
import { makeIdpKey, publish } from '../support/signed-tokens.js';
import { createCustomer, type Customer } from './customer.js';
import { type Service, startService } from './service.js';

/** Where figures are measured: a server with durable commits, an identity provider, and the service beside them. */
export class Stage {
  readonly idpKey = makeIdpKey('RS256', 'bench');
  private service: Service | null = null;

  private constructor(
    private readonly server: MysqlServer,
    readonly databaseUrl: string,
    readonly database: Database,
    private readonly idp: Server,
    readonly say: (text: string) => void,
  ) {
    idp.on('request', (_request, response) => {
      response.setHeader('content-type', 'application/json').end(JSON.stringify(publish(this.idpKey)));
    });
  }

  static async open(say: (text: string) => void): Promise<Stage> {
    const server = await startMysqlServer(say);
    try {
      const admin = await mysql.createConnection({ uri: server.url });
      await assertDurable(admin);
      const url = new URL(server.url);
      url.pathname = `/rollcall_bench_${randomBytes(6).toString('hex')}`;
      await admin.query(`CREATE DATABASE ${url.pathname.slice(1)}`);
      await admin.end();
      const database = await openDatabase(readConfig({ NODE_ENV: 'test', DATABASE_URL: url.href }), shape);
      await database.migrate();
      const idp = createServer();
      await new Promise<void>((resolve) => idp.listen(0, '127.0.0.1', resolve));
      return new Stage(server, url.href, database, idp, say);
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** `mariadb` or `mysql`. */
  get engine(): string {
    return this.server.name.split(' ')[0]?.toLowerCase() ?? '';
  }

  get serverName(): string {
    return this.server.name;
  }

  /** The service as a process of its own, started when it is first asked for. */
  async running(): Promise<Service> {
    this.service ??= await startService(this.databaseUrl);
    return this.service;
  }

  /** Ends the service as an operator would, if it runs. */
  async endService(): Promise<void> {
    await this.service?.end();
    this.service = null;
  }

  createCustomer(): Promise<Customer> {
    const { port } = this.idp.address() as AddressInfo;
    return createCustomer(this.database, `http://127.0.0.1:${port}`);
  }

  /** A connection to the same database, past the service. */
  connect(): Promise<mysql.Connection> {
    return mysql.createConnection({ uri: this.databaseUrl, supportBigNumbers: true });
  }

  /** Until every event has its number: what the service still owes shall not weigh on the next figure. */
  async settle(): Promise<number> {
    const from = performance.now();
    for (;;) {
      const rows: unknown[] = await this.database.read.query('SELECT 1 AS waiting FROM event_queue LIMIT 1');
      if (rows.length === 0) return (performance.now() - from) / 1000;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async close(): Promise<void> {
    await this.endService();
    await new Promise((resolve) => this.idp.close(resolve));
    await this.database.read.query(`DROP DATABASE ${new URL(this.databaseUrl).pathname.slice(1)}`);
    await this.database.close();
    await this.server.stop();
  }
}

/** The figures of a server that only pretends to write would say nothing. */
async function assertDurable(admin: mysql.Connection): Promise<void> {
  const [rows] = await admin.query<mysql.RowDataPacket[]>('SELECT @@GLOBAL.innodb_flush_log_at_trx_commit AS flush');
  if (Number(rows[0]?.flush) === 1) return;
  throw new Error('The server does not commit durably: set innodb_flush_log_at_trx_commit=1.');
}
