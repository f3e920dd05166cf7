import { HIDDEN, maskIdentifier, maskText } from './mask-text.js';
import { type ScimKind, segmentsOf, tellingOf } from './shown-attributes.js';

const TOKEN = /"(?:[^"\\]|\\.)*"?|[()[\]]|[^\s()[\]"]+/g;
const COMPARISON = /^(eq|ne|co|sw|ew|gt|ge|lt|le)$/i;
const LOGIC = /^(and|or)$/i;
const NAME = /^[A-Za-z$.][\w$.:-]{0,199}$/;
const HARMLESS = /^(true|false|null)$/i;

/**
 * Masks the values in a filter (RFC 7644, section 3.4.2.2) or in the path of a PATCH operation, as they were sent,
 * well-formed or not: names and operators stay, literals are told like the attribute that they are compared with, and
 * what stands where nothing belongs is masked. `masked` gathers what was.
 */
export function maskFilter(filter: string, kind: ScimKind, masked: Set<string>): string {
  let expected: 'name' | 'operator' | 'value' | 'logic' | 'nothing' = 'name';
  let attribute = '';
  const outer: string[] = [];
  // From the first word that does not belong on, nothing is known to be a name.
  const lose = (token: string): string => {
    expected = 'nothing';
    return hide(token, [], kind, masked);
  };
  return filter.replace(TOKEN, (token) => {
    if (token === '(' || token === ')') return token;
    if (expected === 'nothing') return lose(token);
    if (token === '[') {
      outer.push(attribute);
      expected = 'name';
      return token;
    }
    if (token === ']') {
      attribute = outer.pop() ?? '';
      expected = 'logic';
      return token;
    }
    if (expected === 'name') {
      if (/^not$/i.test(token)) return token;
      if (!NAME.test(token)) return lose(token);
      attribute = token;
      expected = 'operator';
      return token;
    }
    if (expected === 'operator') {
      expected = /^pr$/i.test(token) ? 'logic' : 'value';
      return /^pr$/i.test(token) || COMPARISON.test(token) ? token : lose(token);
    }
    if (expected === 'value') {
      expected = 'logic';
      return hide(token, [...outer, attribute].flatMap(segmentsOf), kind, masked);
    }
    if (LOGIC.test(token)) {
      expected = 'name';
      return token;
    }
    // What follows a bracket: `emails[type eq "work"].value`.
    if (token.startsWith('.') && NAME.test(token)) {
      attribute = `${attribute}${token}`;
      expected = 'operator';
      return token;
    }
    return lose(token);
  });
}

function hide(token: string, at: readonly string[], kind: ScimKind, masked: Set<string>): string {
  if (HARMLESS.test(token)) return token;
  const isQuoted = token.startsWith('"');
  const text = isQuoted ? readLiteral(token) : token;
  const telling = tellingOf(at, kind);
  const shown = telling === 'hidden' ? HIDDEN : telling === 'masked' ? maskText(text) : maskIdentifier(text);
  if (shown !== text && text.length > 3) masked.add(text);
  return isQuoted ? `"${shown}"` : shown;
}

function readLiteral(token: string): string {
  try {
    return String(JSON.parse(token));
  } catch {
    return token.replace(/^"|"$/g, '');
  }
}
