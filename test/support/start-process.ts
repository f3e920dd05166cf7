import { type ChildProcess, spawn } from 'node:child_process';
import { createScratchDatabase } from './databases.js';

/** The service as a process of its own, as it is run. */
export interface ServiceProcess {
  url: string;
  env: Record<string, string>;
  /** The lines that it has written to its terminal so far. */
  log: string[];
  /** Waits until what it has written matches, and returns that. */
  output(pattern: RegExp): Promise<string>;
  kill(signal: NodeJS.Signals): void;
  /** The exit code; null where a signal ended it. */
  ended: Promise<number | null>;
  /** Ends it, however it is, and drops its database. */
  stop(): Promise<void>;
}

/**
 * Starts `dist/src/main.js` on a free port: on the database that `settings` name by `DATA_DIR`, else on an empty one of
 * its own. Throws with its output when it does not start.
 */
export async function startProcess(settings: Record<string, string> = {}): Promise<ServiceProcess> {
  const scratch = 'DATA_DIR' in settings ? { env: {}, drop: async () => undefined } : await createScratchDatabase();
  const env = { PATH: process.env.PATH ?? '', NODE_ENV: 'test', PORT: '0', ...scratch.env, ...settings };
  const child = spawn(process.execPath, ['dist/src/main.js'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
    await scratch.drop();
  };
  const log: string[] = [];
  const output = async (pattern: RegExp) => {
    for (;;) {
      const found = pattern.exec(log.join('\n'))?.[0];
      if (found !== undefined) return found;
      if (child.exitCode !== null) throw new Error(`it ended without writing ${pattern}:\n${log.join('\n')}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  try {
    const url = await listeningAt(child, log);
    return { url, env, log, output, kill: (signal) => void child.kill(signal), ended, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function listeningAt(child: ChildProcess, log: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let rest = '';
    const read = (text: string): void => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        log.push(line);
        const url = /listening on (http:[^"\s]+)/.exec(line)?.[1];
        if (url !== undefined) resolve(url);
      }
    };
    child.stdout?.setEncoding('utf8').on('data', read);
    child.stderr?.setEncoding('utf8').on('data', read);
    child.once('exit', (code) =>
      reject(new Error(`it ended with ${code} before it listened:\n${log.join('\n')}${rest}`)),
    );
  });
}
