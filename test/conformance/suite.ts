/** What one assertion of a suite came to. */
export interface Verdict {
  /** The request and the assertion, in the suite's words. */
  name: string;
  /** Why it did not hold; null where it did. */
  failure: string | null;
}

/** Where a suite finds the server. */
export interface Target {
  /** With `/scim/v2`, without a slash at the end. */
  baseUrl: string;
  /** The bearer token. */
  token: string;
}

export type Variables = Map<string, string>;

/** Puts variables into `{{name}}`; an unknown one stays as it is, as Postman and Runscope leave it. */
export function fill(text: string, variables: Variables): string {
  return text.replace(/\{\{\s*([\w.-]+)\s*\}\}/g, (whole, name: string) => variables.get(name) ?? whole);
}

/** An answer as suites look at it. */
export interface SuiteAnswer {
  status: number;
  text: string;
  headers: Headers;
  ms: number;
}

export async function ask(method: string, url: string, init: RequestInit): Promise<SuiteAnswer> {
  const from = performance.now();
  const answer = await fetch(url, { ...init, method });
  const text = await answer.text();
  return { status: answer.status, text, headers: answer.headers, ms: performance.now() - from };
}
