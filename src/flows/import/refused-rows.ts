import { type FileHandle, open } from 'node:fs/promises';
import { type CsvFile, type FileReading, readFile } from './csv-file.js';
import { PROBLEM_HEADING } from './csv-record.js';
import { formatRow } from './csv.js';

/** A record that the service refused, by its line in what was sent. */
export interface RefusedRow {
  record: number;
  problem: { code: string; detail: string };
}

/**
 * Writes the rows that were refused, by the file's own rules or by the service, with a column that says why; returns
 * how many. No file where there is none. `failures` come in the order of their records.
 */
export async function writeRefused(
  { reading, refusedPath }: { reading: FileReading; refusedPath: string },
  file: CsvFile,
  failures: AsyncIterable<RefusedRow>,
): Promise<number> {
  const coming = failures[Symbol.asyncIterator]();
  const columns = file.heading.map((name) => name.trim().toLowerCase() !== PROBLEM_HEADING);
  const keep = (cells: readonly string[]): string[] => cells.filter((_, place) => columns[place] ?? true);
  let output: FileHandle | null = null;
  let refused = 0;
  let record = 0;
  let next = await coming.next();
  try {
    for await (const { row, read } of readFile(reading, file)) {
      let problem = 'problem' in read ? read.problem : null;
      if (problem === null) {
        record += 1;
        if (next.done || next.value.record !== record) continue;
        problem = `${next.value.problem.code}: ${next.value.problem.detail}`;
        next = await coming.next();
      }
      output ??= await open(refusedPath, 'w', 0o600);
      if (refused === 0)
        await output.write(`\ufeff${formatRow([...keep(file.heading), PROBLEM_HEADING], file.delimiter)}`);
      await output.write(formatRow([...keep(row.cells), problem], file.delimiter));
      refused += 1;
    }
  } finally {
    await output?.close();
  }
  return refused;
}
