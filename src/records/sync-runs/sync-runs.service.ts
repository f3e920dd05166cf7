import { Injectable } from '@nestjs/common';
import type { Principal } from '../../platform/access.js';
import { Database } from '../../platform/database.js';
import { isId } from '../../platform/ids.js';
import { keyOfCursor } from '../../platform/paging.js';
import { Problem } from '../../platform/problem.js';
import { RunEntity } from './run.entity.js';
import type { RunQuery } from './sync-runs.dto.js';

@Injectable()
export class SyncRunsService {
  constructor(private readonly database: Database) {}

  /** Rows of the page, newest first, and one more if there is another page. A bound key sees its connection's alone. */
  list(principal: Principal, query: RunQuery): Promise<RunEntity[]> {
    const find = this.database.read
      .createQueryBuilder(RunEntity, 'run')
      .where('run.tenantId = :tenantId', { tenantId: principal.tenantId })
      .orderBy('run.startedAt', 'DESC')
      .addOrderBy('run.id', 'DESC')
      .take(query.limit + 1);
    if (principal.connectionId !== null) find.andWhere('run.connectionId = :bound', { bound: principal.connectionId });
    if (query.connection) find.andWhere('run.connectionId = :connection', { connection: query.connection });
    if (query.kind) find.andWhere('run.kind = :kind', { kind: query.kind });
    if (query.status) find.andWhere('run.status = :status', { status: query.status });
    const [at, id] = keyOfCursor(query.cursor)?.split(' ') ?? [];
    if (at !== undefined && id !== undefined) {
      const before = { at: Number(at), id };
      find.andWhere('(run.startedAt < :at OR (run.startedAt = :at AND run.id < :id))', before);
    }
    return find.getMany();
  }

  async get(principal: Principal, id: string): Promise<RunEntity> {
    const { tenantId, connectionId } = principal;
    const bound = connectionId === null ? {} : { connectionId };
    const row = isId(id) ? await this.database.read.findOneBy(RunEntity, { id, tenantId, ...bound }) : null;
    if (!row) throw new Problem('not_found', 'There is no such run.');
    return row;
  }
}
