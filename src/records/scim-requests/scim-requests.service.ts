import { Injectable } from '@nestjs/common';
import type { Principal } from '../../platform/access.js';
import { parseTime } from '../../platform/clock.js';
import { Database } from '../../platform/database.js';
import { keyOfCursor } from '../../platform/paging.js';
import { Problem } from '../../platform/problem.js';
import { getConnection } from '../connections/connection-rows.js';
import { ScimRequestEntity } from './scim-request.entity.js';
import type { ScimRequestQuery } from './scim-requests.dto.js';

@Injectable()
export class ScimRequestsService {
  constructor(private readonly database: Database) {}

  /** Rows of the page, newest first, and one more if there is another page. */
  async list(principal: Principal, connectionId: string, query: ScimRequestQuery): Promise<ScimRequestEntity[]> {
    const since = query.since === undefined ? undefined : parseTime(query.since);
    if (since === null) {
      const faults = [{ pointer: '?since', detail: 'since must be an RFC 3339 date-time' }];
      throw new Problem('invalid_request', undefined, { faults });
    }
    const { id } = await getConnection(this.database.read, principal, connectionId);
    const find = this.database.read
      .createQueryBuilder(ScimRequestEntity, 'request')
      .where('request.connectionId = :id', { id })
      .orderBy('request.id', 'DESC')
      .take(query.limit + 1);
    if (since !== undefined) find.andWhere('request.at >= :since', { since });
    if (query.status === 'refused') find.andWhere('request.problem IS NOT NULL');
    else if (query.status !== undefined) {
      const from = Number(query.status.slice(0, 1)) * 100;
      find.andWhere('request.status BETWEEN :from AND :to', { from, to: from + 99 });
    }
    const before = keyOfCursor(query.cursor);
    if (before !== null) find.andWhere('request.id < :before', { before });
    return find.getMany();
  }
}
