import { describe, expect, it } from '@jest/globals';
import { LoginFailures } from '../../src/ledger/login-failures.js';
import { readConfig } from '../../src/platform/config.js';
import { newId } from '../../src/platform/ids.js';
import { openDatabase } from '../../src/platform/open-database.js';
import { shape } from '../../src/tables.js';
import { createScratchDatabase } from '../support/databases.js';
import { insertTenant } from '../support/ledger-tenants.js';
import { startApp } from '../support/start-app.js';

describe('a graceful shutdown', () => {
  it('answers a reader that waits, promptly', async () => {
    const another = await startApp();
    const reader = await another.clientWith(await insertTenant(another.database), ['events:read']);
    const waiting = reader.get('/events?wait=60');
    // The next answer shows that the request before it was taken in.
    await reader.get('/events');
    const started = performance.now();
    const [answer] = await Promise.all([waiting, another.stop()]);
    expect(answer.body).toEqual({ items: [], position: 0, head: 0 });
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  it('loses no refused login, nor any count of them', async () => {
    const scratch = await createScratchDatabase();
    const another = await startApp(scratch.env);
    const tenantId = newId();
    const failures = another.app.get(LoginFailures);
    for (let index = 0; index < 50; index++) {
      failures.note({ tenantId, connectionId: 'c', userId: null, reason: 'expired', address: '192.0.2.1' });
    }
    await another.stop();
    const database = await openDatabase(readConfig(scratch.env), shape);
    const rows: { type: string; reason: string }[] = await database.read.query(
      'SELECT type, reason FROM events WHERE tenantId = ? ORDER BY id',
      [tenantId],
    );
    await database.close();
    await scratch.drop();
    expect(rows).toHaveLength(21);
    expect(rows.at(-1)).toMatchObject({ type: 'login.refused_many', reason: 'expired ×30' });
  });
});
