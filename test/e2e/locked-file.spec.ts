import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { EntityManager } from 'typeorm';
import { readConfig } from '../../src/platform/config.js';
import type { Database } from '../../src/platform/database.js';
import { newId } from '../../src/platform/ids.js';
import { LeaseEntity } from '../../src/platform/lease.entity.js';
import { openDatabase } from '../../src/platform/open-database.js';
import { shape } from '../../src/tables.js';
import { createScratchDatabase, engine, type ScratchDatabase } from '../support/databases.js';

// What a command beside the service does to it. A database server locks rows, not the whole: it stands the same there.
describe('two processes that write to one database', () => {
  let scratch: ScratchDatabase;
  let service: Database;
  let command: Database;
  beforeAll(async () => {
    scratch = await createScratchDatabase();
    const open = () => openDatabase(readConfig({ NODE_ENV: 'test', ...scratch.env }), shape);
    service = await open();
    await service.migrate();
    command = await open();
  }, 60_000);
  afterAll(async () => {
    await service.close();
    await command.close();
    await scratch.drop();
  });

  const count = (database: EntityManager) => database.count(LeaseEntity);
  const write = (tx: EntityManager) => tx.insert(LeaseEntity, { name: newId(), holder: newId(), until: 1 });

  it('each in the middle of what the other does: nothing fails, and nothing is lost', async () => {
    const before = await count(service.read);
    await Promise.all(
      Array.from({ length: 60 }, (_, n) =>
        (n % 2 === 0 ? service : command).transaction(async (tx) => {
          await count(tx);
          await new Promise((resolve) => setImmediate(resolve));
          await write(tx);
        }),
      ),
    );
    expect((await count(service.read)) - before).toBe(60);
  });

  it('a transaction that has read is not overtaken before it writes, and the next ones go on', async () => {
    let overtaker: Promise<unknown> = Promise.resolve();
    for (let round = 0; round < 10; round++) {
      await service.transaction(async (tx) => {
        await count(tx);
        overtaker = command.transaction(write);
        await new Promise((resolve) => setImmediate(resolve));
        await write(tx);
      });
      await overtaker;
      await service.transaction(write);
    }
  });

  if (engine === 'mysql') return;

  it('a connection whose view has grown old is opened anew, not used for ever', async () => {
    let runs = 0;
    const before = await count(service.read);
    await service.transaction(async (tx) => {
      runs += 1;
      if (runs === 1) {
        await tx.query('COMMIT');
        await tx.query('BEGIN');
        await count(tx);
        await command.transaction(write);
      }
      await write(tx);
    });
    expect([runs, (await count(service.read)) - before]).toEqual([2, 2]);
  });
});
