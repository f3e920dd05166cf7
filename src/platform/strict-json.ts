import { isUtf8 } from 'node:buffer';

/** What a document may hold. Every limit is inclusive. */
export interface JsonLimits {
  /** Objects and arrays inside one another; `{}` is 1 deep. */
  depthMax: number;
  /** Array items, at any depth, under one member of the outermost object (or in the outermost array). */
  itemsPerMemberMax: number;
  /**
   * What becomes of members named `__proto__`, `constructor` and `prototype`: the document is refused, or they are left
   * out of the value. Nobody has honest use for them, and code further in may copy objects by assignment.
   */
  unsafeNames: 'refuse' | 'drop';
  /** Whether `"\ud800"` is refused: half a character that no database stores (RFC 7493, section 2.1). */
  loneSurrogates: 'refuse' | 'keep';
}

export type JsonReason =
  | 'not_utf8'
  | 'byte_order_mark'
  | 'syntax'
  | 'duplicate_name'
  | 'unsafe_name'
  | 'lone_surrogate'
  | 'too_deep'
  | 'too_many_items';

export interface JsonRefusal {
  ok: false;
  reason: JsonReason;
  detail: string;
}

export type JsonResult = { ok: true; value: unknown } | JsonRefusal;

const QUOTE = 0x22;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const LOWER_U = 0x75;

/**
 * Parses UTF-8 bytes as I-JSON (RFC 7493): one meaning for every reader. Two parsers that disagree on a duplicate name,
 * on a byte order mark or on a broken character see two different tokens.
 *
 * Linear in the length of the input: the text has as many members as it has colons outside strings; if the parsed value
 * has fewer, a name came twice.
 */
export function parseStrictJson(bytes: Uint8Array, limits: JsonLimits): JsonResult {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
    return refuse('byte_order_mark', 'The text begins with a byte order mark.');
  }
  if (!isUtf8(bytes)) return refuse('not_utf8', 'The text is not valid UTF-8.');
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');

  const shape = scanShape(text, limits.depthMax);
  if (shape === null) return refuse('too_deep', `The text is nested deeper than ${limits.depthMax}.`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The engine's message quotes the text, which may be a credential.
    return refuse('syntax', 'The text is not valid JSON.');
  }
  const walk: Walk = { limits, members: 0, items: 0, checkText: shape.hasUnicodeEscape, refusal: null };
  visitOutermost(value, walk);
  if (walk.refusal) return walk.refusal;
  if (walk.members !== shape.members) {
    return refuse('duplicate_name', `The name ${findDuplicateName(text)} stands twice in one object.`);
  }
  return { ok: true, value };
}

function refuse(reason: JsonReason, detail: string): JsonRefusal {
  return { ok: false, reason, detail };
}

/** Counts members and finds escapes without parsing; null when the text is too deep. Says nothing of invalid text. */
function scanShape(text: string, depthMax: number): { members: number; hasUnicodeEscape: boolean } | null {
  let members = 0;
  let depth = 0;
  let hasUnicodeEscape = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      for (at++; at < text.length; at++) {
        const inner = text.charCodeAt(at);
        if (inner === QUOTE) break;
        if (inner === BACKSLASH && text.charCodeAt(++at) === LOWER_U) hasUnicodeEscape = true;
      }
    } else if (code === COLON) members++;
    else if (code === 0x7b || code === 0x5b) {
      if (++depth > depthMax) return null;
    } else if (code === 0x7d || code === 0x5d) depth--;
  }
  return { members, hasUnicodeEscape };
}

interface Walk {
  limits: JsonLimits;
  members: number;
  items: number;
  checkText: boolean;
  refusal: JsonRefusal | null;
}

/** As `visit`, but the count of items begins anew at each member of an outermost object. */
function visitOutermost(value: unknown, walk: Walk): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return visit(value, walk);
  visitMembers(value as Record<string, unknown>, walk, true);
}

function visit(value: unknown, walk: Walk): void {
  if (typeof value === 'string') return checkText(value, walk);
  if (typeof value !== 'object' || value === null || walk.refusal) return;
  if (!Array.isArray(value)) return visitMembers(value as Record<string, unknown>, walk, false);
  walk.items += value.length;
  if (walk.items > walk.limits.itemsPerMemberMax) {
    walk.refusal = refuse('too_many_items', `One member holds more than ${walk.limits.itemsPerMemberMax} array items.`);
    return;
  }
  for (const item of value) visit(item, walk);
}

function visitMembers(members: Record<string, unknown>, walk: Walk, outermost: boolean): void {
  const names = Object.keys(members);
  walk.members += names.length;
  for (const name of names) {
    checkText(name, walk);
    if (outermost) walk.items = 0;
    visit(members[name], walk);
    if (isUnsafeName(name)) {
      if (walk.limits.unsafeNames === 'refuse') {
        walk.refusal ??= refuse('unsafe_name', `A member may not be named ${name}.`);
      } else delete members[name];
    }
  }
}

function isUnsafeName(name: string): boolean {
  return name === '__proto__' || name === 'constructor' || name === 'prototype';
}

function checkText(text: string, walk: Walk): void {
  if (!walk.checkText || walk.limits.loneSurrogates === 'keep' || text.isWellFormed()) return;
  walk.refusal ??= refuse('lone_surrogate', 'A text holds half of a surrogate pair.');
}

/** Only for the message: the first repeated name of a text that is known to be valid and to have one. */
function findDuplicateName(text: string): string {
  const token = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/gsu;
  const open: Set<string>[] = [];
  for (const found of text.matchAll(token)) {
    const piece = found[0];
    if (piece === '{' || piece === '[') open.push(new Set());
    else if (piece === '}' || piece === ']') open.pop();
    else if (found[1] !== undefined) {
      const literal = piece.slice(0, piece.length - found[1].length);
      const name = String(JSON.parse(literal));
      const names = open.at(-1);
      if (names?.has(name)) return JSON.stringify(name.slice(0, 64));
      names?.add(name);
    }
  }
  return '(unknown)';
}
