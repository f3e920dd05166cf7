import { Injectable } from '@nestjs/common';
import { LessThan, LessThanOrEqual } from 'typeorm';
import type { Principal } from '../../platform/access.js';
import { Database } from '../../platform/database.js';
import type { PageQuery } from '../../platform/page-query.dto.js';
import { keyOfCursor } from '../../platform/paging.js';
import { Problem } from '../../platform/problem.js';
import { getConnection } from './connection-rows.js';
import { MappingVersionEntity } from './connection.entity.js';

/** What connections were: every mapping that was in force, so that an old grant's reason can be read. */
@Injectable()
export class ConnectionHistoryService {
  constructor(private readonly database: Database) {}

  /** Rows of the page, newest first, and one more if there is another page. */
  async list(principal: Principal, id: string, page: PageQuery): Promise<MappingVersionEntity[]> {
    await getConnection(this.database.read, principal, id);
    const before = Number(keyOfCursor(page.cursor) ?? Number.MAX_SAFE_INTEGER);
    return this.database.read.find(MappingVersionEntity, {
      where: { connectionId: id, ...(Number.isInteger(before) ? { version: LessThan(before) } : {}) },
      order: { version: 'DESC' },
      take: page.limit + 1,
    });
  }

  async get(principal: Principal, id: string, version: string): Promise<MappingVersionEntity> {
    const connection = await getConnection(this.database.read, principal, id);
    const wanted = /^[1-9]\d{0,8}$/.test(version) ? Number(version) : 0;
    const row =
      wanted > connection.mappingVersion
        ? null
        : await this.database.read.findOne(MappingVersionEntity, {
            where: { connectionId: id, version: LessThanOrEqual(wanted) },
            order: { version: 'DESC' },
          });
    if (row?.version !== wanted) throw new Problem('not_found', 'This mapping has no such version.');
    return row;
  }
}
