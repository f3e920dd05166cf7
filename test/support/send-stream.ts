import { type ClientRequest, request } from 'node:http';
import type { HttpClient } from './http-client.js';

export interface StreamAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  /** What the text says, if it is one JSON value. */
  body: Record<string, unknown> & {
    run: string;
    code?: string;
    upTo: number;
    counts: Record<string, number>;
    failures: { record: number; externalId: string | null; problem: { code: string; detail: string } }[];
  };
}

/** A push of NDJSON under way: its bytes go out as they are written. */
export class SentStream {
  readonly answer: Promise<StreamAnswer>;
  /** The answer has begun: of a dry run, while lines are still sent. */
  readonly answering: Promise<void>;
  private readonly outgoing: ClientRequest;

  constructor({ url, credential }: HttpClient, query = '', headers: Record<string, string> = {}) {
    const { promise, resolve, reject } = Promise.withResolvers<StreamAnswer>();
    this.answer = promise;
    this.answer.catch(() => undefined);
    const { promise: answering, resolve: begin } = Promise.withResolvers<void>();
    this.answering = answering;
    this.outgoing = request(`${url}/users/sync${query}`, {
      method: 'POST',
      agent: false,
      headers: { 'content-type': 'application/x-ndjson', authorization: `Bearer ${credential}`, ...headers },
    });
    this.outgoing.on('error', reject);
    this.outgoing.on('response', (incoming) => {
      begin();
      const pieces: Buffer[] = [];
      incoming.on('data', (piece: Buffer) => pieces.push(piece));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const text = Buffer.concat(pieces).toString('utf8');
        const body = (text.startsWith('{') && !text.trim().includes('\n') ? JSON.parse(text) : {}) as never;
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text, body });
      });
    });
  }

  /** Settles when there is room for more. */
  async write(piece: string | Buffer): Promise<void> {
    if (this.outgoing.destroyed || this.outgoing.write(piece)) return;
    await new Promise<void>((resolve) => {
      const go = (): void => {
        this.outgoing.off('drain', go).off('close', go);
        resolve();
      };
      this.outgoing.on('drain', go).on('close', go);
    });
  }

  end(piece?: string | Buffer): Promise<StreamAnswer> {
    this.outgoing.end(piece);
    return this.answer;
  }

  /** Hangs up in the middle. */
  cut(): void {
    this.outgoing.destroy();
  }
}

/** Sends a stream as a whole. */
export function sendStream(
  http: HttpClient,
  body: string | Buffer,
  query = '',
  headers: Record<string, string> = {},
): Promise<StreamAnswer> {
  return new SentStream(http, query, headers).end(body);
}

export function toLines(records: readonly unknown[]): string {
  return records.map((each) => `${JSON.stringify(each)}\n`).join('');
}
