import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readConfig } from '../../src/platform/config.js';
import { newId } from '../../src/platform/ids.js';
import { openDatabase } from '../../src/platform/open-database.js';
import { ApiKeyEntity } from '../../src/records/api-keys/api-key.entity.js';
import { createKey } from '../../src/records/api-keys/key-format.js';
import { TenantEntity } from '../../src/records/tenants/tenant.entity.js';
import { shape } from '../../src/tables.js';
import { createScratchDatabase, engine, type ScratchDatabase } from '../support/databases.js';
import { HttpClient } from '../support/http-client.js';
import { type ServiceProcess, startProcess } from '../support/start-process.js';

// The embedded database serves one instance (the configuration refuses more), so that with it this is one process that
// stands for both; on a database server there are two.
describe('several processes on one database', () => {
  let scratch: ScratchDatabase;
  let processes: ServiceProcess[];
  let key: string;
  const links: string[] = [];
  beforeAll(async () => {
    scratch = await createScratchDatabase();
    processes = [await startProcess(scratch.env)];
    if (engine === 'mysql') processes.push(await startProcess(scratch.env));
    for (const each of processes) links.push(await each.output(/http\S+\/setup#token=[\w-]{43}(?=\n)/));
    key = await writeOperatorKey(scratch);
  }, 60_000);
  afterAll(async () => {
    await Promise.all(processes.map((each) => each.stop()));
    await scratch.drop();
  }, 60_000);

  it('each prints a one-time link that leads to it, and in the end one operator comes of them', async () => {
    expect(links.map((link) => new URL(link).origin)).toEqual(processes.map((each) => each.url));
    const answers = await Promise.all(
      links.map((link, index) =>
        new HttpClient(new URL(link).origin).post('/setup', {
          token: link.split('#token=')[1],
          userName: `root-${index}`,
          password: 'correct horse battery',
        }),
      ),
    );
    expect(answers.map((answer) => answer.status).sort()).toEqual(engine === 'mysql' ? [201, 410] : [201]);
  });

  it('a key that is revoked on one is refused on the other within 2 seconds', async () => {
    const [here, there] = [processes[0], processes.at(-1)].map((each) => new HttpClient(each?.url ?? '', key));
    const made = await here?.post('/api-keys', { name: 'x', scopes: ['api-keys:read'] });
    const other = there?.as(String(made?.body.key));
    expect((await other?.get('/api-keys'))?.status).toBe(200);
    const revokedAt = Date.now();
    expect((await here?.delete(`/api-keys/${String(made?.body.id)}`))?.status).toBe(204);
    expect((await other?.get('/api-keys'))?.status).toBe(401);
    expect(Date.now() - revokedAt).toBeLessThan(2000);
  });
});

async function writeOperatorKey(scratch: ScratchDatabase): Promise<string> {
  const database = await openDatabase(readConfig({ NODE_ENV: 'test', ...scratch.env }), shape);
  const { key, keyId, secretHash } = createKey();
  const platform = await database.read.findOneByOrFail(TenantEntity, { slug: 'platform' });
  await database.transaction((tx) =>
    tx.insert(ApiKeyEntity, {
      id: newId(),
      tenantId: platform.id,
      keyId,
      secretHash,
      name: 'test',
      scopes: ['api-keys:read', 'api-keys:write'],
      connectionId: null,
      expiresAt: null,
      revokedAt: null,
      lastUsedAt: null,
      operatorOf: null,
      createdBy: newId(),
      createdAt: 1,
    }),
  );
  await database.onApplicationShutdown();
  return key;
}
