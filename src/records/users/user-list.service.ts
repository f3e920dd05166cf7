import { Injectable } from '@nestjs/common';
import type { Principal } from '../../platform/access.js';
import { Clock } from '../../platform/clock.js';
import { Database } from '../../platform/database.js';
import { cursorAfter } from '../../platform/paging.js';
import { selectRows } from '../../platform/sql.js';
import { loadPersons } from './person-loader.js';
import { readUserCursor, selectUserPage, toCursorKey } from './user-page.js';
import type { UserPage } from './user-view.dto.js';
import { toUserView } from './user-view.js';
import type { ListUsersQuery } from './users.dto.js';

/** The list of users: five reads a page, however many users are on it. */
@Injectable()
export class UserListService {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  async list(principal: Principal, query: ListUsersQuery): Promise<UserPage> {
    const { sort, order, limit, cursor, active, suspended, ...filters } = query;
    const { tenantId } = principal;
    const now = this.clock.now();
    const after = readUserCursor(cursor, sort, order);
    const listing = { ...filters, tenantId, sort, order, now, active: toFlag(active), suspended: toFlag(suspended) };
    const { sql, values } = selectUserPage(listing, after, limit + 1);
    const rows = await selectRows(this.database.read, sql, values);
    const shown = rows.slice(0, limit).map((row) => ({ id: String(row.id), value: placeOf(row.place) }));
    const ids = shown.map(({ id }) => id);
    const { persons } = await loadPersons(this.database.read, tenantId, ids);
    const last = shown.at(-1);
    return {
      items: ids.flatMap((id) => {
        const person = persons.get(id);
        return person ? [toUserView(person, now)] : [];
      }),
      cursor: rows.length > limit && last ? cursorAfter(toCursorKey(sort, order, last)) : null,
    };
  }
}

function toFlag(text: 'true' | 'false' | undefined): boolean | undefined {
  return text === undefined ? undefined : text === 'true';
}

function placeOf(value: unknown): string | number | null {
  return typeof value === 'string' || typeof value === 'number' ? value : null;
}
