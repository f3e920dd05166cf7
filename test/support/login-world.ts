import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LoginFailures } from '../../src/ledger/login-failures.js';
import { newId } from '../../src/platform/ids.js';
import { selectRows } from '../../src/platform/sql.js';
import type { ConnectionSettings } from '../../src/records/connections/connection-settings.js';
import type { Answer, HttpClient } from './http-client.js';
import { seedCustomer, seedFullConnection } from './seed-customer.js';
import { HandClock } from './session-world.js';
import { type IdpKey, makeIdpKey, publish, signToken } from './signed-tokens.js';
import { startApp, type TestApp } from './start-app.js';

/** One issuer of the IdP: what it publishes, and how often it was asked. */
export class Realm {
  readonly fetches: string[] = [];
  keys: IdpKey[];
  /** Answers instead of the keys. */
  answer: ((response: ServerResponse) => void) | null = null;

  constructor(
    readonly issuer: string,
    readonly key: IdpKey,
  ) {
    this.keys = [key];
  }

  get jwksUri(): string {
    return `${this.issuer}/keys`;
  }
}

/** An IdP over real HTTP on loopback, with any number of issuers. */
export class HttpIdp {
  private readonly realms = new Map<string, Realm>();
  private server: Server | null = null;
  private url = '';

  async start(): Promise<this> {
    const server = createServer((request, response) => {
      const [, name = '', ...rest] = (request.url ?? '').split('/');
      const realm = this.realms.get(name);
      if (!realm) return void response.writeHead(404).end();
      realm.fetches.push(rest.join('/'));
      if (realm.answer) return realm.answer(response);
      const isDiscovery = rest.join('/') === '.well-known/openid-configuration';
      const body = isDiscovery ? { issuer: realm.issuer, jwks_uri: realm.jwksUri } : publish(...realm.keys);
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return this;
  }

  addRealm(key: IdpKey): Realm {
    const name = newId();
    const realm = new Realm(`${this.url}/${name}`, key);
    this.realms.set(name, realm);
    return realm;
  }

  async stop(): Promise<void> {
    this.server?.closeAllConnections();
    await new Promise((resolve) => this.server?.close(resolve));
  }
}

export interface LoginUser {
  id: string;
  tenant: string;
  userName: string | null;
  displayName: string | null;
  email: string | null;
  roles: string[];
  withheld: string[];
}

export interface LoggedInBody extends Record<string, unknown> {
  access_token: string;
  refresh_token: string;
  expires_in: number;
  token_type: string;
  user: LoginUser;
}

/** Settings of a connection, and of its mapping what differs from the usual one. */
export type CustomerSettings = Partial<Omit<ConnectionSettings, 'mapping'>> & {
  issuer?: string;
  mapping?: Partial<ConnectionSettings['mapping']>;
};

const MAPPING: ConnectionSettings['mapping'] = {
  userName: 'claims.preferred_username',
  email: 'claims.email',
  displayName: 'claims.name',
  groups: 'claims.groups',
  groupKey: 'displayName',
  roles: [{ id: 'eng', when: "'engineering' in claims.groups", grant: ['editor'] }],
  payloadClaim: null,
  strict: false,
  whenAbsent: 'keep',
  whenOverage: 'keep',
};

/** A tenant with one connection to an issuer of the IdP. */
export class Customer {
  constructor(
    readonly world: LoginWorld,
    readonly tenantId: string,
    readonly connectionId: string,
    readonly realm: Realm,
    /** Of its tenant. */
    readonly slug: string,
  ) {}

  /** Claims of a token issued now to somebody of engineering; `undefined` leaves a claim out. */
  claims(over: Record<string, unknown> = {}): Record<string, unknown> {
    const now = Math.floor(this.world.clock.now() / 1e6);
    return {
      iss: this.realm.issuer,
      aud: 'rollcall',
      sub: 'u-1',
      iat: now,
      exp: now + 300,
      jti: newId(),
      groups: ['engineering'],
      ...over,
    };
  }

  token(over: Record<string, unknown> = {}, header: Record<string, unknown> = {}, key = this.realm.key): string {
    return signToken(key, this.claims(over), header);
  }

  login(over: Record<string, unknown> = {}, body: Record<string, unknown> = {}): Promise<Answer<LoggedInBody>> {
    return this.world.login(this.token(over), body);
  }

  push(records: unknown, settings: Record<string, unknown> = {}): Promise<Answer> {
    return this.client('users:sync').then((http) =>
      http.post('/users/sync', Array.isArray(records) ? { users: records, ...settings } : records),
    );
  }

  client(...permissions: string[]): Promise<HttpClient> {
    const bound = permissions.includes('users:sync') ? this.connectionId : undefined;
    return this.world.rollcall.clientWith(this.tenantId, permissions, bound);
  }

  /** How many rows the tenant has of what a login writes. */
  async rows(): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const table of ['users', 'identities', 'sessions', 'grants']) {
      const sql = `SELECT COUNT(*) AS n FROM ${table} WHERE tenantId = ?`;
      const [row] = await selectRows(this.world.rollcall.database.read, sql, [this.tenantId]);
      counts[table] = Number(row?.n);
    }
    return counts;
  }

  /** The reasons of the tenant's refused logins as its ledger has them, in order. */
  async refusals(): Promise<string[]> {
    return this.world.refusals(this.tenantId);
  }

  /** Changes the stored settings as a save would: the versions move. */
  async save({ mapping, ...rest }: Omit<CustomerSettings, 'issuer'>): Promise<void> {
    await this.world.rollcall.database.transaction(async (tx) => {
      const [row] = await selectRows(tx, 'SELECT settings FROM connections WHERE id = ?', [this.connectionId]);
      const before = JSON.parse(String(row?.settings)) as ConnectionSettings;
      const after = { ...before, ...rest, mapping: { ...before.mapping, ...mapping } };
      await tx.query(
        'UPDATE connections SET settings = ?, version = version + 1, mappingVersion = mappingVersion + 1 WHERE id = ?',
        [JSON.stringify(after), this.connectionId],
      );
    });
  }
}

/** The service and an IdP beside it; everybody in it talks HTTP. */
export class LoginWorld {
  static readonly key = makeIdpKey('RS256', 'k1');

  private constructor(
    readonly rollcall: TestApp,
    readonly idp: HttpIdp,
    readonly clock: HandClock,
  ) {}

  static async start(settings: Record<string, string> = {}): Promise<LoginWorld> {
    const idp = await new HttpIdp().start();
    const rollcall = await startApp({ LOGIN_RATE_PER_MINUTE: '1000000', ...settings });
    return new LoginWorld(rollcall, idp, new HandClock(rollcall));
  }

  async stop(): Promise<void> {
    await this.rollcall.stop();
    await this.idp.stop();
  }

  /** A tenant of its own, with the roles `viewer` and `editor`, and a connection to an issuer of its own. */
  async addCustomer(settings: CustomerSettings = {}, key: IdpKey = LoginWorld.key): Promise<Customer> {
    const slug = `t-${newId().slice(-12)}`;
    return this.connect(await seedCustomer(this.rollcall, slug), this.idp.addRealm(key), settings, slug);
  }

  /** One more connection, to an issuer that may be another's. */
  async connect(tenantId: string, realm: Realm, settings: CustomerSettings = {}, slug = ''): Promise<Customer> {
    const { mapping, ...rest } = settings;
    const connectionId = await seedFullConnection(this.rollcall, tenantId, {
      issuer: realm.issuer,
      jwksUri: realm.jwksUri,
      ...rest,
      mapping: { ...MAPPING, ...mapping },
    });
    return new Customer(this, tenantId, connectionId, realm, slug);
  }

  login(token: string, body: Record<string, unknown> = {}): Promise<Answer<LoggedInBody>> {
    return this.rollcall.http.post<LoggedInBody>('/auth/login', { token, ...body });
  }

  async refusals(tenantId: string): Promise<string[]> {
    await this.rollcall.app.get(LoginFailures).flush();
    const rows = await selectRows(
      this.rollcall.database.read,
      `SELECT reason FROM events WHERE tenantId = ? AND type = 'login.refused' ORDER BY id`,
      [tenantId],
    );
    return rows.map((row) => String(row.reason));
  }
}
