import { spawn } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';

/** The service as a process of its own, with its log off the way. */
export interface Service {
  url: string;
  /** Ends it as an operator would. */
  end(): Promise<void>;
}

const START_MS_MAX = 60_000;

/** Starts `dist/src/main.js` on a free port and waits until it says that it is ready. */
export async function startService(databaseUrl: string): Promise<Service> {
  const port = await findFreePort();
  const child = spawn(process.execPath, ['dist/src/main.js'], {
    env: {
      PATH: process.env.PATH,
      NODE_OPTIONS: process.env.BENCH_NODE_OPTIONS ?? '',
      // As in production, but for an identity provider on this machine.
      NODE_ENV: 'test',
      LOG_LEVEL: 'warn',
      PORT: String(port),
      DATABASE_URL: databaseUrl,
      ROLLCALL_SECRET: 'for measurements only, for measurements only',
      LOGIN_RATE_PER_MINUTE: '10000000',
      ALLOW_LOOPBACK_HTTP: 'true',
      OUTBOUND_ALLOW: '127.0.0.0/8',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const end = async () => {
    child.kill('SIGTERM');
    await ended;
  };
  const url = `http://127.0.0.1:${port}`;
  const deadline = performance.now() + START_MS_MAX;
  while (!(await isReady(url))) {
    if (child.exitCode !== null) throw new Error(`The service ended with ${child.exitCode} before it was ready.`);
    if (performance.now() > deadline) {
      await end();
      throw new Error('The service did not get ready.');
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return { url, end };
}

async function isReady(url: string): Promise<boolean> {
  const answer = await fetch(`${url}/health/ready`).catch(() => null);
  await answer?.body?.cancel();
  return answer?.status === 200;
}

function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
