import { findDisplayNameFault, findNameFault, findTextFault, findUserNameFault } from '../../../plan/record-text.js';
import { NAME_CHARS_MAX } from '../../../plan/record.js';

/** Texts for which there is no narrower rule. */
export const TEXT_CHARS_MAX = 10_000;

const isName = (text: string): string | null => findNameFault(text, NAME_CHARS_MAX);
const isText = (text: string): string | null => findTextFault(text, NAME_CHARS_MAX);
const hasKey = (text: string): string | null => findDisplayNameFault(text, NAME_CHARS_MAX);

/** Attributes whose texts are stored in columns, or become part of a profile. Names are those of all schemas together. */
const RULES: ReadonlyMap<string, (text: string) => string | null> = new Map([
  ['userName', (text: string) => findUserNameFault(text, NAME_CHARS_MAX)],
  ['externalId', isName],
  ['displayName', hasKey],
  ['name.givenName', isText],
  ['name.familyName', isText],
  // An address that is no address is kept, for the standard only says SHOULD; it does not become the profile's.
  ['emails.value', hasKey],
  ['members.value', isName],
]);

/**
 * What is wrong with the text of an attribute; null if nothing. Every text can be stored on every engine: none has a
 * NUL in it, or half of a surrogate pair.
 *
 * @param path in canonical case, without a URN: `name.givenName`
 */
export function findTextRuleFault(path: string, text: string): string | null {
  const rule = RULES.get(path);
  if (rule) return rule(text);
  if (text.length > TEXT_CHARS_MAX) return `is longer than ${TEXT_CHARS_MAX} characters`;
  if (text.includes('\0')) return 'has a NUL character in it';
  return text.isWellFormed() ? null : 'has half of a surrogate pair in it';
}
