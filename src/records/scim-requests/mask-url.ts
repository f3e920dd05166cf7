import { maskFilter } from './mask-filter.js';
import { HIDDEN, isSecretName, maskIdentifier, maskText } from './mask-text.js';
import { kindOfPath } from './shown-attributes.js';

const URL_MAX = 2000;

/**
 * The address of a SCIM request as it may be kept: ids and names stay, and of the query the numbers, the lists of
 * attribute names, and filters with their values masked. Decoded for people to read; cut at 2,000 characters.
 */
export function maskUrl(url: string, masked: Set<string>): string {
  const at = url.indexOf('?');
  const path = at < 0 ? url : url.slice(0, at);
  const parts = path.split('/').map((part) => maskPart(part, masked));
  const shown = parts.join('/');
  if (at < 0) return shown.slice(0, URL_MAX);
  const kind = kindOfPath(path);
  const query = [...new URLSearchParams(url.slice(at + 1))].map(([name, value]) => {
    const key = maskPart(name, masked);
    if (isSecretName(name)) return `${key}=${HIDDEN}`;
    if (/^filter$/i.test(name)) return `${key}=${maskFilter(value.slice(0, URL_MAX), kind, masked)}`;
    const isHarmless =
      /^-?\d{0,15}$/.test(value) ||
      (/^(attributes|excludedAttributes|sortBy|sortOrder)$/i.test(name) && /^[\w$.:, -]*$/.test(value));
    return `${key}=${isHarmless ? value : maskText(value)}`;
  });
  return `${shown}?${query.join('&')}`.slice(0, URL_MAX);
}

function maskPart(part: string, masked: Set<string>): string {
  const text = decode(part);
  if (/^[\w.$:-]{0,64}$/.test(text)) return maskIdentifier(text);
  if (text.length > 3) masked.add(text);
  return maskText(text);
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
