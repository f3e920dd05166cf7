import { Inject, Injectable } from '@nestjs/common';
import { type EntityManager, MoreThan } from 'typeorm';
import { actorOf, LedgerService, type NewEvent } from '../../ledger/ledger.service.js';
import type { Principal } from '../../platform/access.js';
import { Clock, formatTime } from '../../platform/clock.js';
import type { Config } from '../../platform/config.js';
import { Database } from '../../platform/database.js';
import { assertMayGrant, assertReaches } from '../../platform/grant-rules.js';
import { newId } from '../../platform/ids.js';
import type { PageQuery } from '../../platform/page-query.dto.js';
import { keyOfCursor } from '../../platform/paging.js';
import { CONFIG } from '../../platform/config.js';
import { type Fault, Problem } from '../../platform/problem.js';
import { normaliseKey } from '../../platform/text-key.js';
import { requireVersion } from '../../platform/versions.js';
import { startGroupRun } from '../groups/start-group-run.js';
import { loadRoleCatalogue } from '../roles/role-catalogue.js';
import { endSessions } from '../sessions/end-sessions.js';
import { startReplan } from '../sync-runs/start-replan.js';
import { checkConnection } from './check-connection.js';
import {
  changedFields,
  type ConnectionWords,
  grantingFieldsChanged,
  groupKeyChanged,
  planFieldsChanged,
  loosensCatch,
  trustFieldsChanged,
} from './compare-connections.js';
import { getConnection, keepMappingVersion, lockConnectionsOf } from './connection-rows.js';
import { ConnectionEntity } from './connection.entity.js';
import { readConnectionBody, type ReadConnection } from './read-connection-body.js';
import { applyMergePatch } from './settings-of.js';

/** A connection as a save left it. */
export interface SavedConnection {
  row: ConnectionEntity;
  warnings: Fault[];
  /** The run that was started, if people's roles may follow differently from it. */
  replan: string | null;
}

@Injectable()
export class ConnectionsService {
  constructor(
    private readonly database: Database,
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Rows of the page, and one more if there is another page. */
  list(principal: Principal, page: PageQuery): Promise<ConnectionEntity[]> {
    const after = keyOfCursor(page.cursor) ?? '';
    return this.database.read.find(ConnectionEntity, {
      where: { tenantId: principal.tenantId, id: principal.connectionId ?? MoreThan(after) },
      order: { id: 'ASC' },
      take: page.limit + 1,
    });
  }

  get(principal: Principal, id: string): Promise<ConnectionEntity> {
    return getConnection(this.database.read, principal, id);
  }

  /** Throws `invalid_request` with every fault, or `conflict` where only the name is taken. */
  async create(principal: Principal, body: unknown): Promise<SavedConnection> {
    assertReaches(principal, null);
    const read = readConnectionBody(body, null);
    return this.database.transaction(async (tx) => {
      const { tenantId } = principal;
      await lockConnectionsOf(tx, tenantId);
      const { warnings } = await this.check(tx, tenantId, null, read);
      const now = this.clock.now();
      const row = tx.create(ConnectionEntity, {
        id: newId(),
        tenantId,
        ...wordsOf(read.connection),
        status: 'active',
        mappingVersion: 1,
        version: 1,
        createdAt: now,
        updatedAt: now,
      });
      await tx.insert(ConnectionEntity, columnsOf(row));
      await keepMappingVersion(tx, row, principal.id, now);
      await this.ledger.record(tx, [eventOf('connection.created', row, principal, changedFields(NOTHING, row))]);
      return { row, warnings, replan: null };
    });
  }

  /** PUT: what the body leaves out gets its default. */
  replace(principal: Principal, id: string, ifMatch: string | undefined, body: unknown): Promise<SavedConnection> {
    return this.save(principal, id, ifMatch, () => body);
  }

  /** PATCH: a JSON merge patch (RFC 7396) of what is stored, with the note of `applyMergePatch` on null. */
  patch(principal: Principal, id: string, ifMatch: string | undefined, patch: unknown): Promise<SavedConnection> {
    return this.save(principal, id, ifMatch, (row) =>
      applyMergePatch({ name: row.name, issuer: row.issuer, ...row.settings }, patch),
    );
  }

  /** The connection as a PATCH with this body would leave it; checked alike, and not written. */
  async propose(principal: Principal, id: string, patch: unknown): Promise<ConnectionEntity> {
    const manager = this.database.read;
    const row = await getConnection(manager, principal, id);
    const stored = { ...row, createdAt: formatTime(row.createdAt), updatedAt: formatTime(row.updatedAt) };
    const read = readConnectionBody(
      applyMergePatch({ name: row.name, issuer: row.issuer, ...row.settings }, patch),
      stored,
    );
    await this.check(manager, row.tenantId, id, read);
    return { ...row, ...wordsOf(read.connection), mappingVersion: row.mappingVersion + 1 };
  }

  /** Enabling is an act of trust, and needs `connections:trust`; disabling ends the connection's sessions. */
  async setStatus(principal: Principal, id: string, status: ConnectionEntity['status']): Promise<ConnectionEntity> {
    return this.database.transaction(async (tx) => {
      await lockConnectionsOf(tx, principal.tenantId);
      const row = await getConnection(tx, principal, id, 'locked');
      if (row.status === status) return row;
      const now = this.clock.now();
      Object.assign(row, { status, version: row.version + 1, updatedAt: now });
      await tx.update(ConnectionEntity, { id }, { status, version: row.version, updatedAt: now });
      if (status === 'disabled') await endSessions(tx, 'connectionId', [id], 'connection_changed', now);
      const type = status === 'active' ? 'connection.enabled' : 'connection.disabled';
      await this.ledger.record(tx, [eventOf(type, row, principal, ['status'])]);
      return row;
    });
  }

  private async save(
    principal: Principal,
    id: string,
    ifMatch: string | undefined,
    bodyFrom: (row: ConnectionEntity) => unknown,
  ): Promise<SavedConnection> {
    return this.database.transaction(async (tx) => {
      await lockConnectionsOf(tx, principal.tenantId);
      const row = await getConnection(tx, principal, id, 'locked');
      requireVersion(ifMatch, row.version);
      const read = readConnectionBody(bodyFrom(row), {
        ...row,
        createdAt: formatTime(row.createdAt),
        updatedAt: formatTime(row.updatedAt),
      });
      const { warnings, roles } = await this.check(tx, row.tenantId, id, read);
      const fields = changedFields(row, read.connection);
      if (fields.length === 0) return { row, warnings, replan: null };
      const trust = trustFieldsChanged(row, read.connection);
      if (!principal.permissions.has('connections:trust')) {
        requireNoTrust(loosensCatch(row, read.connection) ? [...trust, 'safetyCatch'] : trust);
        if (grantingFieldsChanged(row, read.connection)) {
          const held = read.connection.settings.allowedRoles.flatMap((key) => roles.get(key)?.permissions ?? []);
          assertMayGrant(principal, held);
        }
      }
      const replans = planFieldsChanged(row, read.connection);
      const regroups = groupKeyChanged(row, read.connection);
      const now = this.clock.now();
      Object.assign(row, wordsOf(read.connection), { version: row.version + 1, updatedAt: now });
      if (replans) row.mappingVersion += 1;
      await tx.update(ConnectionEntity, { id }, columnsOf(row));
      if (trust.length > 0) await endSessions(tx, 'connectionId', [id], 'connection_changed', now);
      if (replans) await keepMappingVersion(tx, row, principal.id, now);
      await this.ledger.record(tx, [eventOf('connection.updated', row, principal, fields)]);
      const { tenantId, mappingVersion } = row;
      const order = { tenantId, connectionId: id, mappingVersion, actor: actorOf(principal), now };
      if (regroups) await startGroupRun(tx, order, { allGroups: true });
      return { row, warnings, replan: replans ? await startReplan(tx, order) : null };
    });
  }

  /** The warnings, and the tenant's roles; throws with every fault of the body and of what it means here. */
  private async check(tx: EntityManager, tenantId: string, id: string | null, read: ReadConnection) {
    const roles = await loadRoleCatalogue(tx, tenantId);
    const siblings = await tx.findBy(ConnectionEntity, { tenantId });
    const { faults, nameTaken, warnings } = checkConnection(read.connection, {
      roles,
      others: siblings.filter((other) => other.id !== id),
      allowLoopbackHttp: this.config.ALLOW_LOOPBACK_HTTP,
      outboundAllow: this.config.OUTBOUND_ALLOW,
    });
    const all = [...read.faults, ...faults];
    const taken = { pointer: '/name', detail: 'Another connection has this name.' };
    if (all.length > 0) throw new Problem('invalid_request', undefined, { faults: nameTaken ? [...all, taken] : all });
    if (nameTaken) throw new Problem('conflict', taken.detail, { faults: [taken] });
    return { warnings, roles };
  }
}

/** What a new connection is compared with. */
const NOTHING = { name: '', issuer: '', settings: {} } as ConnectionWords;

function wordsOf({ name, issuer, settings }: ConnectionWords) {
  return { name, nameKey: normaliseKey(name), issuer, settings };
}

/** TypeORM's type of a partial row cannot say a column of any JSON. */
function columnsOf(row: ConnectionEntity): object {
  return { ...row };
}

function requireNoTrust(trustFields: readonly string[]): void {
  if (trustFields.length === 0) return;
  const permission = 'connections:trust';
  const faults = trustFields.map((path) => ({ pointer: `/${path.replace('.', '/')}`, detail: `needs ${permission}` }));
  const detail = `Changing ${trustFields.join(', ')} needs the permission ${permission}.`;
  throw new Problem('forbidden', detail, { faults, extra: { permission } });
}

function eventOf(type: string, row: ConnectionEntity, principal: Principal, fields: readonly string[]): NewEvent {
  const { tenantId, id, version } = row;
  const subject = { type: 'connection', id, version };
  return { tenantId, type, subject, actor: actorOf(principal), via: 'rest', fields };
}
