import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { engine } from '../support/databases.js';

const FIGURES = [
  'start_ms',
  'rss_mib_idle',
  'login_ratio',
  'login_p99_during_sync',
  'sync_fresh_ratio',
  'cost_per_user_growth',
  'sync_unchanged_ratio',
  'rss_mib_after_sync',
  'replan_100k_seconds',
  'scim_create_ratio',
  'scim_filter_ms',
  'scim_member_add_ms',
  'scim_list',
  'sync_stream_ratio',
  'sync_stream_unchanged_gain',
  'sync_cost_growth',
  'sync_stream_rss_mib',
  'two_instances',
];

/** What a process grew by may be less than nothing; so may, of a short stream, the time between two chunks of it. */
const DIFFERENCES = new Set(['sync_stream_rss_mib', 'sync_cost_growth']);

function runBench(...args: string[]) {
  return spawnSync(process.execPath, ['dist/test/bench/main.js', ...args], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, TEST_MYSQL_URL: process.env.TEST_MYSQL_URL },
  });
}

describe('npm run bench', () => {
  it('refuses a figure that it does not have, and names those that it has', () => {
    const { status, stderr } = runBench('--only', 'nothing');
    expect(status).toBe(1);
    for (const name of FIGURES) expect(stderr).toContain(name);
  });

  // The bench needs a server: its floors are measured there.
  if (engine === 'mysql') {
    it('prints every figure as a line of JSON, with what it is measured against', () => {
      const { stdout, stderr } = runBench('--small');
      const lines = stdout.trim().split('\n');
      const figures = lines.map((line) => JSON.parse(line) as { figure: string; value: number; engine: string });
      expect({ stderr, names: figures.map(({ figure }) => figure) }).toEqual({
        stderr: expect.any(String),
        names: FIGURES,
      });
      for (const { figure, value, engine: name } of figures) {
        if (DIFFERENCES.has(figure)) expect(Number.isFinite(value)).toBe(true);
        else expect(value).toBeGreaterThan(0);
        expect(name).toMatch(/^(mariadb|mysql)$/);
      }
    }, 180_000);
  }
});
