import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { LedgerService, SYSTEM } from '../../ledger/ledger.service.js';
import { Clock } from '../../platform/clock.js';
import { Database } from '../../platform/database.js';
import { type BuiltInRole, builtInRoles, operatorRole } from '../../platform/permissions.js';
import { forUpdate } from '../../platform/row-locks.js';
import { execute, placeholders, selectRows } from '../../platform/sql.js';

const ROLES_IN_ONE_TRANSACTION = 200;

/** Brings the built-in roles of every tenant to what this version says of them: a new version knows more permissions. */
@Injectable()
export class BuiltInRolesService implements OnApplicationBootstrap {
  private readonly logger = new Logger(BuiltInRolesService.name);

  constructor(
    private readonly database: Database,
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const count = await this.refresh();
    if (count > 0) this.logger.log(`${count} built-in roles were brought up to date`);
  }

  /** Returns how many roles were changed. Safe on several instances at once, and may be cut off anywhere. */
  async refresh(): Promise<number> {
    let count = 0;
    for (const role of [...builtInRoles, operatorRole]) {
      for (;;) {
        const changed = await this.refreshSome(role);
        count += changed;
        if (changed === 0) break;
      }
    }
    return count;
  }

  private refreshSome({ key, name, description, permissions }: BuiltInRole): Promise<number> {
    return this.database.transaction(async (tx) => {
      const wanted = [name, description, JSON.stringify(permissions)];
      const outdated = await selectRows(
        tx,
        `SELECT id, tenantId, version, name, description, permissions FROM roles
         WHERE roleKey = ? AND builtIn = ? AND NOT (name = ? AND description = ? AND permissions = ?)
         ORDER BY id LIMIT ${ROLES_IN_ONE_TRANSACTION}${forUpdate(tx)}`,
        [key, 1, ...wanted],
      );
      if (outdated.length === 0) return 0;
      await execute(
        tx,
        `UPDATE roles SET name = ?, description = ?, permissions = ?, version = version + 1, updatedAt = ?
         WHERE id IN ${placeholders(outdated.length)}`,
        [...wanted, this.clock.now(), ...outdated.map((row) => row.id ?? null)],
      );
      await this.ledger.record(
        tx,
        outdated.map((row) => ({
          tenantId: String(row.tenantId),
          type: 'role.updated',
          subject: { type: 'role', id: String(row.id), version: Number(row.version) + 1 },
          actor: SYSTEM,
          via: 'system',
          fields: (['name', 'description', 'permissions'] as const).filter((field, at) => row[field] !== wanted[at]),
        })),
      );
      return outdated.length;
    });
  }
}
