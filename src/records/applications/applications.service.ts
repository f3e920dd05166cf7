import { Injectable } from '@nestjs/common';
import { type EntityManager, In, MoreThan } from 'typeorm';
import { actorOf, LedgerService, type NewEvent } from '../../ledger/ledger.service.js';
import type { Principal } from '../../platform/access.js';
import { Clock } from '../../platform/clock.js';
import { Database } from '../../platform/database.js';
import { duplicateOf } from '../../platform/database-errors.js';
import { newId } from '../../platform/ids.js';
import type { PageQuery } from '../../platform/page-query.dto.js';
import { keyOfCursor, type Page, pageOf } from '../../platform/paging.js';
import { type Fault, Problem } from '../../platform/problem.js';
import { checkVersion } from '../../platform/versions.js';
import { RoleEntity } from '../roles/role.entity.js';
import { endSessions } from '../sessions/end-sessions.js';
import { ApplicationEntity } from './application.entity.js';
import {
  type ApplicationView,
  type ChangeApplicationBody,
  type CreateApplicationBody,
  toApplicationView,
} from './applications.dto.js';
import { originFaults } from './origin-rules.js';

@Injectable()
export class ApplicationsService {
  constructor(
    private readonly database: Database,
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
  ) {}

  async list(principal: Principal, query: PageQuery): Promise<Page<ApplicationView>> {
    const after = keyOfCursor(query.cursor);
    const rows = await this.database.read.find(ApplicationEntity, {
      where: { tenantId: principal.tenantId, ...(after === null ? {} : { id: MoreThan(after) }) },
      order: { id: 'ASC' },
      take: query.limit + 1,
    });
    return pageOf(rows, query.limit, (row) => row.id, toApplicationView);
  }

  async get(principal: Principal, id: string): Promise<ApplicationView> {
    return toApplicationView(await loadApplication(this.database.read, principal, id));
  }

  async create(principal: Principal, body: CreateApplicationBody): Promise<ApplicationView> {
    return this.refusingTakenAudience(body.audience, async (tx) => {
      const now = this.clock.now();
      const application: ApplicationEntity = {
        id: newId(),
        tenantId: principal.tenantId,
        name: body.name,
        audience: body.audience,
        origins: body.origins ?? [],
        roles: body.roles ?? null,
        isDefault: false,
        version: 1,
        createdAt: now,
        updatedAt: now,
      };
      await checkReferences(tx, application);
      await tx.insert(ApplicationEntity, application);
      const fields = ['name', 'audience', 'origins', 'roles'];
      await this.ledger.record(tx, [eventOf('application.created', application, principal, fields)]);
      return toApplicationView(application);
    });
  }

  async change(
    principal: Principal,
    id: string,
    body: ChangeApplicationBody,
    ifMatch: string | undefined,
  ): Promise<ApplicationView> {
    return this.refusingTakenAudience(body.audience, async (tx) => {
      const before = await loadApplication(tx, principal, id);
      checkVersion(ifMatch, before.version);
      if (body.isDefault === false && before.isDefault) {
        throw new Problem('conflict', 'One application is the default: make another one the default instead.');
      }
      const after: ApplicationEntity = {
        ...before,
        name: body.name ?? before.name,
        audience: body.audience ?? before.audience,
        origins: body.origins ?? before.origins,
        roles: body.roles === undefined ? before.roles : body.roles,
        isDefault: body.isDefault ?? Boolean(before.isDefault),
      };
      await checkReferences(tx, after);
      const fields = changedFields(before, after);
      if (fields.length === 0) return toApplicationView(before);
      after.version += 1;
      after.updatedAt = this.clock.now();
      const events = [eventOf('application.updated', after, principal, fields)];
      if (after.isDefault && !before.isDefault) events.unshift(...(await this.unsetDefault(tx, principal, after)));
      await writeApplication(tx, after, before.version);
      await this.ledger.record(tx, events);
      return toApplicationView(after);
    });
  }

  /** Removes an application; sessions that were opened for it end. The default one stays: throws `built_in`. */
  async remove(principal: Principal, id: string, ifMatch: string | undefined): Promise<void> {
    await this.database.transaction(async (tx) => {
      const application = await loadApplication(tx, principal, id);
      checkVersion(ifMatch, application.version);
      const { affected } = await tx.delete(ApplicationEntity, { id, version: application.version, isDefault: false });
      if (affected !== 1) {
        if (application.isDefault) throw new Problem('built_in', "The tenant's default application cannot be deleted.");
        throw new Problem('version_conflict');
      }
      await endSessions(tx, 'applicationId', [id], 'deleted', this.clock.now());
      await this.ledger.record(tx, [eventOf('application.deleted', application, principal, [])]);
    });
  }

  private async unsetDefault(tx: EntityManager, principal: Principal, next: ApplicationEntity): Promise<NewEvent[]> {
    const events: NewEvent[] = [];
    for (const old of await tx.findBy(ApplicationEntity, { tenantId: principal.tenantId, isDefault: true })) {
      const changed = { ...old, isDefault: false, version: old.version + 1, updatedAt: next.updatedAt };
      await writeApplication(tx, changed, old.version);
      events.push(eventOf('application.updated', changed, principal, ['isDefault']));
    }
    return events;
  }

  private async refusingTakenAudience<T>(audience: string | undefined, work: (tx: EntityManager) => Promise<T>) {
    try {
      return await this.database.transaction(work);
    } catch (error) {
      if (duplicateOf(error) === null) throw error;
      throw new Problem('name_taken', `Another application of the tenant has the audience ${audience}.`, {
        faults: [{ pointer: '/audience', detail: 'is taken' }],
      });
    }
  }
}

async function loadApplication(manager: EntityManager, principal: Principal, id: string): Promise<ApplicationEntity> {
  const application = await manager.findOneBy(ApplicationEntity, { id, tenantId: principal.tenantId });
  if (!application) throw new Problem('not_found');
  return application;
}

async function checkReferences(tx: EntityManager, application: ApplicationEntity): Promise<void> {
  const faults: Fault[] = originFaults(application.origins);
  const keys = application.roles ?? [];
  if (keys.length > 0) {
    const found = await tx.findBy(RoleEntity, { tenantId: application.tenantId, key: In(keys) });
    const known = new Set(found.map((role) => role.key));
    keys.forEach((key, index) => {
      if (!known.has(key)) faults.push({ pointer: `/roles/${index}`, detail: `there is no role ${key}` });
    });
  }
  if (faults.length > 0) throw new Problem('invalid_request', undefined, { faults });
}

function changedFields(before: ApplicationEntity, after: ApplicationEntity): string[] {
  const fields: string[] = [];
  if (before.name !== after.name) fields.push('name');
  if (before.audience !== after.audience) fields.push('audience');
  if (JSON.stringify(before.origins) !== JSON.stringify(after.origins)) fields.push('origins');
  if (JSON.stringify(before.roles) !== JSON.stringify(after.roles)) fields.push('roles');
  if (Boolean(before.isDefault) !== after.isDefault) fields.push('isDefault');
  return fields;
}

async function writeApplication(tx: EntityManager, row: ApplicationEntity, fromVersion: number): Promise<void> {
  const { name, audience, origins, roles, isDefault, version, updatedAt } = row;
  const { affected } = await tx.update(
    ApplicationEntity,
    { id: row.id, version: fromVersion },
    { name, audience, origins, roles, isDefault, version, updatedAt },
  );
  if (affected !== 1) throw new Problem('version_conflict');
}

function eventOf(type: string, row: ApplicationEntity, principal: Principal, fields: string[]): NewEvent {
  return {
    tenantId: row.tenantId,
    type,
    subject: { type: 'application', id: row.id, version: row.version },
    actor: actorOf(principal),
    via: 'rest',
    fields,
  };
}
