import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { engine } from '../support/databases.js';
import { startMysqlServer } from '../support/mysql-server.js';
import { startApp, type TestApp } from '../support/start-app.js';
import { createDirectory } from './directory.js';
import { type PostmanItem, runPostmanItem } from './postman-collection.js';
import { oktaVariables, runRunscopeTest, type RunscopeTest } from './runscope-suite.js';
import { ask, type Target, type Variables, type Verdict } from './suite.js';

/**
 * `npm run conformance -- --okta FILE --microsoft FILE`: the public suites that Okta and Microsoft publish for SCIM
 * servers, each against an empty directory under the preset of its provider, on SQLite and on a MySQL-protocol server
 * (found as `npm test` finds it; SQLITE_ONLY=1 leaves it out). Ends with 1 when an assertion does not hold.
 *
 * FILE of Okta: its "SCIM 2.0 SPEC Test" for BlazeMeter (Runscope), JSON. FILE of Microsoft: the Postman collection of
 * its SCIM reference code, JSON.
 */

const USAGE = 'Usage: npm run conformance -- [--okta FILE] [--microsoft FILE]; at least one of them.';
/** It asks Microsoft's sample server for a token of its own, and would overwrite ours. */
const LEFT_OUT = ['Get Token'];

interface Suite {
  name: string;
  preset: string;
  run(target: Target): Promise<Verdict[]>;
}

function readSuites(args: string[]): Suite[] {
  const { values } = parseArgs({ args, options: { okta: { type: 'string' }, microsoft: { type: 'string' } } });
  const suites: Suite[] = [];
  if (values.okta !== undefined) {
    const test = JSON.parse(readFileSync(values.okta, 'utf8')) as RunscopeTest;
    suites.push({ name: 'Okta', preset: 'okta', run: (target) => runOkta(test, target) });
  }
  if (values.microsoft !== undefined) {
    const { item } = JSON.parse(readFileSync(values.microsoft, 'utf8')) as { item: PostmanItem[] };
    suites.push({ name: 'Microsoft', preset: 'entra', run: (target) => runMicrosoft(item, target) });
  }
  if (suites.length === 0) throw new Error(USAGE);
  return suites;
}

/** Okta's test begins with "a user that is there already". */
async function runOkta(test: RunscopeTest, target: Target): Promise<Verdict[]> {
  const user = {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
    userName: 'first@example.com',
    name: { givenName: 'First', familyName: 'User' },
    emails: [{ primary: true, value: 'first@example.com', type: 'work' }],
    active: true,
  };
  const headers = { authorization: `Bearer ${target.token}`, 'content-type': 'application/scim+json' };
  const made = await ask('POST', `${target.baseUrl}/Users`, { headers, body: JSON.stringify(user) });
  const before = { name: 'a first user is created', failure: made.status === 201 ? null : made.text };
  const verdicts = await runRunscopeTest(test, oktaVariables(target));
  return before.failure === null ? verdicts : [before, ...verdicts];
}

async function runMicrosoft(items: PostmanItem[], { baseUrl, token }: Target): Promise<Verdict[]> {
  const { protocol, hostname, port, pathname } = new URL(baseUrl);
  const variables: Variables = new Map([
    ['Protocol', protocol.slice(0, -1)],
    ['Server', hostname],
    ['Port', `:${port}`],
    ['Api', pathname.slice(1)],
    ['token', token],
  ]);
  const verdicts: Verdict[] = [];
  for (const item of items) {
    if (!LEFT_OUT.includes(item.name)) verdicts.push(...(await runPostmanItem(item, variables)));
  }
  return verdicts;
}

/** One engine, in a process of its own: answers whether all held. */
async function runHere(suites: readonly Suite[]): Promise<boolean> {
  let rollcall: TestApp | null = null;
  let failed = 0;
  try {
    rollcall = await startApp();
    for (const { name, preset, run } of suites) {
      const verdicts = await run(await createDirectory(rollcall, preset));
      const failures = verdicts.filter((each) => each.failure !== null);
      for (const each of failures) process.stdout.write(`FAIL ${each.name}\n     ${each.failure}\n`);
      const passed = verdicts.length - failures.length;
      process.stdout.write(`${name} on ${engine}: ${passed} passed, ${failures.length} failed\n`);
      // A suite in which nothing was asserted shows nothing.
      failed += verdicts.length === 0 ? 1 : failures.length;
    }
  } finally {
    await rollcall?.stop();
  }
  return failed === 0;
}

async function runOn(env: Record<string, string>, args: string[]): Promise<boolean> {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), ...args], {
    stdio: 'inherit',
    env: { ...process.env, ...env, CONFORMANCE_LEG: '1' },
  });
  return (await new Promise((resolve) => child.once('exit', resolve))) === 0;
}

async function runOnBoth(args: string[]): Promise<boolean> {
  readSuites(args);
  const onSqlite = await runOn({ TEST_ENGINE: 'sqlite' }, args);
  if (process.env.SQLITE_ONLY === '1') return onSqlite;
  const server = await startMysqlServer((text) => process.stdout.write(`${text}\n`));
  try {
    process.stdout.write(`${server.name}\n`);
    return (await runOn({ TEST_ENGINE: 'mysql', TEST_MYSQL_URL: server.url }, args)) && onSqlite;
  } finally {
    await server.stop();
  }
}

try {
  const args = process.argv.slice(2);
  const held = process.env.CONFORMANCE_LEG === '1' ? await runHere(readSuites(args)) : await runOnBoth(args);
  process.exitCode = held ? 0 : 1;
} catch (error) {
  process.stderr.write(`conformance: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
