import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { directoryOf } from '../support/directory-of.js';
import type { HttpClient } from '../support/http-client.js';
import { ProcessWorld } from '../support/process-world.js';
import { seedCustomer, seedFullConnection } from '../support/seed-customer.js';
import { startApp, type TestApp } from '../support/start-app.js';

interface Ended {
  code: number;
  out: string;
  err: string;
}

function rollcall(args: string[], env: Record<string, string>): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { env: { PATH: process.env.PATH, ...env } };
    execFile(process.execPath, ['dist/src/cli.js', 'import', ...args], options, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err });
    });
  });
}

describe('rollcall import', () => {
  let service: TestApp;
  let folder: string;
  let tenantId: string;
  let connectionId: string;
  let key: HttpClient;
  let bound: { ROLLCALL_API_KEY: string };

  beforeAll(async () => {
    service = await startApp();
  });
  afterAll(() => service.stop());
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rollcall-import-'));
    tenantId = await seedCustomer(service);
    connectionId = await seedFullConnection(service, tenantId);
    key = await service.clientWith(tenantId, ['users:sync', 'sync-runs:read'], connectionId);
    bound = { ROLLCALL_API_KEY: key.credential ?? '' };
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const file = (text: string | Buffer, name = 'users.csv') => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  const importFile = (path: string, ...args: string[]) => rollcall([path, '--url', service.url, ...args], bound);
  const directory = () => directoryOf(service.database.read, connectionId);

  it('sends a file as Excel saves it, and tells what became of its rows', async () => {
    const text =
      '\ufeffExternal ID;User Name;Roles;Groups;attributes.department\r\n' +
      'i-1;ada;viewer|editor;"Sales; West";R&D\r\n' +
      'i-2;"Lovelace; ""Ada""";viewer;engineering;\r\n';
    const first = await importFile(file(text));
    expect(first).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/^run \S+: rows 2, created 2\n$/) });
    expect(await directory()).toEqual([
      'i-1 ada 1 editor direct, viewer direct',
      'i-2 Lovelace; "Ada" 1 editor eng, viewer direct',
    ]);
    const run = first.out.slice(4, 40);
    expect((await key.get(`/sync-runs/${run}`)).body).toMatchObject({ kind: 'import', status: 'finished' });
    expect((await importFile(file(text))).out).toMatch(/rows 2, unchanged 2/);
    expect(existsSync(join(folder, 'users.refused.csv'))).toBe(false);
  });

  it('writes refused rows with the reason into a file, which is mended and sent again', async () => {
    const rows = Array.from({ length: 700 }, (_, n) => `i-${n},${n % 3 === 0 ? 'unheard-of' : 'viewer'},`);
    rows[4] = 'i-4,viewer,perhaps';
    rows[5] = 'i-5,viewer';
    const path = file(`externalId,roles,active\n${rows.join('\n')}\n`);
    const first = await importFile(path);
    expect(first).toMatchObject({ code: 1, out: expect.stringMatching(/rows 700, created 464, failed 236\n/) });
    const refused = join(folder, 'users.refused.csv');
    expect(first.out).toContain(refused);
    const lines = readFileSync(refused, 'utf8').split('\r\n');
    expect(lines).toHaveLength(238);
    expect(lines.slice(0, 5)).toEqual([
      '\ufeffexternalId,roles,active,problem',
      expect.stringMatching(/^i-0,unheard-of,,.*unheard-of/),
      expect.stringMatching(/^i-3,unheard-of,,/),
      'i-4,viewer,perhaps,active must be true or false',
      'i-5,viewer,has 2 cells where the header has 3',
    ]);
    const mended = readFileSync(refused, 'utf8')
      .replaceAll('unheard-of', 'editor')
      .replace('perhaps', 'yes')
      .replace('i-5,viewer,', 'i-5,viewer,,');
    const second = await importFile(file(mended, 'users.refused.csv'));
    expect(second).toMatchObject({ code: 0, out: expect.stringMatching(/rows 236, created 236\n$/) });
    expect(await directory()).toHaveLength(700);
  });

  it('with --dry-run tells the same, and changes nothing', async () => {
    const path = file('externalId,roles\ni-1,viewer\ni-2,unheard-of\n');
    const tried = await importFile(path, '--dry-run');
    expect(tried).toMatchObject({ code: 1, out: expect.stringMatching(/^would be: rows 2, created 1, failed 1\n/) });
    expect(readFileSync(join(folder, 'users.refused.csv'), 'utf8')).toMatch(/^i-2,unheard-of,/m);
    expect(await directory()).toEqual([]);
  });

  describe('--mode snapshot', () => {
    const rows = (count: number) => Array.from({ length: count }, (_, n) => `i-${n}\n`).join('');
    const send = (count: number, ...args: string[]) =>
      importFile(file(`externalId\n${rows(count)}`), '--mode', 'snapshot', '--scope', 'hr', ...args);

    it('switches off whom the file does not name of the scope; --dry-run tells how many', async () => {
      await send(40);
      await importFile(file('externalId\ni-other\n'));
      expect((await send(39, '--dry-run')).out).toMatch(/^would be: rows 39, unchanged 39, missing 1\n$/);
      const at = new Date().toISOString();
      expect((await send(39, '--stated-at', at)).out).toMatch(/rows 39, .*deactivated 1\n$/);
      expect((await directory()).filter((line) => line.includes(' 0 '))).toEqual(['i-39 null 0 ']);
    });

    it('says that an admin has to agree', async () => {
      const safetyCatch = { users: 3, percent: 10, graceHours: 0 };
      connectionId = await seedFullConnection(service, tenantId, { safetyCatch });
      const { credential } = await service.clientWith(tenantId, ['users:sync', 'sync-runs:read'], connectionId);
      bound = { ROLLCALL_API_KEY: credential ?? '' };
      await send(20);
      expect(await send(10, '--dry-run')).toMatchObject({ code: 1, out: expect.stringMatching(/would be held/) });
      const { code, out } = await send(10);
      expect([code, out]).toEqual([1, expect.stringMatching(/held 10\nheld for an admin: It would switch off 10/)]);
    });

    it('sends nothing of a file with a row that cannot be read', async () => {
      await send(40);
      const { code, err } = await importFile(file('externalId,active\ni-1,perhaps\n'), '--mode', 'snapshot');
      expect([code, err]).toEqual([1, expect.stringMatching(/1 rows cannot be read/)]);
      expect(readFileSync(join(folder, 'users.refused.csv'), 'utf8')).toMatch(/^i-1,perhaps,active must be/m);
      expect((await key.get<{ items: object[] }>('/sync-runs')).body.items).toHaveLength(1);
    });

    it('is upsert where nothing is said, and nothing else', async () => {
      await send(3);
      expect((await importFile(file('externalId\ni-0\n'))).out).toMatch(/rows 1, unchanged|rows 1, updated/);
      expect((await importFile(file('externalId\ni-0\n'), '--mode', 'all')).err).toMatch(/--mode must be/);
    });
  });

  it('takes an empty cell for silence, or for emptiness where that is said', async () => {
    await importFile(file('externalId,userName,roles\ni-1,ada,viewer\n'));
    await importFile(file('externalId,userName,roles\ni-1,,\n'));
    expect(await directory()).toEqual(['i-1 ada 1 viewer direct']);
    await importFile(file('externalId,userName,roles\ni-1,,\n'), '--empty-clears');
    expect(await directory()).toEqual([expect.not.stringContaining('viewer')]);
  });

  it.each<[string, string | Buffer, RegExp]>([
    ['a header that is not known', 'externalId,colour\ni-1,red\n', /the column "colour" is not known/],
    ['no column that names people', 'userName\nada\n', /externalId is missing/],
    ['a quote that is not closed', 'externalId\ni-1\n"i-2\ni-3\n', /Line 3: a quoted cell is not closed/],
    ['another encoding', Buffer.from('externalId,displayName\ni-1,Zo\xeb\n', 'latin1'), /not UTF-8/],
    ['UTF-16', Buffer.from('\ufeffexternalId\ni-1\n', 'utf16le'), /UTF-16/],
    ['nothing in it', '', /empty/],
  ])('sends nothing of a file with %s', async (_, text, why) => {
    const { code, err } = await importFile(file(text));
    expect([code, err]).toEqual([1, expect.stringMatching(why)]);
    expect((await key.get<{ items: object[] }>('/sync-runs')).body.items).toEqual([]);
  });

  it('takes its key from the environment or a file, never from the command line, and shows it to nobody', async () => {
    const path = file('externalId\ni-1\n');
    expect(await rollcall([path, '--url', service.url], {})).toMatchObject({
      code: 1,
      err: expect.stringMatching(/ROLLCALL_API_KEY/),
    });
    const keyFile = file(`${bound.ROLLCALL_API_KEY}\n`, 'key');
    expect((await rollcall([path, '--url', service.url], { ROLLCALL_API_KEY_FILE: keyFile })).code).toBe(0);
    const open = await rollcall([path, '--url', 'http://rollcall.example.com'], bound);
    expect(open).toMatchObject({ code: 1, err: expect.stringMatching(/not https/) });
    expect((await rollcall([path, '--url', service.url], { ROLLCALL_API_KEY: 'rc_wrong' })).err).toMatch(/^401/);
  });

  it('passes over rows of nothing but delimiters, as spreadsheets leave them, in a snapshot too', async () => {
    const text = ';;\r\nexternalId;userName;roles\r\ni-1;ada;viewer\r\n;;\r\ni-2;bob;viewer\r\n; ;\r\n;;\r\n';
    const { code, out } = await importFile(file(text), '--mode', 'snapshot');
    expect([code, out]).toEqual([0, expect.stringMatching(/rows 2, created 2\n$/)]);
    expect((await importFile(file(text.replace(/i-2.*\r\n/, ''), 'two.csv'), '--mode', 'snapshot')).out).toMatch(
      /rows 1, unchanged 1, deactivated 1\n$/,
    );
  });

  it('sends nothing where refused rows could not be written, or would be written over the file', async () => {
    const text = 'externalId,roles\ni-1,unheard-of\ni-2,viewer\n';
    const path = file(text);
    for (const [refused, why] of [
      [path, /names the file itself/],
      [join(folder, '.', 'users.csv'), /names the file itself/],
      [join(folder, 'missing', 'refused.csv'), /Nothing was sent.*missing/],
    ] as const) {
      const { code, err } = await importFile(path, '--refused', refused);
      expect([code, err]).toEqual([1, expect.stringMatching(why)]);
    }
    expect(readFileSync(path, 'utf8')).toBe(text);
    expect(await directory()).toEqual([]);
  });

  it('tells what became of the rows by a key that may only push, and which were refused as far as it may know', async () => {
    const { credential } = await service.clientWith(tenantId, ['users:sync'], connectionId);
    bound = { ROLLCALL_API_KEY: credential ?? '' };
    const few = await importFile(file('externalId,roles\ni-1,unheard-of\ni-2,viewer\n'));
    expect([few.code, few.err, few.out]).toEqual([
      1,
      '',
      expect.stringMatching(/rows 2, created 1, failed 1\n.*refused/),
    ]);
    expect(readFileSync(join(folder, 'users.refused.csv'), 'utf8')).toMatch(/^i-1,unheard-of,/m);
    const rows = Array.from({ length: 102 }, (_, n) => `i-${n},${n === 0 ? 'viewer' : 'unheard-of'}\n`).join('');
    const many = await importFile(file(`externalId,roles\n${rows}`, 'many.csv'));
    const told = /rows 102, created 1, failed 101\nThe refused rows could not be written: 403: .*sync-runs:read/;
    expect([many.code, many.out]).toEqual([1, expect.stringMatching(told)]);
  });

  it('says where nobody answers', async () => {
    const { code, err } = await importFile(file('externalId\ni-1\n'), '--dry-run', '--url', 'http://localhost:1');
    expect([code, err]).toEqual([1, 'http://localhost:1 does not answer, or broke off (ECONNREFUSED).\n']);
  });

  it('says in words why the service refuses all of it', async () => {
    const { code, err } = await importFile(
      file('externalId\ni-1\n'),
      '--connection',
      connectionId.replace(/^../, 'ff'),
    );
    expect([code, err]).toEqual([1, '403: This key speaks for another connection.\n']);
  });
});

describe('rollcall import of many, while the service is killed with -9 and comes back', () => {
  let world: ProcessWorld;
  beforeAll(async () => {
    world = await ProcessWorld.build();
  }, 60_000);
  afterAll(() => world.stop(), 60_000);

  it('goes on by itself, and everybody is there once', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rollcall-import-'));
    const path = join(folder, 'many.csv');
    const rows = Array.from({ length: 6000 }, (_, n) => `m-${n},m-${n}@x.example,viewer\n`);
    writeFileSync(path, `externalId,userName,roles\n${rows.join('')}`);
    const port = '39417';
    const first = await world.start({ PORT: port });
    const args = [path, '--url', first.service.url, '--connection', world.connection];
    const importing = rollcall(args, { ROLLCALL_API_KEY: first.http.credential ?? '' });
    await world.untilCount(1000, 'identities');
    first.service.kill('SIGKILL');
    await first.service.ended;
    await world.expireHolds();
    await world.start({ PORT: port });
    expect(await importing).toMatchObject({
      code: 0,
      out: expect.stringMatching(/rows 6000, created 6000\n$/),
      err: expect.stringMatching(/tried again/),
    });
    expect(await world.count('identities')).toBe(6000);
    expect(await world.count('runs')).toBe(1);
    rmSync(folder, { recursive: true });
  }, 90_000);
});
