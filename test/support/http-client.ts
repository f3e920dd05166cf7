import type { SeenAnswer } from './openapi-validator.js';

export interface Answer<T = Record<string, unknown>> {
  status: number;
  headers: Headers;
  body: T;
}

/** Sees every answer; what it throws fails the test that asked. */
export type AnswerCheck = (answer: SeenAnswer) => void;

const checks = new Map<string, AnswerCheck>();

/** Until what it returns is called, every answer of the service at `url` is shown to `check`, whichever client asked. */
export function checkAnswersOf(url: string, check: AnswerCheck): () => void {
  checks.set(url, check);
  return () => void checks.delete(url);
}

/** JSON over HTTP with one credential; never throws for a status. */
export class HttpClient {
  constructor(
    readonly url: string,
    readonly credential: string | null = null,
  ) {}

  as(credential: string | null): HttpClient {
    return new HttpClient(this.url, credential);
  }

  get<T = Record<string, unknown>>(path: string, headers: Record<string, string> = {}): Promise<Answer<T>> {
    return this.send('GET', path, undefined, headers);
  }

  post<T = Record<string, unknown>>(
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> {
    return this.send('POST', path, body, headers);
  }

  put<T = Record<string, unknown>>(
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> {
    return this.send('PUT', path, body, headers);
  }

  patch<T = Record<string, unknown>>(
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> {
    return this.send('PATCH', path, body, headers);
  }

  delete<T = Record<string, unknown>>(path: string, headers: Record<string, string> = {}): Promise<Answer<T>> {
    return this.send('DELETE', path, undefined, headers);
  }

  /** `body`: an object is sent as JSON, a string as it is (still as application/json). */
  async send<T>(method: string, path: string, body: unknown, headers: Record<string, string>): Promise<Answer<T>> {
    const answer = await fetch(this.url + path, {
      method,
      headers: {
        ...(this.credential === null ? {} : { authorization: `Bearer ${this.credential}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    const isJson =
      /json/.test(answer.headers.get('content-type') ?? '') && !/ndjson/.test(answer.headers.get('content-type') ?? '');
    const read = (isJson && text !== '' ? JSON.parse(text) : text) as T;
    checks.get(this.url)?.({
      method,
      path: path.split('?', 1)[0] ?? '',
      status: answer.status,
      contentType: answer.headers.get('content-type'),
      body: read,
    });
    return { status: answer.status, headers: answer.headers, body: read };
  }
}
