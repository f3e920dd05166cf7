import type { Figure, Measurement } from './figure.js';
import type { Stage } from './stage.js';
import { median } from './statistics.js';

const STARTS = 3;

export const processFigures: Measurement = { names: ['start_ms', 'rss_mib_idle'], measure: measureProcess };

/** Starts on a database that has its tables, as every start but the first is. */
async function* measureProcess(stage: Stage): AsyncGenerator<Figure> {
  await stage.running();
  const starts: number[] = [];
  for (let start = 0; start < STARTS; start++) {
    await stage.endService();
    const from = performance.now();
    await stage.running();
    starts.push(performance.now() - from);
  }
  yield { figure: 'start_ms', value: Math.round(median(starts)) };
  const { url } = await stage.running();
  yield { figure: 'rss_mib_idle', value: await readRssMib(url) };
}

/** What the service itself says of its memory. */
export async function readRssMib(url: string): Promise<number> {
  return Math.round((await readMetric(url, 'process_resident_memory_bytes')) / 1024 / 1024);
}

export async function readMetric(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const line = text.split('\n').find((each) => each.startsWith(`${name} `));
  return Number(line?.slice(name.length));
}
