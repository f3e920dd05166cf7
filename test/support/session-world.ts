import { Clock, type Micros } from '../../src/platform/clock.js';
import { newId } from '../../src/platform/ids.js';
import { insertRows } from '../../src/platform/sql.js';
import { ApplicationEntity } from '../../src/records/applications/application.entity.js';
import { ConnectionEntity } from '../../src/records/connections/connection.entity.js';
import type { ConnectionSettings } from '../../src/records/connections/connection-settings.js';
import { RoleEntity } from '../../src/records/roles/role.entity.js';
import { SESSION_COLUMNS, type SessionRequest } from '../../src/records/sessions/new-session.js';
import type { SessionEntity } from '../../src/records/sessions/session.entity.js';
import { SessionsService } from '../../src/records/sessions/sessions.service.js';
import { TenantEntity } from '../../src/records/tenants/tenant.entity.js';
import { findEffectiveRoles } from '../../src/records/users/effective-roles.js';
import { BlockEntity, GrantEntity } from '../../src/records/users/grant.entity.js';
import { IdentityEntity } from '../../src/records/users/identity.entity.js';
import { UserEntity } from '../../src/records/users/user.entity.js';
import type { TestApp } from './start-app.js';

/** A clock that tests move by hand. */
export class HandClock {
  offset: Micros = 0;

  constructor(app: TestApp) {
    app.app.get(Clock).now = () => Date.now() * 1000 + this.offset;
  }

  now(): Micros {
    return Date.now() * 1000 + this.offset;
  }

  pass(micros: Micros): void {
    this.offset += micros;
  }
}

export interface OpenedSession {
  session: SessionEntity;
  accessToken: string;
  refreshToken: string;
}

/** A tenant with an application, a connection and people, as rows: what sessions stand on. */
export class SessionWorld {
  readonly tenantId = newId();
  readonly connectionId = newId();
  readonly application = { id: newId(), audience: 'shop', roles: null as string[] | null };

  constructor(
    readonly rollcall: TestApp,
    readonly clock: HandClock,
  ) {}

  async build(): Promise<this> {
    const now = this.clock.now();
    const dates = { version: 1, createdAt: now, updatedAt: now };
    const { tenantId } = this;
    await this.rollcall.database.transaction(async (tx) => {
      await tx.insert(TenantEntity, { id: tenantId, slug: tenantId, name: 'Acme', status: 'active', ...dates });
      await tx.insert(ApplicationEntity, {
        ...this.application,
        tenantId,
        name: 'Shop',
        origins: [],
        isDefault: true,
        ...dates,
      });
      const settings = { login: { enabled: true } } as ConnectionSettings;
      await tx.save(ConnectionEntity, {
        id: this.connectionId,
        tenantId,
        name: 'Acme Okta',
        nameKey: 'acme okta',
        issuer: 'https://acme.example.com',
        status: 'active',
        settings,
        mappingVersion: 1,
        ...dates,
      });
    });
    await this.addRole('editor', ['articles:edit']);
    await this.addRole('session-admin', ['sessions:read', 'sessions:end']);
    return this;
  }

  async addRole(key: string, permissions: string[]): Promise<void> {
    const now = this.clock.now();
    await this.rollcall.database.transaction((tx) =>
      tx.insert(RoleEntity, {
        id: newId(),
        tenantId: this.tenantId,
        key,
        name: key,
        description: '',
        permissions,
        markedPrivileged: false,
        builtIn: false,
        version: 1,
        createdAt: now,
        updatedAt: now,
      }),
    );
  }

  /** A user with one identity at the connection, which holds these roles by its rule `eng`. */
  async addUser(...roles: string[]): Promise<{ userId: string; identityId: string }> {
    const userId = newId();
    const identityId = newId();
    const now = this.clock.now() - 1;
    const { tenantId, connectionId } = this;
    await this.rollcall.database.transaction(async (tx) => {
      const names = { userName: 'ada', userNameKey: 'ada', displayName: 'Ada', displayNameKey: 'ada' };
      const mail = { email: 'ada@example.com', emailKey: 'ada@example.com', emailVerified: true };
      await tx.insert(UserEntity, {
        id: userId,
        tenantId,
        ...names,
        ...mail,
        givenName: 'Ada',
        familyName: null,
        attributes: {},
        suspended: false,
        version: 1,
        createdAt: now,
        updatedAt: now,
      });
      await tx.save(IdentityEntity, {
        id: identityId,
        tenantId,
        connectionId,
        userId,
        externalId: identityId,
        subject: identityId,
        userNameKey: null,
        active: true,
        facts: {},
        pushHash: null,
        mappingVersion: 1,
        revision: 1,
        lastLoginAt: null,
        notBefore: null,
        scope: null,
        leavingAt: null,
        createdAt: now,
      });
    });
    for (const role of roles) await this.grant(userId, role, identityId);
    return { userId, identityId };
  }

  async grant(userId: string, role: string, sourceId: string, until: Micros | null = null): Promise<void> {
    const isAdmin = sourceId === 'admin';
    await this.rollcall.database.transaction((tx) =>
      tx.insert(GrantEntity, {
        userId,
        kind: 'role',
        heldKey: role,
        sourceId,
        rule: isAdmin ? '' : 'eng',
        tenantId: this.tenantId,
        connectionId: isAdmin ? null : this.connectionId,
        mappingVersion: isAdmin ? 0 : 1,
        because: isAdmin ? null : 'groups has engineering',
        adminId: isAdmin ? 'bob' : null,
        reason: isAdmin ? 'cover for Bob' : null,
        since: this.clock.now(),
        until,
      }),
    );
  }

  async block(userId: string, role: string): Promise<void> {
    await this.rollcall.database.transaction((tx) =>
      tx.insert(BlockEntity, {
        userId,
        kind: 'role',
        heldKey: role,
        tenantId: this.tenantId,
        adminId: 'bob',
        reason: null,
        since: this.clock.now(),
        until: null,
      }),
    );
  }

  /** Opens a session as a login does: prepared rows, written in a transaction. */
  async open(
    who: { userId: string; identityId: string | null },
    change: Partial<SessionRequest> = {},
  ): Promise<OpenedSession> {
    const sessions = this.rollcall.app.get(SessionsService);
    const now = this.clock.now();
    const prepared = sessions.prepareSession({
      tenantId: this.tenantId,
      userId: who.userId,
      identityId: who.identityId,
      connectionId: who.identityId === null ? null : this.connectionId,
      application: this.application,
      privileged: true,
      authTime: now,
      amr: ['pwd'],
      tokenMark: null,
      maxSessionSeconds: null,
      address: '192.0.2.1',
      userAgent: 'test',
      now,
      ...change,
    });
    await this.rollcall.database.transaction(async (tx) => {
      await insertRows(tx, 'sessions', SESSION_COLUMNS, [prepared.sessionRow]);
    });
    const { session, refreshToken } = prepared;
    const roles = await findEffectiveRoles(this.rollcall.database.read, this.tenantId, who.userId, now);
    const { accessToken } = await sessions.signAccessToken(session, this.application, roles, now);
    return { session, accessToken, refreshToken };
  }

  /** Types and reasons of the events about this session or user, in order. */
  async events(subjectId: string): Promise<string[]> {
    const rows = await this.rollcall.database.read.query<{ type: string; reason: string }[]>(
      'SELECT type, reason FROM events WHERE subjectId = ? ORDER BY id',
      [subjectId],
    );
    return rows.map((row) => `${row.type} ${row.reason}`);
  }

  async set(sql: string, values: (string | number | null)[]): Promise<void> {
    await this.rollcall.database.transaction((tx) => tx.query(sql, values));
  }
}
