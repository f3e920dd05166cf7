import { access, constants, type FileHandle, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type CsvFile, type FileReading, readFile } from './csv-file.js';
import { PROBLEM_HEADING } from './csv-record.js';
import { formatRow } from './csv.js';

/** A record that the service refused, by its line in what was sent. */
export interface RefusedRow {
  record: number;
  problem: { code: string; detail: string };
}

/**
 * Asked before anything is sent: once it is, nobody would learn which rows were refused. Throws where the rows cannot be
 * written, or would take the place of those that they come from.
 */
export async function checkRefusedPath(path: string, refusedPath: string): Promise<void> {
  const bigint = true;
  const [file, there] = await Promise.all([stat(path, { bigint }), stat(refusedPath, { bigint }).catch(() => null)]);
  if (there?.ino === file.ino && there.dev === file.dev) {
    throw new Error('--refused names the file itself: its other rows would be lost.');
  }
  await access(there ? refusedPath : dirname(refusedPath), constants.W_OK).catch((error: Error) => {
    throw new Error(`Nothing was sent: refused rows could not be written to ${refusedPath} (${error.message}).`);
  });
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
