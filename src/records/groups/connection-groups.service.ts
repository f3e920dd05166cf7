import { Injectable } from '@nestjs/common';
import { MoreThan } from 'typeorm';
import { findGroupGifts } from '../../plan/group-gifts.js';
import type { Principal } from '../../platform/access.js';
import { Database } from '../../platform/database.js';
import type { PageQuery } from '../../platform/page-query.dto.js';
import { keyOfCursor, type Page, pageOf } from '../../platform/paging.js';
import { selectByKeys } from '../../platform/sql.js';
import { getConnection } from '../connections/connection-rows.js';
import { compilePolicy } from '../connections/load-policies.js';
import { loadRoleCatalogue } from '../roles/role-catalogue.js';
import { ConnectionGroupView } from './connection-groups.dto.js';
import { ScimGroupEntity } from './group.entity.js';

/** Shows an admin which groups a connection has pushed, and what comes of them. */
@Injectable()
export class ConnectionGroupsService {
  constructor(private readonly database: Database) {}

  /** A page of the connection's groups by name. Throws `not_found`. */
  async list(principal: Principal, connectionId: string, page: PageQuery): Promise<Page<ConnectionGroupView>> {
    const manager = this.database.read;
    const connection = await getConnection(manager, principal, connectionId);
    const policy = compilePolicy(connection, await loadRoleCatalogue(manager, connection.tenantId));
    const rows = await manager.find(ScimGroupEntity, {
      where: { connectionId, displayNameKey: MoreThan(keyOfCursor(page.cursor) ?? '') },
      order: { displayNameKey: 'ASC' },
      take: page.limit + 1,
    });
    const members = await this.countMembers(rows.slice(0, page.limit).map(({ id }) => id));
    return pageOf(
      rows,
      page.limit,
      (row) => row.displayNameKey,
      (row) => {
        const knownAs = row[policy?.mapping.groupKey ?? 'displayName'];
        const gifts = policy ? findGroupGifts(policy, knownAs) : { gives: [], depends: [] };
        return ConnectionGroupView.toView(row, knownAs, members.get(row.id) ?? 0, gifts);
      },
    );
  }

  private async countMembers(groupIds: readonly string[]): Promise<Map<string, number>> {
    const rows = await selectByKeys(
      this.database.read,
      (keys) => `SELECT groupId, COUNT(*) AS size FROM scim_members WHERE groupId IN ${keys} GROUP BY groupId`,
      [],
      groupIds,
    );
    return new Map(rows.map(({ groupId, size }) => [String(groupId), Number(size)]));
  }
}
