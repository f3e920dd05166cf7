import { expect } from '@jest/globals';
import { ERROR_URN } from './scim-world.js';

export interface SeenAnswer {
  status: number;
  headers: Headers;
  body: unknown;
}

export type Ask = (method: string, path: string, init?: AskInit) => Promise<SeenAnswer>;
type AskInit = RequestInit & { credential?: string | null };

/** Asks without going through the client, which would check answers against the documentation of a known route. */
export function askerOf(url: string, ownCredential: string | null): Ask {
  return async (method, path, { credential = ownCredential, headers, ...rest } = {}) => {
    const authorization: Record<string, string> = credential === null ? {} : { authorization: `Bearer ${credential}` };
    const answer = await fetch(url + path, { method, ...rest, headers: { ...authorization, ...(headers as object) } });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, body: text === '' ? null : JSON.parse(text) };
  };
}

/** SCIM 8: the standard's members and no others, the status as a text, the media type, the request's id in a header. */
export function expectScimError(answer: SeenAnswer, status: number, scimType?: string): void {
  const { schemas, status: text, scimType: type, detail, ...others } = answer.body as Record<string, unknown>;
  expect({ status: answer.status, text, schemas, others, type }).toEqual({
    status,
    text: String(status),
    schemas: [ERROR_URN],
    others: {},
    type: scimType,
  });
  expect(typeof detail === 'string' && detail.length > 3).toBe(true);
  expect(answer.headers.get('content-type')).toMatch(/^application\/scim\+json/);
  expect(answer.headers.get('x-request-id')).toMatch(/\S/);
}
