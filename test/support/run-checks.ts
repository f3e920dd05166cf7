import { spawn } from 'node:child_process';

/** `npm run check`: what no test sees. The types were checked by the build that came before. */
const checks: Record<string, string[]> = {
  'lint and import rules': ['oxlint', '--type-aware', '--deny-warnings'],
  format: ['prettier', '--check', '--log-level=warn', '.'],
  'unused code': ['knip', '--no-progress'],
};

async function run(command: string[]): Promise<{ code: number | null; output: string }> {
  const [name = '', ...args] = command;
  // The set-up has put node_modules/.bin first on the path.
  const child = spawn(name, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { code, output };
}

const names = Object.keys(checks);
const results = await Promise.all(
  names.map(async (name) => {
    const start = performance.now();
    const { code, output } = await run(checks[name] ?? []);
    return { name, isGood: code === 0, output, seconds: (performance.now() - start) / 1000 };
  }),
);
process.stdout.write('ok   types\n');
for (const { name, isGood, output, seconds } of results) {
  process.stdout.write(`${isGood ? 'ok  ' : 'FAIL'} ${name} (${seconds.toFixed(1)} s)\n${isGood ? '' : `${output}\n`}`);
}
process.exitCode = results.every((each) => each.isGood) ? 0 : 1;
