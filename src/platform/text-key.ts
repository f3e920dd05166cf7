/**
 * The key under which two user names or e-mail addresses count as the same: compatibility composition (NFKC, so that
 * full-width and composed forms meet) and lower case. Nothing else is folded: `josé` is not `jose`, a Cyrillic `а` is
 * not a Latin `a`, and spaces stay. Store it beside the text, and compare it byte for byte.
 */
export function normaliseKey(text: string): string {
  // Plain ASCII, nearly every name there is, needs no normalisation.
  if (isAscii(text)) return text.toLowerCase();
  // Lower-casing can leave a sequence that composes (İ), so it is composed again: the key of a key is itself.
  return text.normalize('NFKC').toLowerCase().normalize('NFKC');
}

/** The lower-case domain of an address that is already a key (`normaliseKey`); null where there is none. */
export function emailDomain(emailKey: string): string | null {
  const at = emailKey.lastIndexOf('@');
  return at < 1 || at === emailKey.length - 1 ? null : emailKey.slice(at + 1);
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}
