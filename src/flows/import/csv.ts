/** A row and the line of the file on which it begins, from 1. */
export interface CsvRow {
  line: number;
  cells: string[];
}

/** The file is no CSV from this line on; the message says so. */
export class CsvFault extends Error {
  constructor(
    readonly line: number,
    detail: string,
  ) {
    super(`Line ${line}: ${detail}`);
  }
}

export const DELIMITERS = [',', ';', '\t'] as const;
/** A quote that is never closed would take the rest of the file for one cell. */
const ROW_CHARS_MAX = 256 * 1024;

/**
 * Reads CSV (RFC 4180) as it comes, in pieces of any size: quoted cells with doubled quotes, delimiters and line breaks
 * in them, LF or CRLF, a byte order mark. Empty lines are passed over. A quote within an unquoted cell stands for itself.
 */
export class CsvReader {
  private cells: string[] = [];
  private cell = '';
  private state: 'start' | 'plain' | 'quoted' | 'closed' = 'start';
  private line = 1;
  private rowLine = 1;
  private rowChars = 0;
  private pendingReturn = false;
  private isFirst = true;

  constructor(private readonly delimiter: string) {}

  /** The rows that are complete with this piece. Throws CsvFault. */
  read(piece: string): CsvRow[] {
    const rows: CsvRow[] = [];
    const text = this.isFirst ? piece.replace(/^\ufeff/, '') : piece;
    if (piece !== '') this.isFirst = false;
    for (const char of text) this.take(char, rows);
    return rows;
  }

  /** What is left when the file ends. Throws CsvFault. */
  end(): CsvRow[] {
    const rows: CsvRow[] = [];
    if (this.state === 'quoted') throw new CsvFault(this.rowLine, 'a quoted cell is not closed');
    this.endRow(rows);
    return rows;
  }

  private take(char: string, rows: CsvRow[]): void {
    if (++this.rowChars > ROW_CHARS_MAX) {
      throw new CsvFault(this.rowLine, 'is longer than a row can be; perhaps a quote is not closed');
    }
    if (this.state === 'quoted') {
      if (char === '"') this.state = 'closed';
      else this.cell += char;
      if (char === '\n') this.line += 1;
      return;
    }
    if (char === '"' && this.state === 'closed') {
      this.cell += char;
      this.state = 'quoted';
    } else if (char === '"' && this.state === 'start') {
      this.state = 'quoted';
    } else if (char === this.delimiter) {
      this.endCell();
    } else if (char === '\n' || char === '\r') {
      // CRLF ends one row, and so does a lone CR, as old Macs wrote it.
      if (char === '\r' || !this.pendingReturn) {
        this.endRow(rows);
        this.line += 1;
      }
      this.pendingReturn = char === '\r';
      this.rowLine = this.line;
      this.rowChars = 0;
      return;
    } else if (this.state === 'closed') {
      throw new CsvFault(this.rowLine, 'after a closing quote stands more than a delimiter');
    } else {
      this.cell += char;
      this.state = 'plain';
    }
    this.pendingReturn = false;
  }

  private endCell(): void {
    this.cells.push(this.cell);
    this.cell = '';
    this.state = 'start';
  }

  private endRow(rows: CsvRow[]): void {
    const isEmpty = this.cells.length === 0 && this.cell === '' && this.state === 'start';
    this.endCell();
    if (!isEmpty) rows.push({ line: this.rowLine, cells: this.cells });
    this.cells = [];
    this.rowChars = 0;
  }
}

/** The delimiter that stands most often in the header, outside of quotes; a comma where there is none. */
export function detectDelimiter(start: string): string {
  const header =
    start
      .replace(/^\ufeff/, '')
      .replace(/"(?:[^"]|"")*"/g, '')
      .split(/[\r\n]/, 1)[0] ?? '';
  const counts = DELIMITERS.map((each) => ({ each, count: header.split(each).length - 1 }));
  return counts.reduce((best, one) => (one.count > best.count ? one : best)).each;
}

/** A row in the same dialect, with its line end. */
export function formatRow(cells: readonly string[], delimiter: string): string {
  const quoted = cells.map((cell) =>
    cell.includes(delimiter) || /["\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell,
  );
  // A row of one empty cell would read as an empty line.
  return `${quoted.length === 1 && quoted[0] === '' ? '""' : quoted.join(delimiter)}\r\n`;
}
