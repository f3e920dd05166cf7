import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readStated } from '../../src/plan/facts.js';
import { Problem } from '../../src/platform/problem.js';
import { newId } from '../../src/platform/ids.js';
import { ProvisioningService } from '../../src/provisioning/provisioning.service.js';
import type { Drafted, RowSet, Scene, Submission } from '../../src/provisioning/submission.js';
import { seedConnection } from '../support/seed-connection.js';
import { seedTenant } from '../support/seed.js';
import { startApp, type TestApp } from '../support/start-app.js';

let rollcall: TestApp;
let provisioning: ProvisioningService;
let tenantId: string;
let connectionId: string;

beforeAll(async () => {
  rollcall = await startApp();
  provisioning = rollcall.app.get(ProvisioningService);
  tenantId = (await seedTenant(rollcall, 'acme')).id;
  connectionId = await seedConnection(rollcall, tenantId, 'acme-idp');
});
afterAll(() => rollcall.stop());

const statementOf = (fields: Record<string, string>) => ({
  connectionId,
  voice: 'push' as const,
  at: 0,
  newest: true,
  externalId: 'counter',
  subject: null,
  fields,
  overage: [],
  complete: false,
});

const submissionOf = (draft?: (scene: Scene) => Drafted): Submission => ({
  tenantId,
  statement: statementOf({ 'attributes.count': '0', userName: 'counter' }),
  ...(draft ? { draft } : {}),
  purpose: 'push',
  via: 'scim',
  actor: { type: 'api-key', id: newId() },
});

const countUp = ({ directory }: Scene): Drafted => {
  const found = directory.findByExternalId(connectionId, 'counter');
  const count = Number(readStated(found?.identity.facts.push ?? null, 'attributes.count')?.value);
  return { statement: statementOf({ 'attributes.count': String(count + 1) }) };
};

const emailSet = (identityId: string, keys: readonly string[], isFirst: boolean): RowSet => ({
  table: 'scim_emails',
  by: ['identityId'],
  values: [identityId],
  columns: ['identityId', 'valueKey', 'tenantId', 'connectionId'],
  rows: keys.map((key) => [identityId, key, tenantId, connectionId]),
  isFirst,
});

describe('a draft', () => {
  it('sees what the statements before it made of the person, so that 40 at once count to 40', async () => {
    await provisioning.submit(submissionOf());
    await Promise.all(Array.from({ length: 40 }, () => provisioning.submit(submissionOf(countUp))));
    const rows = await rollcall.database.read.query('SELECT facts FROM identities WHERE externalId = ?', ['counter']);
    expect(JSON.parse(rows[0].facts).push.values['attributes.count']).toBe('40');
  });

  it('that answers a problem fails alone and changes nothing', async () => {
    const problem = new Problem('version_conflict');
    const settled = await Promise.all([
      provisioning.submit(submissionOf(() => ({ problem }))),
      provisioning.submit(submissionOf(countUp)),
    ]);
    expect(settled.map(({ kind }) => kind)).toEqual(['failed', 'planned']);
    expect(settled[0]).toMatchObject({ problem });
  });

  it('is given what was loaded beside the persons, in one read for the whole batch', async () => {
    const counts: number[] = [];
    const seen: unknown[] = [];
    const beside = {
      load: async (_manager: unknown, submissions: readonly Submission[]) => {
        counts.push(submissions.length);
        return 'beside';
      },
    };
    const draft = ({ extra }: Scene): Drafted => {
      seen.push(extra);
      return { problem: new Problem('not_found') };
    };
    await provisioning.plan([
      { ...submissionOf(draft), beside },
      { ...submissionOf(draft), beside },
    ]);
    expect(counts).toEqual([2]);
    expect(seen).toEqual(['beside', 'beside']);
  });
});

describe('rows that are set beside a person', () => {
  it('replace those that were there, and of two settings in one batch the last one counts', async () => {
    const id = newId();
    const keysNow = async () => {
      const sql = 'SELECT valueKey FROM scim_emails WHERE identityId = ? ORDER BY valueKey';
      return (await rollcall.database.read.query(sql, [id])).map((row: { valueKey: string }) => row.valueKey);
    };
    const settingOf = (keys: string[], isFirst: boolean): Submission => ({
      ...submissionOf(countUp),
      conclude: () => ({ rows: [], sets: [emailSet(id, keys, isFirst)], events: [] }),
    });
    await provisioning.submitChunk(tenantId, [settingOf(['a'], true), settingOf(['b', 'c'], false)]);
    expect(await keysNow()).toEqual(['b', 'c']);
    await provisioning.submit(settingOf(['d'], false));
    expect(await keysNow()).toEqual(['d']);
    await provisioning.submit(settingOf([], false));
    expect(await keysNow()).toEqual([]);
  });
});
