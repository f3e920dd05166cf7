import { Problem } from '../../../platform/problem.js';

/** Characters. A longer filter is refused: nobody's directory is asked by ten kilobytes. */
export const FILTER_LENGTH_MAX = 8192;
/** Parentheses and brackets inside one another. */
export const FILTER_DEPTH_MAX = 50;

export const compareOperators = ['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'] as const;
export type CompareOperator = (typeof compareOperators)[number];
export type FilterValue = string | number | boolean | null;

/** A filter as it was written (RFC 7644, section 3.4.2.2); nothing of it has been looked up in a schema. */
export type Filter =
  | { readonly kind: 'and' | 'or'; readonly terms: readonly Filter[] }
  | { readonly kind: 'not'; readonly term: Filter }
  | { readonly kind: 'present'; readonly path: string }
  | {
      readonly kind: 'compare';
      readonly path: string;
      readonly operator: CompareOperator;
      readonly value: FilterValue;
    }
  /** `emails[…]`: one element for which the whole of it holds. The paths inside are names of sub-attributes. */
  | { readonly kind: 'element'; readonly path: string; readonly filter: Filter };

/** What the connection's preset forgives; the names are those of `Leniencies`. */
export interface FilterLeniencies {
  /** `userName eq ada@example.com`. A value ends at a space, a parenthesis or a bracket. */
  readonly unquotedFilters?: boolean;
  /** `active eq "True"`. */
  readonly stringBooleans?: boolean;
  /** `employeeNumber eq 701984`. */
  readonly numbersAsTexts?: boolean;
}

/**
 * Reads a filter, in time linear in its length. `emails[type eq "work"].value eq "x"`, which Microsoft sends, is read as
 * `emails[type eq "work" and value eq "x"]`. Throws `scim_invalid_filter`, which names the character.
 */
export function parseFilter(text: string, leniencies: FilterLeniencies = {}): Filter {
  const reader = new FilterReader(text, 0, leniencies);
  const filter = reader.readOr(false);
  reader.expectEnd();
  return filter;
}

/**
 * Reads `[…]` that begins at `start`. Answers what stands in it, and the index after the closing bracket. Throws
 * `scim_invalid_filter`.
 */
export function parseElementFilter(
  text: string,
  start: number,
  leniencies: FilterLeniencies = {},
): { filter: Filter; end: number } {
  const reader = new FilterReader(text, start, leniencies);
  return { filter: reader.readBrackets(), end: reader.index };
}

/**
 * `userName`, `name.givenName`, `urn:…:User:manager.value`: attrPath of RFC 7644, and `$ref`; and, as Microsoft writes,
 * `urn:…:User.manager.value`.
 */
export const ATTRIBUTE_PATH = /^(?:urn:[\w.~%:+-]+[:.])?[A-Za-z$][\w$-]*(?:\.[A-Za-z$][\w$-]*)?$/i;
/** Inside brackets. */
const SUB_ATTRIBUTE = /^[A-Za-z$][\w$-]*$/;

const SPACES = /[ \t]*/y;
const WORD = /[^\s()[\]"]+/y;
const UNQUOTED = /[^\s()[\]"][^\s()[\]]*/y;
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

class FilterReader {
  private depth = 0;

  constructor(
    private readonly text: string,
    public index: number,
    private readonly leniencies: FilterLeniencies,
  ) {
    if (text.length > FILTER_LENGTH_MAX) {
      throw new Problem('scim_invalid_filter', `a filter has at most ${FILTER_LENGTH_MAX} characters`);
    }
  }

  /** and binds more tightly than or (RFC 7644, section 3.4.2.2). */
  readOr(inBrackets: boolean): Filter {
    return this.readSequence('or', () => this.readSequence('and', () => this.readTerm(inBrackets)));
  }

  /** `[` filter `]`. */
  readBrackets(): Filter {
    return this.readEnclosed('[', ']', () => this.readOr(true));
  }

  expectEnd(): void {
    this.skipSpaces();
    if (this.index < this.text.length) this.fail('expected and, or, or the end');
  }

  private readSequence(kind: 'and' | 'or', readTerm: () => Filter): Filter {
    const first = readTerm();
    const terms = [first];
    while (this.skipKeyword(kind)) terms.push(readTerm());
    return terms.length === 1 ? first : { kind, terms };
  }

  private readTerm(inBrackets: boolean): Filter {
    this.skipSpaces();
    if (this.text[this.index] === '(') return this.readEnclosed('(', ')', () => this.readOr(inBrackets));
    if (this.skipKeyword('not')) {
      this.skipSpaces();
      return { kind: 'not', term: this.readEnclosed('(', ')', () => this.readOr(inBrackets)) };
    }
    const path = this.readPath(inBrackets);
    if (this.text[this.index] !== '[') return this.readExpression(path);
    if (inBrackets) this.fail('brackets do not stand inside brackets');
    return this.readElement(path);
  }

  private readElement(path: string): Filter {
    const filter = this.readBrackets();
    if (this.text[this.index] !== '.') return { kind: 'element', path, filter };
    this.index += 1;
    const further = this.readExpression(this.readPath(true));
    return { kind: 'element', path, filter: { kind: 'and', terms: [filter, further] } };
  }

  private readExpression(path: string): Filter {
    this.expectSpace('an operator');
    const start = this.index;
    const word = this.readWord('an operator').toLowerCase();
    if (word === 'pr') return { kind: 'present', path };
    const operator = compareOperators.find((each) => each === word);
    if (operator === undefined) this.fail(`expected pr, ${compareOperators.join(', ')}`, start);
    this.expectSpace('a value');
    return { kind: 'compare', path, operator, value: this.readValue() };
  }

  private readPath(inBrackets: boolean): string {
    const start = this.index;
    const path = this.readWord('the name of an attribute');
    const form = inBrackets ? SUB_ATTRIBUTE : ATTRIBUTE_PATH;
    if (!form.test(path)) this.fail(`expected the name of ${inBrackets ? 'a sub-attribute' : 'an attribute'}`, start);
    return path;
  }

  private readValue(): FilterValue {
    const start = this.index;
    if (this.text[start] === '"') return this.readString();
    const word = this.leniencies.unquotedFilters ? this.take(UNQUOTED) : this.take(WORD);
    if (word === null) this.fail('expected a value');
    const literal = this.leniencies.unquotedFilters ? word.toLowerCase() : word;
    if (literal === 'true') return true;
    if (literal === 'false') return false;
    if (literal === 'null') return null;
    if (NUMBER.test(word) && Number.isFinite(Number(word))) return Number(word);
    if (this.leniencies.unquotedFilters) return this.checkText(word, start);
    return this.fail('expected a text in double quotes, a number, true, false or null', start);
  }

  private readString(): string {
    const start = this.index;
    let end = start + 1;
    while (end < this.text.length && this.text[end] !== '"') end += this.text[end] === '\\' ? 2 : 1;
    if (end >= this.text.length) this.fail('the text that begins here has no end', start);
    this.index = end + 1;
    let value: unknown;
    try {
      value = JSON.parse(this.text.slice(start, this.index));
    } catch {
      this.fail('this is not a text as JSON writes it', start);
    }
    return this.checkText(String(value), start);
  }

  /** A database would cut a text at NUL, or replace half of a surrogate pair: it would find what nobody asked for. */
  private checkText(value: string, start: number): string {
    if (value.includes('\0') || !value.isWellFormed()) this.fail('no text may hold NUL or half a character', start);
    return value;
  }

  private readEnclosed(open: string, close: string, read: () => Filter): Filter {
    if (this.text[this.index] !== open) this.fail(`expected ${open}`);
    this.depth += 1;
    if (this.depth > FILTER_DEPTH_MAX) this.fail(`a filter nests at most ${FILTER_DEPTH_MAX} deep`);
    this.index += 1;
    const filter = read();
    this.skipSpaces();
    if (this.text[this.index] !== close) this.fail(`expected and, or, or ${close}`);
    this.index += 1;
    this.depth -= 1;
    return filter;
  }

  /** Skips the word where it stands whole, between spaces, parentheses and brackets. */
  private skipKeyword(keyword: string): boolean {
    this.skipSpaces();
    const after = this.index + keyword.length;
    if (this.text.slice(this.index, after).toLowerCase() !== keyword) return false;
    if (!' \t('.includes(this.text[after] ?? '.') || !' \t()[]'.includes(this.text[this.index - 1] ?? ' '))
      return false;
    this.index = after;
    return true;
  }

  private expectSpace(before: string): void {
    const start = this.index;
    this.skipSpaces();
    if (this.index === start) this.fail(`expected a space and ${before}`);
  }

  private skipSpaces(): void {
    this.take(SPACES);
  }

  private readWord(expected: string): string {
    return this.take(WORD) ?? this.fail(`expected ${expected}`);
  }

  private take(form: RegExp): string | null {
    form.lastIndex = this.index;
    const found = form.exec(this.text)?.[0];
    if (found === undefined) return null;
    this.index += found.length;
    return found;
  }

  private fail(what: string, index: number = this.index): never {
    throw new Problem('scim_invalid_filter', `character ${index + 1}: ${what}`);
  }
}
