import { inspect, styleText } from 'node:util';
import type { Answer, HttpClient } from '../support/http-client.js';

const WIDTH = 110;
const ITEMS_SHOWN = 2;
const TEXT_SHOWN = 128;

/** A check of a step that did not hold, or whatever else ended it. */
export class StepFailed extends Error {
  constructor(
    readonly step: string,
    override readonly cause: unknown,
  ) {
    super(`step "${step}": ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

export interface Question<T> {
  body?: unknown;
  /** What is told of the body, where it is not the body itself. */
  told?: unknown;
  headers?: Record<string, string>;
  /** The status that the story expects. */
  status: number;
  /** The part of the answer that is told; all of it where it is left out. */
  show?: (body: T) => unknown;
}

/** Tells the story on the terminal: each request, what came back, and whether it was what it should be. */
export class Teller {
  private steps = 0;

  /** Does one step, and names it when it fails. */
  async step<T>(name: string, work: () => Promise<T>): Promise<T> {
    this.steps += 1;
    this.line(`\n${style('bold', `${this.steps}. ${name}`)}`);
    try {
      return await work();
    } catch (error) {
      throw new StepFailed(name, error);
    }
  }

  /** Asks the service and tells both sides of it. Throws where the status is another than the story expects. */
  async ask<T>(client: HttpClient, request: string, question: Question<T>): Promise<Answer<T>> {
    const [method = '', path = ''] = request.split(' ');
    const { body, told = body, headers = {}, status, show = (answer: T) => answer } = question;
    const lines = [request, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)];
    this.told('→', lines.join('  '), told);
    const start = performance.now();
    const answer = await client.send<T>(method, path, body, headers);
    const ms = Math.round(performance.now() - start);
    const expected = answer.status === status;
    this.told('←', `${answer.status}`, expected ? show(answer.body) : answer.body, `${ms} ms`);
    if (!expected) throw new Error(`${request} answered ${answer.status}, not ${status}`);
    return answer;
  }

  /** Something that happened elsewhere than at the service. */
  aside(text: string): void {
    this.line(`   ${style('dim', '·')} ${shorten(text)}`);
  }

  /** Throws where it does not hold. */
  check(words: string, holds: boolean): void {
    this.line(`   ${holds ? style('green', `✓ ${words}`) : style('red', `✗ ${words}`)}`);
    if (!holds) throw new Error(`this does not hold: ${words}`);
  }

  line(text = ''): void {
    process.stdout.write(`${text}\n`);
  }

  private told(arrow: string, words: string, content: unknown, after = ''): void {
    const text = content === undefined || content === '' ? '' : brief(content);
    const rest = after === '' ? '' : style('dim', `  (${after})`);
    const isLong = text.includes('\n') || words.length + text.length > WIDTH - 10;
    const between = isLong ? `${rest}\n` : '  ';
    const shown = isLong ? text.replaceAll(/^/gm, '       ') : `${text}${rest}`;
    this.line(`   ${style('cyan', arrow)} ${shorten(words)}${text === '' ? rest : `${between}${shown}`}`);
  }
}

function style(format: Parameters<typeof styleText>[0], text: string): string {
  return styleText(format, text, { stream: process.stdout });
}

/** A value on few lines: the first items of lists, the beginnings of tokens, the ends of ids. */
function brief(value: unknown): string {
  if (typeof value === 'string') return shorten(value);
  return inspect(shortened(value), { compact: 5, breakLength: WIDTH - 10, depth: 8, maxArrayLength: ITEMS_SHOWN });
}

function shortened(value: unknown): unknown {
  if (typeof value === 'string') return shorten(value);
  if (Array.isArray(value)) return value.map(shortened);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, shortened(member)]));
}

/** Ids made in the same minute differ at their ends; tokens and keys are nobody's to copy from a terminal. */
function shorten(text: string): string {
  const short = text
    .replaceAll(/\b[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{6}([0-9a-f]{6})\b/g, '…$1')
    .replaceAll(/\b(eyJ[\w-]{5})[\w.-]{40,}/g, '$1…')
    .replaceAll(/\b(rcr?_[\w-]{4})[\w-]{20,}/g, '$1…')
    .replaceAll(/^[\w-]{43}$/g, (token) => `${token.slice(0, 8)}…`);
  return short.length > TEXT_SHOWN ? `${short.slice(0, TEXT_SHOWN)}…` : short;
}
