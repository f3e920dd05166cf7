const [TAB, LINE_FEED, RETURN, SPACE] = [9, 10, 13, 32];
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** A line with something on it, without the space around. */
export interface Line {
  /** From 1; empty lines count. */
  number: number;
  /** Null where it was too long to be kept. */
  text: Buffer | null;
  bytes: number;
}

/**
 * Cuts a stream at its line feeds; what is left at its end is a line too. Holds one line of at most `bytesMax` beside
 * what it was handed: the bytes of a longer one are counted and dropped.
 */
export async function* readLines(source: AsyncIterable<Buffer>, bytesMax: number): AsyncGenerator<Line[]> {
  let number = 0;
  let kept: Buffer[] = [];
  let bytes = 0;
  const add = (piece: Buffer): void => {
    bytes += piece.length;
    if (bytes > bytesMax) kept = [];
    else if (piece.length > 0) kept.push(piece);
  };
  const endLine = (lines: Line[]): void => {
    number += 1;
    const whole = kept.length === 1 && kept[0] ? kept[0] : Buffer.concat(kept);
    const text = bytes > bytesMax ? null : trimSpace(number === 1 ? withoutMark(whole) : whole);
    if (text === null || text.length > 0) lines.push({ number, text, bytes });
    kept = [];
    bytes = 0;
  };
  for await (const piece of source) {
    const lines: Line[] = [];
    let from = 0;
    for (let end = piece.indexOf(LINE_FEED); end >= 0; end = piece.indexOf(LINE_FEED, from)) {
      add(piece.subarray(from, end));
      endLine(lines);
      from = end + 1;
      // Millions of empty lines cost their sender nothing.
      for (; piece[from] === LINE_FEED; from++) number += 1;
    }
    add(piece.subarray(from));
    if (lines.length > 0) yield lines;
  }
  const last: Line[] = [];
  if (bytes > 0) endLine(last);
  if (last.length > 0) yield last;
}

function withoutMark(text: Buffer): Buffer {
  return text.subarray(0, 3).equals(BYTE_ORDER_MARK) ? text.subarray(3) : text;
}

/** Without the white space of RFC 8259, section 2, around it. */
export function trimSpace(text: Buffer): Buffer {
  let [start, end] = [0, text.length];
  while (start < end && isSpace(text[start])) start++;
  while (end > start && isSpace(text[end - 1])) end--;
  return text.subarray(start, end);
}

function isSpace(byte: number | undefined): boolean {
  return byte === SPACE || byte === TAB || byte === RETURN || byte === LINE_FEED;
}
