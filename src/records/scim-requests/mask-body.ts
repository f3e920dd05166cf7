import { maskFilter } from './mask-filter.js';
import { HIDDEN, maskIdentifier, maskText, maskWords } from './mask-text.js';
import { kindOfPath, kindOfSchemas, type ScimKind, segmentsOf, tellingOf } from './shown-attributes.js';

const CUT = '(cut)';
const DEPTH_MAX = 12;
const MASKED_MAX = 1000;

/** How far a body is told. */
export interface Masking {
  kind: ScimKind;
  /** An answer's `detail` is in our own words; what a client calls so is a value. */
  isAnswer: boolean;
  /** Characters of the result as JSON, give or take its last value; beyond it is cut, and costs no more. */
  charactersMax: number;
  /** The values that were masked are added, the first thousand of them; those that are in it stand in no `detail`. */
  masked: Set<string>;
}

/**
 * Masks the JSON of a SCIM request or answer (RFC 7643, 7644) so that it still says what was sent: names of attributes,
 * types, lengths, flags, and the identifiers by which a record is recognised. Whatever is not known to be harmless is
 * masked; passwords and other secrets are hidden altogether.
 */
export function maskBody(body: unknown, masking: Masking): unknown {
  return new BodyMask(masking).mask(body, [], masking.kind, 0);
}

class BodyMask {
  private left: number;
  private readonly masked: Set<string>;
  private readonly isAnswer: boolean;

  constructor({ charactersMax, masked, isAnswer }: Masking) {
    this.left = charactersMax;
    this.masked = masked;
    this.isAnswer = isAnswer;
  }

  mask(value: unknown, at: readonly string[], kind: ScimKind, depth: number): unknown {
    if (this.left <= 0 || depth > DEPTH_MAX) return CUT;
    if (Array.isArray(value)) return this.maskList(value, at, kind, depth + 1);
    if (typeof value === 'object' && value !== null) {
      return this.maskObject(value as Record<string, unknown>, at, kind, depth + 1);
    }
    const shown = this.maskLeaf(value, at, kind);
    this.left -= String(shown).length + 3;
    return shown;
  }

  private maskList(list: readonly unknown[], at: readonly string[], kind: ScimKind, depth: number): unknown[] {
    const shown: unknown[] = [];
    for (const each of list) {
      if (this.left <= 0) return [...shown, `(and ${list.length - shown.length} more)`];
      shown.push(this.mask(each, at, kind, depth));
    }
    return shown;
  }

  private maskObject(body: Record<string, unknown>, at: readonly string[], kind: ScimKind, depth: number): object {
    const own = kindOfSchemas(body.schemas) ?? kind;
    const shown: Record<string, unknown> = {};
    const entries = Object.entries(body);
    for (const [index, [name, member]] of entries.entries()) {
      if (this.left <= 0) {
        shown[CUT] = `and ${entries.length - index} more members`;
        break;
      }
      const key = this.maskName(name, own);
      this.left -= key.length + 4;
      shown[key] =
        at[0] === 'operations'
          ? this.maskOperationMember(body, name, own, depth)
          : this.mask(member, at.concat(innerPathOf(name)), own, depth);
    }
    return shown;
  }

  /** A member of an operation of a PATCH (`op`, `path`, `value`) or of a Bulk (`method`, `path`, `data`, `response`). */
  private maskOperationMember(
    operation: Record<string, unknown>,
    name: string,
    kind: ScimKind,
    depth: number,
  ): unknown {
    const member = operation[name];
    const path = typeof operation.path === 'string' ? operation.path : '';
    const isBulk = 'method' in operation;
    switch (name.toLowerCase()) {
      case 'path':
        if (typeof member !== 'string') return this.mask(member, [], null, depth);
        return isBulk ? maskPathOnly(this.cut(member)) : maskFilter(this.cut(member), kind, this.masked);
      case 'value':
        return this.mask(member, segmentsOf(path), kind, depth);
      case 'data':
      case 'response':
        return this.mask(member, [], kindOfPath(path), depth);
      default:
        return this.mask(member, segmentsOf(name), kind, depth);
    }
  }

  private maskLeaf(value: unknown, at: readonly string[], kind: ScimKind): unknown {
    if (value === null || value === undefined || value === '' || typeof value === 'boolean') return value ?? null;
    const telling = tellingOf(at, kind);
    if (telling === 'hidden') return this.note(value, HIDDEN);
    if (typeof value !== 'string') return telling === 'masked' ? this.note(value, `(${typeof value})`) : value;
    // A flag as text is what some providers send, and what they are refused for.
    if (/^(true|false)$/i.test(value)) return value;
    if (this.isAnswer && at.length === 1 && at[0] === 'detail') return maskWords(value, this.masked);
    if (at[0] === 'filter') return maskFilter(this.cut(value), kind, this.masked);
    const shown = telling === 'masked' ? maskText(value) : maskIdentifier(value);
    return shown === value ? value : this.note(value, shown);
  }

  /** As much of a filter or path, which keep much of their length, as there is room for. */
  private cut(text: string): string {
    const room = Math.max(0, this.left);
    this.left -= text.length;
    return text.length <= room ? text : text.slice(0, room).toWellFormed();
  }

  /** Shorter values would be found within words that have nothing to do with them. */
  private note(value: unknown, shown: string): string {
    const text = String(value);
    if (text.length > 3 && this.masked.size < MASKED_MAX) this.masked.add(text);
    return shown;
  }

  /** A name is a name by its looks: some clients send filters as names, and anything can stand there. */
  private maskName(name: string, kind: ScimKind): string {
    if (/^[A-Za-z$][\w$.:-]{0,149}$/.test(name)) return maskIdentifier(name);
    return name.includes('[') ? maskFilter(name.slice(0, 300), kind, this.masked) : maskText(name);
  }
}

/** Resources of a list begin anew; every other member leads further down. */
function innerPathOf(name: string): readonly string[] {
  return /^resources$/i.test(name) ? [] : segmentsOf(name);
}

/** The path of a Bulk operation: an address of ours, in which only an id can stand. */
function maskPathOnly(path: string): string {
  return path
    .split('/')
    .map((part) => (/^[\w.:-]{0,64}$/.test(part) ? maskIdentifier(part) : maskText(part)))
    .join('/');
}
