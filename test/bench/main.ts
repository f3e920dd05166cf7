import { type Figure, FULL, type Measurement, SMALL } from './figure.js';
import { instanceFigures } from './instances-figure.js';
import { loginFigures, loginLatency } from './login-figures.js';
import { processFigures } from './process-figures.js';
import { scimCreates, scimLatencies } from './scim-figures.js';
import { Stage } from './stage.js';
import { streamFigures } from './stream-figures.js';
import { syncFigures } from './sync-figures.js';

/**
 * `npm run bench [-- --only NAME] [--small]`: one line of JSON a figure, each against a floor measured in the same run
 * on the same server. `--small` takes a fiftieth of the work: it shows that the bench runs, and its figures say little.
 */

const measurements: readonly Measurement[] = [
  processFigures,
  loginFigures,
  loginLatency,
  syncFigures,
  scimCreates,
  scimLatencies,
  streamFigures,
  instanceFigures,
];

function readOptions(args: readonly string[]): { only: string | null; small: boolean } {
  const names = measurements.flatMap((each) => each.names);
  const at = args.indexOf('--only');
  const only = at < 0 ? null : (args[at + 1] ?? '');
  if (only !== null && !names.includes(only)) {
    throw new Error(`--only needs one of ${names.join(', ')}`);
  }
  return { only, small: args.includes('--small') };
}

async function main(): Promise<void> {
  const { only, small } = readOptions(process.argv.slice(2));
  const seconds = () => Math.round(performance.now() / 1000);
  const stage = await Stage.open((text) => process.stderr.write(`bench: ${seconds()} s: ${text}\n`));
  const print = (figure: Figure): void => {
    const line = { ...figure, engine: stage.engine, server: stage.serverName, ...(small ? { small } : {}) };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  };
  try {
    for (const { names, measure } of measurements) {
      if (only !== null && !names.includes(only)) continue;
      for await (const figure of measure(stage, small ? SMALL : FULL)) {
        if (only === null || only === figure.figure) print(figure);
      }
    }
  } finally {
    await stage.close();
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
}
