import { trimSpace } from '../../../platform/lines.js';
import { parseStrictJson } from '../../../platform/strict-json.js';

const [QUOTE, BACKSLASH, COLON, COMMA] = [34, 92, 58, 44];
const [OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = [91, 93, 123, 125];
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
const AROUND_BYTES_MAX = 1024 * 1024;
const DEPTH_MAX = 64;
const AROUND_LIMITS = {
  depthMax: DEPTH_MAX,
  itemsPerMemberMax: 100_000,
  unsafeNames: 'drop',
  loneSurrogates: 'keep',
} as const;

/** The document is no JSON, or has no list where one should be; the message goes on after its name. */
export class CutFault extends Error {}

/**
 * Cuts a JSON document of any length, as it comes, into the texts of the items of one of its lists. Whether an item is
 * JSON is for whoever takes it to find out. What stands around the list is kept, and read at the end. Throws CutFault.
 */
export class JsonCutter {
  private phase: 'before' | 'inside' | 'after' = 'before';
  /** What stands around the list: before it, and after. */
  private head = Buffer.alloc(0);
  private scanned = 0;
  private readonly tail: Buffer[] = [];
  private tailBytes = 0;
  /** Before the list: what is open, each with the name of the member that is being read in it. */
  private readonly open: { isObject: boolean; name: string | null }[] = [];
  private textFrom = 0;
  private lastText: [number, number] | null = null;
  private isInText = false;
  private isEscaped = false;
  /** Inside the list. */
  private depth = 0;
  private item: Buffer[] = [];
  private itemBytes = 0;
  private hasComma = false;

  /** @param path names of the members that lead to the list; none: the document is the list */
  constructor(
    private readonly path: readonly string[],
    private readonly itemBytesMax: number,
  ) {}

  /** The items that ended with this piece; null for one that was too long to be kept. */
  push(piece: Buffer): (Buffer | null)[] {
    const items: (Buffer | null)[] = [];
    let rest = piece;
    if (this.phase === 'before') rest = this.findList(piece);
    if (this.phase === 'inside') rest = this.cut(rest, items);
    if (this.phase === 'after') {
      this.tailBytes += rest.length;
      this.assertShort(this.tailBytes);
      this.tail.push(rest);
    }
    return items;
  }

  /** The document with the list empty. */
  end(): unknown {
    if (this.phase === 'inside') throw new CutFault('ends in the middle.');
    const parsed = parseStrictJson(Buffer.concat([this.head, ...this.tail]), AROUND_LIMITS);
    if (!parsed.ok) throw new CutFault(`is not valid JSON. ${parsed.detail}`);
    if (this.phase === 'before') throw new CutFault(`has no list ${placeOf(this.path)}.`);
    return parsed.value;
  }

  /** What comes after the beginning of the list; empty while it has not begun. */
  private findList(piece: Buffer): Buffer {
    this.head = Buffer.concat([this.head, piece]);
    const { length } = this.head;
    if (length < 3 && this.head.equals(BYTE_ORDER_MARK.subarray(0, length))) return Buffer.alloc(0);
    if (this.scanned === 0 && this.head.subarray(0, 3).equals(BYTE_ORDER_MARK)) this.head = this.head.subarray(3);
    for (; this.scanned < this.head.length; this.scanned++) {
      if (!this.isListAt(this.head[this.scanned] ?? 0)) continue;
      const rest = this.head.subarray(this.scanned + 1);
      this.head = this.head.subarray(0, this.scanned + 1);
      this.phase = 'inside';
      return rest;
    }
    this.assertShort(this.head.length);
    return Buffer.alloc(0);
  }

  private isListAt(byte: number): boolean {
    const { open } = this;
    const top = open.at(-1);
    if (this.isInText) {
      if (this.endsText(byte)) this.lastText = [this.textFrom, this.scanned + 1];
    } else if (byte === QUOTE) [this.isInText, this.textFrom] = [true, this.scanned];
    else if (byte === COLON && top?.isObject && this.lastText)
      top.name = readName(this.head.subarray(...this.lastText));
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      if (byte === OPEN_BRACKET && this.isThere()) return true;
      open.push({ isObject: byte === OPEN_BRACE, name: null });
      if (open.length > DEPTH_MAX) throw new CutFault('is nested too deep.');
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) open.pop();
    return false;
  }

  private isThere(): boolean {
    const { open, path } = this;
    return open.length === path.length && open.every(({ isObject, name }, at) => isObject && name === path[at]);
  }

  /** What comes after the list; empty while it has not ended. */
  private cut(piece: Buffer, items: (Buffer | null)[]): Buffer {
    let from = 0;
    for (let at = 0; at < piece.length; at++) {
      const byte = piece[at] ?? 0;
      if (this.isInText) this.endsText(byte);
      else if (byte === QUOTE) this.isInText = true;
      else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) this.depth += 1;
      else if (this.depth > 0) {
        if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) this.depth -= 1;
      } else if (byte === COMMA || byte === CLOSE_BRACKET) {
        this.endItem(piece.subarray(from, at), byte === COMMA, items);
        from = at + 1;
        if (byte === COMMA) continue;
        this.phase = 'after';
        return piece.subarray(at);
      } else if (byte === CLOSE_BRACE) throw new CutFault('is not valid JSON.');
    }
    this.keep(piece.subarray(from));
    return Buffer.alloc(0);
  }

  private endItem(last: Buffer, isComma: boolean, items: (Buffer | null)[]): void {
    this.keep(last);
    const text = trimSpace(Buffer.concat(this.item));
    const isTooLong = this.itemBytes > this.itemBytesMax;
    if (isTooLong) items.push(null);
    else if (text.length > 0) items.push(text);
    else if (isComma || this.hasComma) throw new CutFault('is not valid JSON: it has a comma too many.');
    [this.item, this.itemBytes, this.hasComma] = [[], 0, isComma];
  }

  private keep(bytes: Buffer): void {
    this.itemBytes += bytes.length;
    if (this.itemBytes > this.itemBytesMax) this.item = [];
    else if (bytes.length > 0) this.item.push(bytes);
  }

  /** Takes a byte of a text, and says whether it was the last. */
  private endsText(byte: number): boolean {
    if (this.isEscaped) this.isEscaped = false;
    else if (byte === BACKSLASH) this.isEscaped = true;
    else if (byte === QUOTE) this.isInText = false;
    return !this.isInText;
  }

  private assertShort(bytes: number): void {
    if (bytes > AROUND_BYTES_MAX) throw new CutFault(`has more than ${AROUND_BYTES_MAX} bytes beside its list.`);
  }
}

function readName(text: Buffer): string | null {
  try {
    return JSON.parse(text.toString('utf8')) as string;
  } catch {
    return null;
  }
}

function placeOf(path: readonly string[]): string {
  return path.length === 0 ? 'where the document should be one' : `at ${path.map((step) => `/${step}`).join('')}`;
}
