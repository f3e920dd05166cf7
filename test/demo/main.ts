import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HttpClient } from '../support/http-client.js';
import { type ServiceProcess, startProcess } from '../support/start-process.js';
import { type DemoApplication, startApplication } from './application.js';
import { type DemoProvider, startProvider } from './provider.js';
import { provision } from './scim-story.js';
import { sendSnapshots } from './snapshot-story.js';
import * as story from './story.js';
import { StepFailed, Teller } from './tell.js';

/**
 * `npm run demo`: Rollcall as a process of its own, beside a real OpenID provider and a small application, and what
 * becomes of two people and a push of a thousand. Serves on until Ctrl-C; with `--exit` it ends after the story, with
 * status 0 if every check held.
 */
const tell = new Teller();
const folder = mkdtempSync(join(tmpdir(), 'rollcall-demo-'));
/** What has to be stopped at the end; the service also while it starts. */
const running: { service?: Promise<ServiceProcess>; provider?: DemoProvider; application?: DemoApplication } = {};

const LINK = /http\S+\/setup#token=\S+/;
const STORY_MS_MAX = 120_000;

async function start(): Promise<{ stage: story.Stage; link: string }> {
  const port = await findFreePort();
  const provider = (running.provider = await startProvider());
  running.service = startProcess({
    NODE_ENV: 'development',
    PORT: String(port),
    DATA_DIR: folder,
    ALLOW_LOOPBACK_HTTP: 'true',
    LOG_LEVEL: 'info',
  });
  const service = await running.service;
  const link = await service.output(LINK);
  tell.line(`Rollcall            ${service.url}    a process of its own, its embedded database in ${folder}`);
  tell.line(`Identity provider   ${provider.issuer}    oidc-provider; ada is in engineering, bob in sales`);
  tell.line('                    → what was asked   ← what came back   · what else happened   ✓ what was checked');
  return { stage: { tell, http: new HttpClient(service.url), provider }, link };
}

/** The story; returns the owner, for whoever wants to look around afterwards. */
async function play(stage: story.Stage, link: string): Promise<story.Owner> {
  const owner = await tell.step('The first start prints a link that works once: it makes the owner', () =>
    story.makeOwner(stage, link),
  );

  const connection = await tell.step(
    "The owner trusts a customer's provider, and says which groups mean which roles",
    () => story.connect(stage, owner),
  );

  const ada = await tell.step("Ada, of whom Rollcall has never heard, logs in with her provider's token", async () => {
    const login = await story.logIn(stage, 'ada');
    const id = login.body.user?.id ?? '';
    const user = await story.showUser(stage, owner, id);
    tell.check('she is a user now, and an editor because of her group', story.holds(user, 'editor'));
    return { id, token: login.body.access_token };
  });

  const app = (running.application = await startApplication(stage.http.url, story.AUDIENCE, owner.tenant));
  await tell.step("An application checks Rollcall's token offline, and greets by role", async () => {
    await story.greet(stage, app, ada.token, 'read and edit');
    await story.greet(stage, app, ada.token, 'read and edit');
    tell.check('for both it asked Rollcall once, for its keys: GET /.well-known/jwks.json', app.questions() === 1);
  });

  const moved = await tell.step(
    'An admin makes Ada a reviewer; the provider moves her from engineering to sales',
    async () => {
      await story.grantByHand(stage, owner, ada.id);
      stage.provider.setGroups('ada', ['sales']);
      const login = await story.logIn(stage, 'ada');
      const user = await story.showUser(stage, owner, ada.id);
      tell.check('editor is gone, because the group is', !story.holds(user, 'editor'));
      tell.check('viewer came by the other rule', story.holds(user, 'viewer'));
      tell.check('what the admin gave is still there', story.holds(user, 'reviewer'));
      await story.greet(stage, app, login.body.access_token, 'may read the reports');
      return login;
    },
  );

  const { job, bob } = await tell.step('A nightly job pushes 1,000 users with an API key', async () => {
    const body = { name: 'Nightly job', scopes: ['users:sync'], connection: connection.id };
    const key = await story.issueKey(stage, owner, body);
    const users = story.peopleToPush();
    const first = await story.push(stage, key, users);
    tell.check('1,000 created', first.counts.created === users.length);
    const again = await story.push(stage, key, users, 'the same 1,000');
    tell.check('the same again: 1,000 unchanged', again.counts.unchanged === users.length);
    const login = await story.logIn(stage, 'bob');
    tell.check("Bob's first login finds the user that the push made", login.body.user?.id === first.results[0]?.userId);
    return { job: key, bob: login.body };
  });

  await tell.step(
    'A rule is edited: first who would lose what; many do, so an admin has to agree; then they do',
    async () => {
      await story.editRule(stage, owner, connection);
      const user = await story.showUser(stage, owner, ada.id);
      tell.check(
        'Ada lost viewer, and is a reviewer still',
        !story.holds(user, 'viewer') && story.holds(user, 'reviewer'),
      );
    },
  );

  await tell.step(
    'The job sends everybody as a snapshot; one night its list is cut off, and the safety catch holds',
    () => sendSnapshots(stage, owner, job, story.peopleToPush()),
  );

  await tell.step("Why? Explain says what a login with Ada's token would do, and changes nothing", async () => {
    const answer = await story.explain(stage, owner, connection.id, moved.idToken);
    tell.check('every check of the token holds', answer.ok && answer.checks.every(({ ok }) => ok));
    tell.check('she would be a reviewer, by no rule', String(answer.plan?.user?.roles) === 'reviewer');
  });

  await tell.step("The provider's SCIM client brings Cleo, puts her into a group, and switches her off", () =>
    provision(stage, owner, connection.id),
  );

  await tell.step('Bob leaves: the job says so, and his token, though valid, is refused', async () => {
    const idToken = await story.refuse(stage, job, bob);
    const answer = await story.explain(stage, owner, connection.id, idToken);
    tell.check('he hears only that he was refused; admins see why', answer.checks.every(({ ok }) => ok) && !answer.ok);
  });
  return owner;
}

/** What there is to look at, with a credential that was tried. */
async function invite(stage: story.Stage, owner: story.Owner): Promise<void> {
  const { url } = stage.http;
  const scopes = ['users:read', 'roles:read', 'connections:read', 'sync-runs:read', 'audit:read', 'events:read'];
  const key = await tell.step('A key to look around with', async () => {
    const client = await story.issueKey(stage, owner, { name: 'Demo', scopes });
    for (const path of ['/users?q=ada', '/docs', '/openapi.json']) {
      const { status } = await client.get(path);
      tell.check(`GET ${path} answers ${status}`, status === 200);
    }
    return client.credential;
  });
  const { tenant, userName, password } = story.OWNER;
  tell.line(`
Every check held. Look around:

  API documentation   ${url}/docs
  API                 ${url}   (as JSON: /openapi.json)
  the owner           tenant ${tenant}, user name ${userName}, password "${password}", at POST /auth/login
  a key that reads    ${key}

  curl -s -H 'Authorization: Bearer ${key}' '${url}/users?q=ada'
`);
}

async function stop(): Promise<void> {
  // One that did not start has ended by itself.
  const service = await running.service?.catch(() => undefined);
  service?.kill('SIGTERM');
  await Promise.all([running.application?.stop(), running.provider?.stop(), service?.ended]);
  await service?.stop();
  rmSync(folder, { recursive: true, force: true });
}

/** The issuer of tokens is an address, so the port has to be known before the service starts. */
async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function main(): Promise<void> {
  const { stage, link } = await start();
  const owner = await play(stage, link);
  await invite(stage, owner);
}

const interrupted = new Promise<'interrupted'>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve('interrupted'));
});
const late = new Promise<never>((_, reject) => {
  setTimeout(() => reject(new Error(`not done after ${STORY_MS_MAX / 1000} s`)), STORY_MS_MAX).unref();
});

try {
  const ending = await Promise.race([main(), interrupted, late]);
  if (ending === 'interrupted') process.exitCode = 130;
  else if (!process.argv.includes('--exit')) {
    tell.line('It keeps serving. Ctrl-C ends it and removes its database.');
    await interrupted;
  }
} catch (error) {
  const service = await running.service?.catch(() => undefined);
  if (service) process.stderr.write(`\nThe last lines of Rollcall's log:\n${service.log.slice(-20).join('\n')}\n`);
  process.stderr.write(`\nThe demo failed: ${error instanceof StepFailed ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  await stop();
}
