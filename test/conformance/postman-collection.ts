import { runPostmanScript } from './postman-script.js';
import { ask, fill, type SuiteAnswer, type Variables, type Verdict } from './suite.js';

/** The parts of a Postman collection (format 2.1) that a suite of plain requests uses. */
export interface PostmanItem {
  name: string;
  item?: PostmanItem[];
  request?: PostmanRequest;
  event?: { listen: string; script: { exec: string[] | string } }[];
}

interface PostmanRequest {
  method: string;
  header?: { key: string; value: string; disabled?: boolean }[];
  auth?: { type: string; bearer?: { key: string; value: string }[] };
  body?: { mode: string; raw?: string };
  url: {
    protocol: string;
    host: string[];
    path?: string[];
    query?: { key: string; value: string | null; disabled?: boolean }[];
  };
}

/** Runs the requests of an item and of all within it, in order, each followed by its test script. */
export async function runPostmanItem(item: PostmanItem, variables: Variables, above = ''): Promise<Verdict[]> {
  const name = above === '' ? item.name : `${above} / ${item.name}`;
  const verdicts: Verdict[] = [];
  if (item.request) {
    const answer = await send(item.request, variables);
    const at = `${name}: ${item.request.method} ${answer.status}`;
    for (const { listen, script } of item.event ?? []) {
      if (listen !== 'test') continue;
      const code = [script.exec].flat().join('\n');
      for (const verdict of runPostmanScript(code, answer, variables)) {
        verdicts.push({ ...verdict, name: `${at}: ${verdict.name}` });
      }
    }
  }
  for (const each of item.item ?? []) verdicts.push(...(await runPostmanItem(each, variables, name)));
  return verdicts;
}

function send(request: PostmanRequest, variables: Variables): Promise<SuiteAnswer> {
  const { method, header = [], auth, body, url } = request;
  const headers = new Headers();
  for (const { key, value, disabled } of header) if (!disabled) headers.set(key, fill(value, variables));
  const token = auth?.type === 'bearer' ? auth.bearer?.find((each) => each.key === 'token')?.value : undefined;
  if (token !== undefined) headers.set('authorization', `Bearer ${fill(token, variables)}`);
  const query = (url.query ?? [])
    .filter((each) => !each.disabled)
    .map(({ key, value }) => (value === null ? key : `${key}=${value}`))
    .join('&');
  const path = (url.path ?? []).join('/');
  const address = fill(`${url.protocol}://${url.host.join('.')}/${path}${query === '' ? '' : `?${query}`}`, variables);
  // Like Postman, this encodes what a URL cannot hold, and nothing that is encoded already.
  return ask(method, new URL(address).href, {
    headers,
    ...(body?.mode === 'raw' && body.raw ? { body: fill(body.raw, variables) } : {}),
  });
}
