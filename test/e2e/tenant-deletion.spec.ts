import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { EntityManager } from 'typeorm';
import { EventEntity } from '../../src/ledger/event.entity.js';
import { numberEvents } from '../../src/ledger/number-events.js';
import { Sequencer } from '../../src/ledger/sequencer.js';
import type { Database } from '../../src/platform/database.js';
import { newId } from '../../src/platform/ids.js';
import { FirstStartService } from '../../src/records/local-admins/first-start.service.js';
import { LocalPasswordEntity } from '../../src/records/local-admins/local-password.entity.js';
import { TenantDeletionService } from '../../src/records/tenants/tenant-deletion.service.js';
import { TenantEntity } from '../../src/records/tenants/tenant.entity.js';
import { tenantTables } from '../../src/records/tenants/tenant-tables.js';
import { shape } from '../../src/tables.js';
import type { HttpClient } from '../support/http-client.js';
import { seedConnection, seedGrants, seedIdentity, seedTenant } from '../support/seed.js';
import { startApp, type TestApp } from '../support/start-app.js';

const OPERATOR = ['tenants:read', 'tenants:write', 'tenants:access'];

describe('deleting a tenant', () => {
  let rollcall: TestApp;
  let platformId: string;
  let operator: HttpClient;
  beforeAll(async () => {
    rollcall = await startApp();
    await rollcall.app.get(FirstStartService).createLink();
    platformId = (await rollcall.database.read.findOneByOrFail(TenantEntity, { slug: 'platform' })).id;
    operator = await rollcall.clientWith(platformId, OPERATOR);
  });
  afterAll(() => rollcall.stop());

  const eventsOf = async (tenantId: string, type: string) =>
    rollcall.database.read.findBy(EventEntity, { tenantId, type });

  it('deleted, nothing of it is left but the word in the operators’ ledger', async () => {
    const id = await seedFullTenant(rollcall, 'gone', 1100);
    const keep = await seedFullTenant(rollcall, 'kept', 3);
    await rollcall.app.get(Sequencer).catchUp();
    const before = await countAll(rollcall, keep);
    expect(await operator.delete(`/tenants/${id}`)).toMatchObject({
      status: 409,
      body: { code: 'tenant_in_use', inUse: { users: 1100, connections: 1 } },
    });
    expect((await operator.get(`/tenants/${id}`)).body.status).toBe('active');
    expect((await operator.delete(`/tenants/${id}?force=true`)).status).toBe(204);
    expect(await countAll(rollcall, id)).toEqual({});
    expect(await countAll(rollcall, keep)).toEqual(before);
    for (const table of ['identity_traces', 'idempotency_keys']) {
      const rows: { n: number | string }[] = await rollcall.database.read.query(`SELECT COUNT(*) AS n FROM ${table}`);
      expect(`${table} ${rows[0]?.n}`).toBe(`${table} ${table === 'idempotency_keys' ? 1 : 3}`);
    }
    expect((await operator.get(`/tenants/${id}`)).status).toBe(404);
    expect((await operator.delete(`/tenants/${id}`)).status).toBe(404);
    const told = await rollcall.database.read.findBy(EventEntity, { tenantId: platformId, subjectId: id });
    expect(told.map((event) => event.type).sort()).toEqual([
      'tenant.created',
      'tenant.deleted',
      'tenant.deletion_started',
    ]);
  });

  it('a deletion that was cut off refuses its keys, and goes on at the next start', async () => {
    const id = await seedFullTenant(rollcall, 'halfway', 3);
    const key = await rollcall.clientWith(id, ['roles:read']);
    await rollcall.database.transaction((tx) => tx.update(TenantEntity, { id }, { status: 'deleting' }));
    expect((await key.get('/roles')).status).toBe(401);
    expect((await operator.post(`/tenants/${id}/resume`)).status).toBe(409);
    const deletion = rollcall.app.get(TenantDeletionService);
    await Promise.all([deletion.resumeAll(), deletion.resumeAll()]);
    expect(await countAll(rollcall, id)).toEqual({});
    expect(await eventsOf(platformId, 'tenant.deleted')).toHaveLength(2);
  });

  it('a sequencer that found its events before they were deleted makes no head for it again', async () => {
    const { id } = await seedTenant(rollcall, 'overtaken');
    await rollcall.database.transaction((tx) => tx.update(TenantEntity, { id }, { status: 'deleting' }));
    const deletions: Promise<void>[] = [];
    const { database } = rollcall;
    const overtaken = asDatabase({
      transaction: <T>(work: (tx: EntityManager) => Promise<T>) =>
        database.transaction(async (tx) => {
          const query = tx.query.bind(tx);
          tx.query = async (sql: string, values?: unknown[]) => {
            const rows: unknown = await query(sql, values);
            // The first question: whose events wait. On SQLite the deletion then waits for this transaction.
            if (deletions.length === 0) {
              deletions.push(rollcall.app.get(TenantDeletionService).resumeAll());
              await Promise.race([...deletions, new Promise((resolve) => setTimeout(resolve, 2000))]);
            }
            return rows as never;
          };
          return work(tx);
        }),
    });
    await numberEvents(overtaken, 1000);
    expect(deletions).toHaveLength(1);
    await Promise.all(deletions);
    expect(await countAll(rollcall, id)).toEqual({});
  });

  it('a deletion knows every table that holds rows of a tenant', () => {
    const emptied = new Set(
      tenantTables.flatMap((each) => [each.table, ...(each.children ?? []).map((child) => child.table)]),
    );
    const known = new Set(rollcall.database.read.connection.entityMetadatas.map((each) => each.tableName));
    const notOfATenant = ['tenants', 'signing_keys', 'leases'];
    expect([...known].filter((table) => !emptied.has(table)).sort()).toEqual(notOfATenant.sort());
    expect([...emptied].filter((table) => !known.has(table))).toEqual([]);
    expect(shape.entities.length).toBe(known.size);
  });
});

function asDatabase(part: Pick<Database, 'transaction'>): Database {
  return part as Database;
}

async function seedFullTenant(rollcall: TestApp, slug: string, users: number): Promise<string> {
  const { id: tenantId } = await seedTenant(rollcall, slug);
  const connectionId = await seedConnection(rollcall, tenantId);
  await rollcall.clientWith(tenantId, ['roles:read'], connectionId);
  const ids = Array.from({ length: users }, () => newId());
  const values = (row: (id: string) => string) => ids.map(row).join(',');
  await rollcall.database.transaction(async (tx) => {
    await tx.query(
      `INSERT INTO users (id, tenantId, emailVerified, attributes, suspended, version, createdAt, updatedAt)
       VALUES ${values((id) => `('${id}', '${tenantId}', 0, '{}', 0, 1, 1, 1)`)}`,
    );
    await tx.query(
      `INSERT INTO identity_traces (connectionId, subjectHash, notBefore, expiresAt)
       VALUES ${values((id) => `('${connectionId}', '${id}', 1, 1)`)}`,
    );
    await tx.query(
      `INSERT INTO mapping_versions (connectionId, version, tenantId, mapping, savedBy, savedAt)
       VALUES ('${connectionId}', 1, '${tenantId}', '{}', 'x', 1), ('${newId()}', 1, '${tenantId}', '{}', 'x', 1)`,
    );
    await tx.query(
      `INSERT INTO idempotency_keys (principalId, requestKey, requestHash, heldUntil, expiresAt)
       VALUES ('${ids[0]}', 'k', 'h', 1, 1)`,
    );
    await tx.insert(LocalPasswordEntity, {
      userId: ids[0] ?? '',
      tenantId,
      userNameKey: 'x',
      passwordHash: '',
      guesses: { allUntil: 0, networks: [] },
      updatedAt: 1,
    });
  });
  for (const userId of ids.slice(0, 2)) {
    const identityId = await seedIdentity(rollcall, { tenantId, userId, connectionId });
    await seedGrants(rollcall, [{ tenantId, userId, role: 'viewer', identityId, connectionId }]);
  }
  return tenantId;
}

/** How many rows each table holds of a tenant, or of its only connection; tables with none are left out. */
async function countAll(rollcall: TestApp, tenantId: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const entity of rollcall.database.read.connection.entityMetadatas) {
    const column = ['tenantId', 'connectionId'].find((name) => entity.findColumnWithPropertyName(name));
    if (column === undefined) continue;
    const through = column === 'tenantId' ? '= ?' : 'IN (SELECT id FROM connections WHERE tenantId = ?)';
    const rows: { n: number | string }[] = await rollcall.database.read.query(
      `SELECT COUNT(*) AS n FROM ${entity.tableName} WHERE ${column} ${through}`,
      [tenantId],
    );
    const n = Number(rows[0]?.n);
    if (n > 0) counts[entity.tableName] = n;
  }
  return counts;
}
