import type { SyncAnswerDto, SyncRecordDto } from '../../src/flows/sync/sync.dto.js';
import type { ExplainAnswer } from '../../src/flows/login/explain.dto.js';
import type { LoginAnswer } from '../../src/flows/login/login.dto.js';
import type { ReplanPreviewView } from '../../src/provisioning/replan.dto.js';
import type { NewApiKeyView } from '../../src/records/api-keys/api-keys.dto.js';
import type { SavedConnectionView } from '../../src/records/connections/connection.dto.js';
import type { RunPlanView } from '../../src/records/sync-runs/held-runs.dto.js';
import type { RunView } from '../../src/records/sync-runs/sync-runs.dto.js';
import type { UserPage, UserView } from '../../src/records/users/user-view.dto.js';
import type { Answer, HttpClient } from '../support/http-client.js';
import type { DemoApplication } from './application.js';
import type { DemoProvider } from './provider.js';
import { type SignedIn, signInAt } from './sign-in.js';
import type { Teller } from './tell.js';

/** Where the story plays. */
export interface Stage {
  tell: Teller;
  http: HttpClient;
  provider: DemoProvider;
}

export interface Owner {
  client: HttpClient;
  tenant: string;
}

export const OWNER = { tenant: 'main', userName: 'owner', password: 'correct horse battery staple' };
export const AUDIENCE = 'reports';

const PUSHED = 1000;
const RUN_WAIT_MS = 10_000;
const RUN_POLL_MS = 100;

export async function makeOwner({ tell, http }: Stage, link: string): Promise<Owner> {
  const { tenant, userName, password } = OWNER;
  const body = { token: link.split('#token=')[1], userName, password };
  const made = await tell.ask<{ tenants: string[] }>(http, 'POST /setup', { body, status: 201 });
  tell.check('the link made the first operator, and the owner of tenant main', made.body.tenants.includes(tenant));
  await tell.ask<{ code: string }>(http, 'POST /setup', { body, status: 410, show: ({ code }) => ({ code }) });
  tell.check('it works once', true);
  const login = await tell.ask<LoginAnswer>(http, 'POST /auth/login', {
    body: OWNER,
    status: 200,
    show: ({ access_token, user }) => ({ access_token, user: { userName: user?.userName, roles: user?.roles } }),
  });
  tell.check('the owner is in', login.body.user?.roles.includes('owner') === true);
  return { client: http.as(login.body.access_token), tenant: login.body.user?.tenant ?? '' };
}

/** Says whom the tenant trusts, and which groups mean which roles. */
export async function connect({ tell, provider }: Stage, { client }: Owner): Promise<SavedConnectionView> {
  for (const [key, permission] of [
    ['editor', 'reports:write'],
    ['viewer', 'reports:read'],
    ['reviewer', 'reports:review'],
  ]) {
    await tell.ask(client, 'POST /roles', {
      body: { key, name: key, permissions: [permission] },
      status: 201,
      show: () => undefined,
    });
  }
  await tell.ask(client, 'POST /applications', {
    body: { name: 'Reports', audience: AUDIENCE },
    status: 201,
    show: () => undefined,
  });
  const connection = await tell.ask<SavedConnectionView>(client, 'POST /connections', {
    body: {
      name: 'Acme',
      issuer: provider.issuer,
      audiences: [provider.clientId],
      login: { match: [{ claim: 'sub', field: 'externalId' }] },
      mapping: {
        roles: [
          { id: 'engineers', when: "'engineering' in claims.groups", grant: ['editor'] },
          { id: 'sales', when: "'sales' in claims.groups", grant: ['viewer'] },
        ],
      },
      allowedRoles: ['editor', 'viewer'],
    },
    status: 201,
    show: ({ id, preset, algorithms, version, warnings }) => ({ id, preset, algorithms, version, warnings }),
  });
  tell.check('Acme is trusted; it may grant editor and viewer, nothing else', connection.body.warnings.length === 0);
  return connection.body;
}

/** A sign-in at the provider, then the login with the ID token that it gave. */
export async function logIn(stage: Stage, login: string): Promise<Answer<LoginAnswer> & { idToken: string }> {
  const { idToken } = await signIn(stage, login);
  const answer = await stage.tell.ask<LoginAnswer>(stage.http, 'POST /auth/login', {
    body: { token: idToken, application: AUDIENCE },
    status: 200,
    show: ({ access_token, user }) => ({ access_token, user: { userName: user?.userName, roles: user?.roles } }),
  });
  return { ...answer, idToken };
}

async function signIn({ tell, provider }: Stage, login: string): Promise<SignedIn> {
  const signed = await signInAt(provider, login);
  const groups = JSON.stringify(signed.claims.groups);
  tell.aside(`${login} signs in at the provider (code + PKCE): ID token with groups ${groups}`);
  return signed;
}

export async function showUser({ tell }: Stage, { client }: Owner, id: string): Promise<UserView> {
  const answer = await tell.ask<UserView>(client, `GET /users/${id}`, {
    status: 200,
    show: ({ userName, roles }) => ({
      userName,
      roles: roles.map(({ key, grants }) => ({ [key]: grants.map(({ source }) => whoGave(source)) })),
    }),
  });
  return answer.body;
}

function whoGave({ rule, because, reason }: UserView['roles'][number]['grants'][number]['source']): string {
  return rule === undefined ? `an admin: ${reason}` : `rule ${rule}: ${because}`;
}

export function holds(user: UserView, role: string): boolean {
  return user.roles.some(({ key, effective }) => key === role && effective);
}

/** The application checks the token by itself. */
export async function greet(
  { tell }: Stage,
  application: DemoApplication,
  token: string,
  words: string,
): Promise<void> {
  const answer = await fetch(application.url, { headers: { authorization: `Bearer ${token}` } });
  const text = await answer.text();
  tell.aside(`GET / at the application: ${answer.status} ${text}`);
  tell.check(`it greets by role ("${words}")`, text.includes(words));
}

export async function grantByHand({ tell }: Stage, { client }: Owner, userId: string): Promise<void> {
  const user = await tell.ask<UserView>(client, `PUT /users/${userId}/roles/reviewer`, {
    body: { reason: 'covers for Bob' },
    status: 200,
    show: ({ roles }) => ({ roles: roles.map(({ key }) => key) }),
  });
  tell.check('Ada is a reviewer, because an admin says so', holds(user.body, 'reviewer'));
}

/** A thousand people of whom the provider has said nothing yet; Bob is the first of them. */
export function peopleToPush(): SyncRecordDto[] {
  return Array.from({ length: PUSHED }, (_, index) => {
    const externalId = index === 0 ? 'bob' : `u${1000 + index}`;
    const userName = index === 0 ? 'bob' : `p${1000 + index}`;
    const groups = ['sales', index % 4 === 3 ? 'apac' : 'emea'];
    return { externalId, userName, email: `${userName}@acme.example`, groups };
  });
}

export async function issueKey({ tell, http }: Stage, { client }: Owner, body: object): Promise<HttpClient> {
  const key = await tell.ask<NewApiKeyView>(client, 'POST /api-keys', {
    body,
    status: 201,
    show: ({ key: secret, scopes }) => ({ key: secret, scopes }),
  });
  return http.as(key.body.key);
}

export async function push(
  { tell }: Stage,
  job: HttpClient,
  users: SyncRecordDto[],
  told: unknown = { users },
): Promise<SyncAnswerDto> {
  const answer = await tell.ask<SyncAnswerDto>(job, 'POST /users/sync', {
    body: { users },
    told,
    status: 200,
    show: ({ counts }) => counts,
  });
  return answer.body;
}

/** An edited rule: what it would do, that it waits for an admin because it takes from many, then that it does it. */
export async function editRule({ tell }: Stage, { client }: Owner, connection: SavedConnectionView): Promise<void> {
  const [engineers, sales] = connection.mapping.roles ?? [];
  const narrower = { ...sales, when: "'sales' in claims.groups && 'emea' in claims.groups" };
  const body = { mapping: { roles: [engineers, narrower] } };
  const preview = await tell.ask<ReplanPreviewView>(client, `POST /connections/${connection.id}/dry-run`, {
    body,
    status: 200,
    show: ({ people, changed, losses, held, users }) => ({
      people,
      changed,
      losses,
      held,
      users: users.map(({ userName, losses: lost }) => ({ userName, losses: lost })),
    }),
  });
  const losers = preview.body.losses[0]?.people ?? 0;
  tell.check(`${losers} people would lose viewer: those of sales outside EMEA, and Ada`, losers === PUSHED / 4 + 1);
  const before = await countViewers(client);
  tell.check(`nothing was written: ${before} people hold it`, before === PUSHED + 1);
  const saved = await tell.ask<SavedConnectionView>(client, `PATCH /connections/${connection.id}`, {
    body,
    told: 'the same change',
    headers: { 'If-Match': `"${connection.version}"` },
    status: 200,
    show: ({ version, mappingVersion, replan }) => ({ version, mappingVersion, replan }),
  });
  const id = saved.body.replan ?? '';
  const held = await waitForRun(client, id);
  await tell.ask<RunPlanView>(client, `GET /sync-runs/${id}/plan`, {
    status: 200,
    show: ({ status, reason, removals: all }) => ({
      status,
      reason,
      removals: { reduced: all?.reduced, losses: all?.losses },
    }),
  });
  const still = await countViewers(client);
  tell.check(`that is too many for the safety catch: ${still} people hold it still`, held.status === 'held');
  await tell.ask<RunView>(client, `POST /sync-runs/${id}/approve`, { status: 200, show: ({ status }) => ({ status }) });
  const run = await waitForRun(client, id);
  await tell.ask<RunView>(client, `GET /sync-runs/${run.id}`, {
    status: 200,
    show: ({ kind, status, counts }) => ({ kind, status, counts }),
  });
  const after = await countViewers(client);
  tell.check(
    `now ${after} people hold viewer, ${before - after} fewer, and nobody had to log in`,
    before - after === losers,
  );
}

async function waitForRun(client: HttpClient, id: string): Promise<RunView> {
  const until = performance.now() + RUN_WAIT_MS;
  for (;;) {
    const { body } = await client.get<RunView>(`/sync-runs/${id}`);
    if (body.status === 'finished' || body.status === 'held') return body;
    if (body.status !== 'running') throw new Error(`run ${id} is ${body.status}: ${body.error}`);
    if (performance.now() > until) throw new Error(`run ${id} did not end within ${RUN_WAIT_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, RUN_POLL_MS));
  }
}

async function countViewers(client: HttpClient): Promise<number> {
  let count = 0;
  let cursor: string | null = null;
  do {
    const place: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page: Answer<UserPage> = await client.get<UserPage>(`/users?role=viewer&limit=200${place}`);
    count += page.body.items.length;
    cursor = page.body.cursor;
  } while (cursor !== null);
  return count;
}

export async function explain(stage: Stage, { client }: Owner, at: string, idToken: string): Promise<ExplainAnswer> {
  const answer = await stage.tell.ask<ExplainAnswer>(client, `POST /connections/${at}/explain`, {
    body: { token: idToken },
    status: 200,
    show: ({ ok, checks, rules, plan }) => ({
      ok,
      checks: `${checks.filter((check) => check.ok).length} of ${checks.length} hold`,
      rules: rules.map(({ rule, saw, result }) => ({ rule, saw, result })),
      plan: plan && {
        result: plan.result,
        roles: plan.user?.roles,
        ...(plan.problem && { problem: plan.problem.code }),
      },
    }),
  });
  return answer.body;
}

/** Bob is switched off by the push, and comes with a token that the provider has just given him. */
export async function refuse(stage: Stage, job: HttpClient, session: LoginAnswer): Promise<string> {
  const { tell, http } = stage;
  const pushed = await push(stage, job, [{ externalId: 'bob', active: false }]);
  tell.check('Bob is deactivated', pushed.counts.deactivated === 1);
  const show = ({ code, title }: { code: string; title: string }) => ({ code, title });
  const { idToken } = await signIn(stage, 'bob');
  await tell.ask(http, 'POST /auth/login', { body: { token: idToken, application: AUDIENCE }, status: 401, show });
  tell.check('the provider still lets him in, Rollcall does not', true);
  const body = { refresh_token: session.refresh_token };
  await tell.ask(http, 'POST /auth/refresh', { body, status: 401, show });
  tell.check('the session that he had is over', true);
  return idToken;
}
