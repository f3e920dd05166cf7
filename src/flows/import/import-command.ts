import type { Command } from 'commander';
import { readFileSync } from 'node:fs';
import { DELIMITERS } from './csv.js';
import { importUsers } from './import-users.js';
import { progressBar } from './progress-bar.js';
import { checkUrl } from './send-records.js';

interface ImportOptions {
  url: string;
  connection?: string;
  dryRun?: true;
  mode: string;
  scope?: string;
  statedAt?: string;
  delimiter?: string;
  listSeparators: string;
  emptyClears?: true;
  refused?: string;
  allowHttp?: true;
}

/** `rollcall import`: speaks to a service over its REST API, as anyone could; it needs no configuration of one. */
export function addImportCommand(program: Command): void {
  program
    .command('import <file>')
    .description(
      'send the people of a CSV file (UTF-8, a header row with the names of a sync record) to a running service; its ' +
        'API key (users:sync; sync-runs:read if many rows may be refused) comes from ROLLCALL_API_KEY or the file that ROLLCALL_API_KEY_FILE names',
    )
    .option('--url <address>', 'where the service is', `http://127.0.0.1:${process.env.PORT ?? 3000}`)
    .option('--connection <id>', 'the connection; not needed where the key is bound to one')
    .option('--dry-run', 'tell what would become of the rows, and change nothing')
    .option('--mode <mode>', 'snapshot: whoever the scope has and the file does not name is switched off', 'upsert')
    .option('--scope <name>', 'the part of the connection that the file speaks for (default: the whole)')
    .option('--stated-at <time>', 'when the file was true, as RFC 3339 (default: now)')
    .option('--delimiter <character>', 'what stands between cells (default: what the header has: , ; or tab)')
    .option('--list-separators <characters>', 'what stands between the entries of a list within a cell', '|;')
    .option('--empty-clears', 'an empty cell says that the field is empty (default: it says nothing)')
    .option('--refused <file>', 'where refused rows go, with the reason (default: beside the file, .refused.csv)')
    .option('--allow-http', 'send the key without TLS to a host that is not this one')
    .action(async (path: string, options: ImportOptions) => {
      const delimiter = options.delimiter === '\\t' ? '\t' : (options.delimiter ?? null);
      if (delimiter !== null && !DELIMITERS.some((each) => each === delimiter)) {
        throw new Error('--delimiter must be , or ; or \\t.');
      }
      const { listSeparators, emptyClears = false, mode } = options;
      if (mode !== 'upsert' && mode !== 'snapshot') throw new Error('--mode must be upsert or snapshot.');
      const refusedPath = options.refused ?? path.replace(/(\.csv)?$/i, '.refused.csv');
      const bar = progressBar(process.stderr);
      const report = await importUsers(
        {
          reading: { path, delimiter, listSeparators, emptyClears },
          service: { url: checkUrl(options.url, options.allowHttp ?? false), key: readKey(process.env) },
          connection: options.connection ?? null,
          dryRun: options.dryRun ?? false,
          mode,
          scope: options.scope ?? null,
          statedAt: options.statedAt ?? null,
          refusedPath,
        },
        { show: bar.show, note: (text) => void process.stderr.write(`${text}\n`) },
      ).finally(bar.end);
      const counts = Object.entries(report.counts).filter(([, count]) => count > 0);
      const what = counts.map(([name, count]) => `${name} ${count}`).join(', ');
      const head = options.dryRun ? 'would be' : `run ${report.run}`;
      process.stdout.write(`${head}: rows ${report.rows}${what === '' ? '' : `, ${what}`}\n`);
      if (report.remark !== null) {
        process.stdout.write(`${report.remark}\n`);
        process.exitCode = 1;
      }
      if (report.refused === 0) return;
      process.stdout.write(`refused rows, with the reason: ${refusedPath}\n`);
      process.exitCode = 1;
    });
}

/** Never from the command line, where everyone on the machine can read it. */
function readKey(env: NodeJS.ProcessEnv): string {
  const { ROLLCALL_API_KEY: key, ROLLCALL_API_KEY_FILE: file } = env;
  const read = key ?? (file === undefined ? '' : readFileSync(file, 'utf8').trim());
  if (read === '') throw new Error('Set ROLLCALL_API_KEY, or ROLLCALL_API_KEY_FILE, to an API key with users:sync.');
  return read;
}
