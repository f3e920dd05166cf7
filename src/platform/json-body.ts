import { isUtf8 } from 'node:buffer';
import { type Fault, Problem } from './problem.js';

const DEPTH_MAX = 64;
const FAULTS_MAX = 100;
const [QUOTE, BACKSLASH, OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [34, 92, 123, 125, 91, 93];

/**
 * Reads a JSON body: undefined for an empty one. Throws `invalid_json`, or `invalid_request` naming each place that
 * no stored text could hold (lone surrogates, NUL) or that would reach a prototype. `checksText`: the caller looks
 * at the text itself.
 */
export function parseJsonBody(body: Buffer, checksText = false): unknown {
  if (body.length === 0) return undefined;
  if (!isUtf8(body)) throw new Problem('invalid_json', 'The body is not valid UTF-8.');
  if (isDeeper(body, DEPTH_MAX)) throw new Problem('invalid_json', `The body nests deeper than ${DEPTH_MAX} levels.`);
  // Some clients begin with a byte order mark, which may be passed over (RFC 8259, section 8.1).
  const text = body.toString('utf8').replace(/^\uFEFF/, '');
  const value = parse(text);
  // Both can only come from the text's own escapes or names, so that most bodies are not walked.
  const looksUnsafe = /__proto__|\\u00(?:5[fF]|6[0-9a-fA-F]|7[0-9a-fA-F])/.test(text);
  const looksBroken = !checksText && /\\u(?:[dD][89a-fA-F]|0000)/.test(text);
  if (looksUnsafe || looksBroken) {
    const faults: Fault[] = [];
    findFaults(value, '', checksText, faults);
    if (faults.length > 0) throw new Problem('invalid_request', undefined, { faults });
  }
  return value;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // The engine's words quote what stands around the fault, which may be a password: only the place goes out.
    const place = /at position \d+(?: \(line \d+ column \d+\))?/.exec((error as Error).message)?.[0];
    throw new Problem('invalid_json', place ? `It stops being JSON ${place}.` : 'It ends before the JSON does.');
  }
}

/** Deep nesting costs a few bytes to send, and a stack to walk. */
function isDeeper(body: Buffer, depthMax: number): boolean {
  let depth = 0;
  let isText = false;
  for (let index = 0; index < body.length; index++) {
    const byte = body[index];
    if (isText) {
      if (byte === BACKSLASH) index++;
      else if (byte === QUOTE) isText = false;
    } else if (byte === QUOTE) isText = true;
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      if (++depth > depthMax) return true;
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth--;
  }
  return false;
}

function findFaults(value: unknown, pointer: string, checksText: boolean, faults: Fault[]): void {
  if (faults.length >= FAULTS_MAX) return;
  if (typeof value === 'string') {
    const detail = checksText ? null : textFaultOf(value);
    if (detail !== null) faults.push({ pointer, detail });
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  for (const [name, member] of Object.entries(value)) {
    const at = `${pointer}/${escapePointer(name)}`;
    if (name === '__proto__') faults.push({ pointer: at, detail: 'is not a name that a member may have' });
    else if (!checksText && textFaultOf(name) !== null) {
      faults.push({ pointer, detail: 'has a member whose name is not well-formed text' });
    } else findFaults(member, at, checksText, faults);
  }
}

/** Why no database could hold this text and give it back unchanged; null when it could. */
export function textFaultOf(text: string): string | null {
  if (text.includes('\0')) return 'must not contain the character NUL';
  return text.isWellFormed() ? null : 'must not contain half of a surrogate pair';
}

/** RFC 6901, section 3. */
export function escapePointer(name: string): string {
  return name.replace(/~/g, '~0').replace(/\//g, '~1');
}
