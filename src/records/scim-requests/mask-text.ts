/** Names whose values are never told in any form: not their length, not their first letter. */
const SECRET_NAME =
  /pass(word|phrase|code)|secret|token|credential|authorization|api_?-?key|private_?-?key|^otp|^pin$/i;

/**
 * Values that are secrets wherever they stand: our own keys, JSON Web Tokens, HTTP credentials, private keys. What begins
 * a token is looked for once in each word that ends in a point: a text can be a mebibyte of such beginnings.
 */
const SECRET_VALUE =
  /rc_[0-9A-Za-z]{8}_|(?<![\w-])(?=[\w-]+\.)[\w-]*\beyJ[\w-]{8,}\.|\b(?:bearer|basic)\s+\S{8,}|-----BEGIN /i;

export const HIDDEN = '(hidden)';

const TEXT_MAX = 200;

export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/**
 * What may be told of a personal text: its first letter and its length, of an e-mail address its domain too. Of three
 * characters and fewer the length alone.
 */
export function maskText(text: string): string {
  if (text === '') return '';
  if (SECRET_VALUE.test(text)) return HIDDEN;
  const characters = Array.from(text);
  const { length } = characters;
  const size = `(${length} ${length === 1 ? 'character' : 'characters'})`;
  if (length <= 3) return `… ${size}`;
  const domain = /^[^@\s]{2,}(@[\w.-]{3,100})$/.exec(text)?.[1] ?? '';
  return `${characters[0]}…${domain} ${size}`;
}

/** An identifier is told whole, cut at 200 characters; one that is an e-mail address is masked as such. */
export function maskIdentifier(text: string): string {
  if (SECRET_VALUE.test(text)) return HIDDEN;
  if (text.includes('@')) return maskText(text);
  return text.length <= TEXT_MAX ? text : `${text.slice(0, TEXT_MAX)}… (${text.length} characters)`;
}

/** Puts the mask over those of the values that stand in words which are for people. */
export function maskWords(words: string, masked: ReadonlySet<string>): string {
  if (SECRET_VALUE.test(words)) return HIDDEN;
  let text = words;
  // The longest first, or a part of it would be masked and the rest stay.
  for (const value of [...masked].sort((a, b) => b.length - a.length)) {
    if (text.includes(value)) text = text.replaceAll(value, () => maskText(value));
  }
  return text;
}
