import { afterEach, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type ServiceProcess, startProcess } from '../support/start-process.js';

/** A request whose body is still on its way. */
async function beginRequest(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  socket.write('POST /slow HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 7\r\n\r\n{"a"');
  return socket;
}

function rollcallCommand(args: string[], env: Record<string, string>): { code: number | null; output: string } {
  const ended = spawnSync(process.execPath, ['dist/src/cli.js', ...args], { env, encoding: 'utf8' });
  return { code: ended.status, output: ended.stdout + ended.stderr };
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

describe('the process', () => {
  let service: ServiceProcess | null = null;
  afterEach(async () => {
    await service?.stop();
    service = null;
  });

  it('finishes running requests on SIGTERM, takes no new connections, and ends with 0', async () => {
    service = await startProcess();
    const socket = await beginRequest(service.url);
    // Answered only after the other request has begun to be read.
    expect((await fetch(`${service.url}/health/ready`)).status).toBe(200);
    service.kill('SIGTERM');
    const { log } = service;
    await until(() => log.some((line) => line.includes('finishing what runs')));
    const { url } = service;
    await expect(
      (async () => {
        for (;;) await fetch(`${url}/health/live`, { headers: { connection: 'close' } });
      })(),
    ).rejects.toThrow();
    socket.write(':1}');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(String(answer)).toMatch(/^HTTP\/1\.1 404 /);
    expect(await service.ended).toBe(0);
  });

  it('ends after SHUTDOWN_SECONDS although a request still runs', async () => {
    service = await startProcess({ SHUTDOWN_SECONDS: '1' });
    const socket = await beginRequest(service.url);
    socket.on('error', () => undefined);
    expect((await fetch(`${service.url}/health/ready`)).status).toBe(200);
    service.kill('SIGTERM');
    expect(await service.ended).toBe(1);
    socket.destroy();
  });

  it('ends at once on a second signal', async () => {
    service = await startProcess({ SHUTDOWN_SECONDS: '600' });
    const socket = await beginRequest(service.url);
    socket.on('error', () => undefined);
    expect((await fetch(`${service.url}/health/ready`)).status).toBe(200);
    service.kill('SIGTERM');
    const { log } = service;
    await until(() => log.some((line) => line.includes('finishing what runs')));
    service.kill('SIGTERM');
    expect(await service.ended).toBe(1);
    socket.destroy();
  });

  it('G3 logs one line for a request, without its query, its body or its credential', async () => {
    service = await startProcess();
    const { log } = service;
    const headers = {
      authorization: 'Bearer rc_s3cret',
      'x-request-id': 'find-me',
      'content-type': 'application/json',
    };
    await fetch(`${service.url}/nowhere/s3cret?name=s3cret`, { method: 'POST', headers, body: '{"a":"s3cret"}' });
    await until(() => log.some((line) => line.includes('find-me')));
    const lines = log.filter((line) => line.includes('find-me')).map((line) => JSON.parse(line) as object);
    expect(lines).toEqual([
      expect.objectContaining({ level: 'info', requestId: 'find-me', method: 'POST', route: 'unknown', status: 404 }),
    ]);
    expect(log.join('\n')).not.toContain('s3cret');
  });

  it('passes its own doctor while it runs', async () => {
    service = await startProcess();
    const { code, output } = rollcallCommand(['doctor'], service.env);
    expect(output).not.toContain('FAIL');
    expect(code).toBe(0);
  });

  it('has nothing left to migrate after its start', async () => {
    service = await startProcess();
    expect(rollcallCommand(['migrate'], service.env)).toEqual({ code: 0, output: 'nothing to migrate\n' });
  });
});

describe('the command line', () => {
  it('names every fault of the configuration and fails', () => {
    const { code, output } = rollcallCommand(['doctor'], { PORT: 'x', LOG_LEVEL: 'y' });
    expect(output).toMatch(/FAIL {2}configuration: PORT .*\nFAIL {2}configuration: LOG_LEVEL /);
    expect(code).toBe(1);
  });

  it('fails the doctor when the database does not answer', () => {
    const { code, output } = rollcallCommand(['doctor'], { DATABASE_URL: 'mysql://u:s3cret@127.0.0.1:1/rollcall' });
    expect(output).toContain(
      'FAIL  database: DATABASE_URL: the database at 127.0.0.1:1 does not answer (connect ECONNREFUSED 127.0.0.1:1)\n',
    );
    expect(output).not.toContain('s3cret');
    expect(code).toBe(1);
  });
});
