import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createScratchDatabase, engine, type ScratchDatabase } from '../support/databases.js';
import { HttpClient } from '../support/http-client.js';
import { type ServiceProcess, startProcess } from '../support/start-process.js';

// On a database server any number may run (two-processes.spec.ts).
const onFile = engine === 'sqlite' ? describe : describe.skip;

onFile('the embedded database serves one instance', () => {
  let scratch: ScratchDatabase;
  let first: ServiceProcess;
  let link: string;
  beforeAll(async () => {
    scratch = await createScratchDatabase();
    first = await startProcess(scratch.env);
    link = await first.output(/http\S+\/setup#token=[\w-]{43}(?=\n|$)/);
  }, 30_000);
  afterAll(async () => {
    await first.stop();
    await scratch.drop();
  });

  it('a second one is refused with words that name DATA_DIR, and the first one goes on', async () => {
    const { PATH = '' } = process.env;
    const second = spawnSync(process.execPath, ['dist/src/main.js'], {
      env: { PATH, NODE_ENV: 'test', PORT: '0', ...scratch.env },
      encoding: 'utf8',
    });
    expect([second.status, second.stderr]).toEqual([
      1,
      expect.stringMatching(/^Rollcall cannot start .*:\n {2}- DATA_DIR \S+ is in use by another Rollcall .*\n$/),
    ]);
    const about = await new HttpClient(first.url).post('/setup/link', { token: link.split('#token=')[1] });
    expect(about.status).toBe(200);
  });

  it('after kill -9 the next one starts', async () => {
    first.kill('SIGKILL');
    await first.ended;
    first = await startProcess(scratch.env);
    expect((await fetch(`${first.url}/health/ready`)).status).toBe(200);
  }, 30_000);
});
