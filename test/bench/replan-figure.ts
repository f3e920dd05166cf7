import type { Customer } from './customer.js';
import { atMost, type Figure } from './figure.js';
import { round } from './statistics.js';

const RULE = { id: 'everyone', when: "'Everyone' in claims.groups", grant: ['approver'] };

/** Adds a rule that gives every one of the customer's people a role, and waits until all have it. */
export async function* replan(url: string, { connectionId, key }: Customer, users: number): AsyncGenerator<Figure> {
  const call = async (method: string, path: string, body?: object): Promise<Record<string, unknown>> => {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'if-match': etag },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    etag = answer.headers.get('etag') ?? etag;
    if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as Record<string, unknown>;
  };
  let etag = '*';
  const connection = await call('GET', `/connections/${connectionId}`);
  const { roles } = connection.mapping as { roles: object[] };
  const from = performance.now();
  const saved = await call('PATCH', `/connections/${connectionId}`, { mapping: { roles: [...roles, RULE] } });
  const run = await waitForRun(call, String(saved.replan));
  const seconds = (performance.now() - from) / 1000;
  const { changed } = run.counts as { changed: number };
  if (changed !== users) throw new Error(`The re-plan changed ${changed} of ${users} people.`);
  yield atMost('replan_100k_seconds', round(seconds), 60, { users, users_per_second: Math.round(users / seconds) });
}

async function waitForRun(call: (method: string, path: string) => Promise<Record<string, unknown>>, id: string) {
  for (;;) {
    const run = await call('GET', `/sync-runs/${id}`);
    if (run.status === 'finished') return run;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
