import type { Fault } from '../platform/problem.js';
import { normaliseKey } from '../platform/text-key.js';

const CONTROL = /\p{Cc}/u;

/** What is wrong with a text that is stored and shown: too long, unpaired surrogates, control characters; null if nothing. */
export function findTextFault(text: string, charsMax: number): string | null {
  if (text.length > charsMax) return `is longer than ${charsMax} characters`;
  if (CONTROL.test(text)) return 'has a control character in it';
  return text.isWellFormed() ? null : 'has half of a surrogate pair in it';
}

/** As `findTextFault`, for texts by which people are found: not empty, and without spaces at either end. */
export function findNameFault(text: string, charsMax: number): string | null {
  if (text === '') return 'is empty';
  const fault = findTextFault(text, charsMax);
  if (fault) return fault;
  // Refused and not trimmed: two systems that trim differently would take one person for two, or two for one.
  return text.trim() === text ? null : 'begins or ends with a space';
}

const KEY_CHARS_MAX = 255;
/** One character becomes 18 at most (U+FDFA). */
const FOLDS_TO_MAX = 18;

/**
 * What is wrong with a text that is looked for by its key (`normaliseKey`): folding can make it longer, and the key has
 * to fit its column too. Null if nothing.
 */
export function findFoldedFault(text: string): string | null {
  if (text.length * FOLDS_TO_MAX <= KEY_CHARS_MAX || !/[^\0-\x7f]/.test(text)) return null;
  return normaliseKey(text).length > KEY_CHARS_MAX ? `is longer than ${KEY_CHARS_MAX} characters when folded` : null;
}

/** As `findNameFault`, for a name whose key is stored too. */
export function findUserNameFault(text: string, charsMax: number): string | null {
  return findNameFault(text, charsMax) ?? findFoldedFault(text);
}

/** As `findTextFault`, for a text whose key is stored too. */
export function findDisplayNameFault(text: string, charsMax: number): string | null {
  return findTextFault(text, charsMax) ?? findFoldedFault(text);
}

const EMAIL = /^[^\s@<>",;:\\]+@[^\s@<>",;:\\]+$/;

/** Only the shape: something, one @, something; whether it exists is not ours to say. */
export function findEmailFault(text: string): string | null {
  const fault = findNameFault(text, 254);
  return fault ?? (EMAIL.test(text) ? findFoldedFault(text) : 'is not an e-mail address');
}

/** Reads a list of texts; adds to `faults` and answers null where it is not one. Doubles are dropped. */
export function readTextList(
  value: unknown,
  pointer: string,
  limits: { itemsMax: number; charsMax: number },
  faults: Fault[],
): string[] | null {
  if (!Array.isArray(value)) {
    faults.push({ pointer, detail: 'must be a list of texts' });
    return null;
  }
  if (value.length > limits.itemsMax) {
    faults.push({ pointer, detail: `has more than ${limits.itemsMax} entries` });
    return null;
  }
  let ok = true;
  for (let i = 0; i < value.length; i++) {
    const item: unknown = value[i];
    const fault = typeof item === 'string' ? findNameFault(item, limits.charsMax) : 'must be a text';
    if (fault === null) continue;
    faults.push({ pointer: `${pointer}/${i}`, detail: fault });
    ok = false;
  }
  if (!ok) return null;
  return value.length < 2 ? (value as string[]) : [...new Set(value as string[])];
}
