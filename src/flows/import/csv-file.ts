import { createReadStream } from 'node:fs';
import { type CsvHeader, type CsvReading, readHeader, toSyncRecord } from './csv-record.js';
import { CsvFault, CsvReader, type CsvRow, detectDelimiter } from './csv.js';

/** How a file is to be read. */
export interface FileReading extends CsvReading {
  path: string;
  /** Null: by its header. */
  delimiter: string | null;
}

/** A row of the file, and what it says. */
export interface FileRow {
  row: CsvRow;
  read: { record: Record<string, unknown> } | { problem: string };
}

/** What stands in a file. */
export interface CsvFile {
  delimiter: string;
  heading: readonly string[];
  header: CsvHeader;
  /** Rows after the header. */
  rows: number;
}

/** Reads a file to its end. Throws with all that keeps it from being sent at all: then nothing of it has been. */
export async function checkFile(reading: FileReading): Promise<CsvFile> {
  let file: CsvFile | null = null;
  for await (const { rows, delimiter } of readRows(reading)) {
    for (const { cells } of rows) {
      if (file) file.rows += 1;
      else file = openFile(cells, delimiter);
    }
  }
  if (!file) throw new Error('The file is empty: its first row has to name the columns.');
  return file;
}

function openFile(heading: readonly string[], delimiter: string): CsvFile {
  const { header, faults } = readHeader(heading);
  if (faults.length > 0) throw new Error(`The header has faults:\n${faults.map((each) => `  - ${each}`).join('\n')}`);
  return { delimiter, heading, header, rows: 0 };
}

/** The rows after the header, in order. The file has been checked. */
export async function* readFile(reading: FileReading, { header }: CsvFile): AsyncGenerator<FileRow> {
  let isHeader = true;
  for await (const { rows } of readRows(reading)) {
    for (const row of rows) {
      if (!isHeader) yield { row, read: toSyncRecord(header, row.cells, reading) };
      isHeader = false;
    }
  }
}

async function* readRows({ path, delimiter }: FileReading): AsyncGenerator<{ rows: CsvRow[]; delimiter: string }> {
  let reader: CsvReader | null = null;
  let used = delimiter ?? ',';
  for await (const text of readText(path)) {
    if (!reader) {
      used = delimiter ?? detectDelimiter(text);
      reader = new CsvReader(used);
    }
    yield { rows: withoutBlank(reader.read(text)), delimiter: used };
  }
  if (reader) yield { rows: withoutBlank(reader.end()), delimiter: used };
}

/** Spreadsheets write rows of nothing but delimiters for lines that were emptied: these are no rows either. */
function withoutBlank(rows: CsvRow[]): CsvRow[] {
  return rows.filter(({ cells }) => cells.some((cell) => cell.trim() !== ''));
}

async function* readText(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let line = 1;
  for await (const piece of createReadStream(path) as AsyncIterable<Buffer>) {
    if (line === 1 && (piece.indexOf('\xff\xfe', 0, 'latin1') === 0 || piece.indexOf('\xfe\xff', 0, 'latin1') === 0)) {
      throw new CsvFault(1, 'the file is UTF-16: save it as "CSV UTF-8"');
    }
    const text = decodePiece(decoder, piece, line);
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) line += 1;
    if (text !== '') yield text;
  }
  const rest = decodePiece(decoder, null, line);
  if (rest !== '') yield rest;
}

function decodePiece(decoder: TextDecoder, piece: Buffer | null, line: number): string {
  try {
    return piece ? decoder.decode(piece, { stream: true }) : decoder.decode();
  } catch {
    throw new CsvFault(line, 'after it stands a text that is not UTF-8: save it as "CSV UTF-8"');
  }
}
