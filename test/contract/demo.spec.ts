import { describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';

const MS_MAX = 60_000;

interface Ended {
  code: number | null;
  told: string;
}

/** Runs the demo to its end; what it told until then is shown to `act` once, as soon as it matches `pattern`. */
async function runDemo(
  args: string[],
  pattern: RegExp,
  act: (told: string, stop: () => void) => unknown,
): Promise<Ended> {
  const demo = spawn(process.execPath, ['dist/test/demo/main.js', ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let told = '';
  let acted: unknown = null;
  demo.stdout.setEncoding('utf8').on('data', (text: string) => {
    told += text;
    if (pattern.test(told)) acted ??= act(told, () => demo.kill('SIGINT')) ?? true;
  });
  const [code] = (await once(demo, 'close')) as [number | null];
  await acted;
  return { code, told };
}

/** Where its database is. */
function folderIn(told: string): string {
  return /\S+rollcall-demo-\w+/.exec(told)?.[0] ?? '';
}

describe('npm run demo', () => {
  it(
    'with --exit plays the whole story, ends with 0 because every check held, and leaves nothing behind',
    async () => {
      let existed = false;
      const { code, told } = await runDemo(['--exit'], /^1\. /m, (text) => (existed = existsSync(folderIn(text))));
      expect(told).not.toContain('✗');
      expect(told).toContain('Every check held.');
      expect({ code, existed, exists: existsSync(folderIn(told)) }).toEqual({ code: 0, existed: true, exists: false });
    },
    MS_MAX,
  );

  it(
    'serves on after it, with the curl that it printed, until it is interrupted',
    async () => {
      let status = 0;
      const { code } = await runDemo([], /keeps serving/, async (told, stop) => {
        const [, authorization = '', url = ''] = /curl -s -H 'Authorization: ([^']+)' '([^']+)'/.exec(told) ?? [];
        status = (await fetch(url, { headers: { authorization } })).status;
        stop();
      });
      expect({ code, status }).toEqual({ code: 0, status: 200 });
    },
    MS_MAX,
  );

  it(
    'that is interrupted before its end does not pass for one that held',
    async () => {
      const { code, told } = await runDemo(['--exit'], /^3\. /m, (_, stop) => stop());
      expect({ code, exists: existsSync(folderIn(told)) }).toEqual({ code: 130, exists: false });
    },
    MS_MAX,
  );
});
