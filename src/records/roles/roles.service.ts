import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { MoreThan } from 'typeorm';
import { actorOf, LedgerService, type NewEvent } from '../../ledger/ledger.service.js';
import type { Principal } from '../../platform/access.js';
import { Clock } from '../../platform/clock.js';
import { Database } from '../../platform/database.js';
import { duplicateOf } from '../../platform/database-errors.js';
import { assertMayGrant, isPrivilegedRole } from '../../platform/grant-rules.js';
import { newId } from '../../platform/ids.js';
import type { PageQuery } from '../../platform/page-query.dto.js';
import { keyOfCursor, type Page, pageOf } from '../../platform/paging.js';
import { Problem } from '../../platform/problem.js';
import { requireVersion } from '../../platform/versions.js';
import { countHeld, removeFromSomeUsers } from './remove-role-grants.js';
import { connectionsThatMayGrant, replanConnectionsOf } from './replan-role.js';
import { RoleEntity } from './role.entity.js';
import { permissionFaults } from './role-rules.js';
import { type ChangeRoleBody, type CreateRoleBody, type RoleView, toRoleView } from './roles.dto.js';

/** With more than this many grants, deleting a role has to be asked for by name (`force`). */
export const GRANTS_IN_ONE_TRANSACTION_MAX = 1000;

@Injectable()
export class RolesService {
  constructor(
    private readonly database: Database,
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
  ) {}

  async list(principal: Principal, query: PageQuery): Promise<Page<RoleView>> {
    const after = keyOfCursor(query.cursor);
    const rows = await this.database.read.find(RoleEntity, {
      where: { tenantId: principal.tenantId, ...(after === null ? {} : { key: MoreThan(after) }) },
      order: { key: 'ASC' },
      take: query.limit + 1,
    });
    return pageOf(rows, query.limit, (row) => row.key, toRoleView);
  }

  async get(principal: Principal, id: string): Promise<RoleView> {
    return toRoleView(await loadRole(this.database.read, principal, id));
  }

  async create(principal: Principal, body: CreateRoleBody): Promise<RoleView> {
    checkPermissions(principal, body.permissions);
    try {
      return await this.database.transaction(async (tx) => {
        const now = this.clock.now();
        const role: RoleEntity = {
          id: newId(),
          tenantId: principal.tenantId,
          key: body.key,
          name: body.name,
          description: body.description ?? '',
          permissions: body.permissions,
          markedPrivileged: body.privileged ?? false,
          builtIn: false,
          version: 1,
          createdAt: now,
          updatedAt: now,
        };
        await tx.insert(RoleEntity, role);
        const fields = ['key', 'name', 'description', 'permissions', 'privileged'];
        await this.ledger.record(tx, [eventOf('role.created', role, principal, fields)]);
        // A connection's allow-list may have named the key of a deleted role.
        await replanConnectionsOf(tx, role, actorOf(principal), now);
        return toRoleView(role);
      });
    } catch (error) {
      if (duplicateOf(error) === null) throw error;
      throw new Problem('name_taken', `There is a role ${body.key} already.`, {
        faults: [{ pointer: '/key', detail: 'is taken' }],
      });
    }
  }

  async change(principal: Principal, id: string, body: ChangeRoleBody, ifMatch: string | undefined): Promise<RoleView> {
    return this.database.transaction(async (tx) => {
      const role = await loadRole(tx, principal, id);
      requireVersion(ifMatch, role.version);
      assertCustom(role);
      const changed: RoleEntity = {
        ...role,
        name: body.name ?? role.name,
        description: body.description ?? role.description,
        permissions: body.permissions ?? role.permissions,
        markedPrivileged: body.privileged ?? Boolean(role.markedPrivileged),
      };
      // What the role gave before counts too: nobody remakes a role above their own.
      checkPermissions(principal, changed.permissions, role.permissions);
      const fields = changedFields(role, changed);
      if (fields.length === 0) return toRoleView(role);
      changed.version += 1;
      changed.updatedAt = this.clock.now();
      await writeRole(tx, changed, role.version);
      await this.ledger.record(tx, [eventOf('role.updated', changed, principal, fields)]);
      if (isPrivilegedRole(changed) !== isPrivilegedRole(role)) {
        await replanConnectionsOf(tx, changed, actorOf(principal), changed.updatedAt);
      }
      return toRoleView(changed);
    });
  }

  /**
   * Removes a role with its grants and blocks. Throws `role_in_use` where connections may grant it, or where more than
   * 1,000 grants and blocks name it, unless `force`: then users lose it in transactions of 500 before the role goes.
   */
  async remove(principal: Principal, id: string, ifMatch: string | undefined, force: boolean): Promise<void> {
    while (!(await this.removeOrShrink(principal, id, ifMatch, force)));
  }

  /** One transaction: the whole role, or if it is held by too many, some users' part of it (false). */
  private removeOrShrink(
    principal: Principal,
    id: string,
    ifMatch: string | undefined,
    force: boolean,
  ): Promise<boolean> {
    return this.database.transaction(async (tx) => {
      const role = await loadRole(tx, principal, id);
      requireVersion(ifMatch, role.version);
      assertCustom(role);
      assertMayGrant(principal, role.permissions);
      const held = await countHeld(tx, role.tenantId, role.key);
      if (!force) await this.assertUnused(tx, role, held);
      const now = this.clock.now();
      const actor = actorOf(principal);
      if (held > GRANTS_IN_ONE_TRANSACTION_MAX) {
        await this.ledger.record(tx, await removeFromSomeUsers(tx, role, actor, now));
        return false;
      }
      for (;;) {
        const events = await removeFromSomeUsers(tx, role, actor, now);
        if (events.length === 0) break;
        await this.ledger.record(tx, events);
      }
      const { affected } = await tx.delete(RoleEntity, { id: role.id, version: role.version });
      if (affected !== 1) throw new Problem('version_conflict');
      await this.ledger.record(tx, [eventOf('role.deleted', role, principal, [])]);
      await replanConnectionsOf(tx, role, actor, now);
      return true;
    });
  }

  private async assertUnused(tx: EntityManager, role: RoleEntity, held: number): Promise<void> {
    const connections = await connectionsThatMayGrant(tx, role.tenantId, role.key);
    if (connections.length === 0 && held <= GRANTS_IN_ONE_TRANSACTION_MAX) return;
    const reasons = [
      ...(held > GRANTS_IN_ONE_TRANSACTION_MAX ? [`${held} grants and blocks name it`] : []),
      ...(connections.length > 0 ? [`${connections.length} connections may grant it`] : []),
    ];
    throw new Problem('role_in_use', `${reasons.join('; ')}. To delete it all the same, add ?force=true.`, {
      extra: { grants: held, connections: connections.map((each) => each.id) },
    });
  }
}

async function loadRole(manager: EntityManager, principal: Principal, id: string): Promise<RoleEntity> {
  const role = await manager.findOneBy(RoleEntity, { id, tenantId: principal.tenantId });
  if (!role) throw new Problem('not_found');
  return role;
}

function assertCustom(role: RoleEntity): void {
  if (role.builtIn) throw new Problem('built_in', `The role ${role.key} is built in. Make one of your own beside it.`);
}

function checkPermissions(principal: Principal, permissions: readonly string[], before: readonly string[] = []): void {
  const faults = permissionFaults(permissions);
  if (faults.length > 0) throw new Problem('invalid_request', undefined, { faults });
  assertMayGrant(principal, [...permissions, ...before]);
}

function changedFields(before: RoleEntity, after: RoleEntity): string[] {
  const fields: string[] = [];
  if (before.name !== after.name) fields.push('name');
  if (before.description !== after.description) fields.push('description');
  if (JSON.stringify(before.permissions) !== JSON.stringify(after.permissions)) fields.push('permissions');
  if (Boolean(before.markedPrivileged) !== after.markedPrivileged) fields.push('privileged');
  return fields;
}

async function writeRole(tx: EntityManager, role: RoleEntity, fromVersion: number): Promise<void> {
  const { name, description, permissions, markedPrivileged, version, updatedAt } = role;
  const { affected } = await tx.update(
    RoleEntity,
    { id: role.id, version: fromVersion },
    { name, description, permissions, markedPrivileged, version, updatedAt },
  );
  if (affected !== 1) throw new Problem('version_conflict');
}

function eventOf(type: string, role: RoleEntity, principal: Principal, fields: string[]): NewEvent {
  return {
    tenantId: role.tenantId,
    type,
    subject: { type: 'role', id: role.id, version: role.version },
    actor: actorOf(principal),
    via: 'rest',
    fields,
  };
}
