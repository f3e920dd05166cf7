import type { Fault } from '../../platform/problem.js';

/** Every text that is not an origin as browsers send it: scheme, host and port; http for this machine alone. */
export function originFaults(origins: readonly string[]): Fault[] {
  return origins.flatMap((text, index) => {
    const detail = originFault(text);
    return detail === null ? [] : [{ pointer: `/origins/${index}`, detail }];
  });
}

function originFault(text: string): string | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || url.origin === 'null') return 'must be an origin, such as https://app.example.com';
  if (url.origin !== text) return `must be written as browsers send it: ${url.origin}`;
  const local = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (url.protocol === 'https:' || (url.protocol === 'http:' && local)) return null;
  return 'must be https (http only for localhost)';
}
