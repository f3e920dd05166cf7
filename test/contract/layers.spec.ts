import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

interface Report {
  diagnostics: { code: string; message: string }[];
}

/** What the linter says of one line in one file of a tree that has our configuration. */
function lint(folder: string, path: string, line: string): string[] {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${line}\n`);
  const ended = spawnSync(resolve('node_modules/.bin/oxlint'), ['--format=json', path], {
    cwd: folder,
    encoding: 'utf8',
  });
  rmSync(file);
  return (JSON.parse(ended.stdout) as Report).diagnostics.map((each) => each.code);
}

const RESTRICTED = 'eslint(no-restricted-imports)';

describe('the import rule', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'rollcall-lint-'));
    copyFileSync('.oxlintrc.json', join(folder, '.oxlintrc.json'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each([
    ['src/platform/x.ts', `import '../ledger/ledger.service.js';`],
    ['src/platform/x.ts', `import type { A } from '../plan/plan.js';\nexport let a: A;`],
    ['src/plan/x.ts', `import '../ledger/ledger.service.js';`],
    ['src/plan/x.ts', `import '@nestjs/common';`],
    ['src/plan/x.ts', `import 'typeorm';`],
    ['src/plan/x.ts', `import 'node:fs';`],
    ['src/ledger/x.ts', `import '../records/users/user.entity.js';`],
    ['src/records/users/x.ts', `import '../../provisioning/writer.js';`],
    ['src/records/users/x.ts', `import '../../flows/login/login.service.js';`],
    ['src/trust/x.ts', `import '../provisioning/writer.js';`],
    ['src/provisioning/x.ts', `import '../trust/verify-token.js';`],
    ['src/provisioning/x.ts', `import '../flows/sync/sync.service.js';`],
    ['src/flows/login/x.ts', `import '../sync/sync.service.js';`],
    ['src/flows/login/x.ts', `import '../../app.module.js';`],
    ['src/flows/scim/protocol/x.ts', `import '@nestjs/common';`],
    ['src/flows/scim/protocol/x.ts', `import 'typeorm';`],
    ['src/flows/scim/protocol/x.ts', `import '../scim.module.js';`],
    ['src/flows/scim/protocol/x.ts', `import '../../login/login.service.js';`],
    ['src/flows/scim/protocol/x.ts', `import '../../../records/users/user.entity.js';`],
    ['src/records/users/x.ts', `import '../../../test/support/start-app.js';`],
    ['src/x.ts', `import '../test/support/start-app.js';`],
  ])('is broken by %s with %s', (path, line) => {
    expect(lint(folder, path, line)).toEqual([RESTRICTED]);
  });

  it.each([
    ['src/plan/x.ts', `import '../platform/clock.js';`],
    ['src/records/users/x.ts', `import '../roles/role.entity.js';`],
    ['src/records/users/x.ts', `import '../../plan/plan.js';`],
    ['src/provisioning/x.ts', `import '../records/users/user.entity.js';`],
    ['src/flows/login/x.ts', `import '../../trust/verify-token.js';`],
    ['src/flows/scim/x.ts', `import './protocol/filter.js';`],
    ['src/flows/scim/protocol/x.ts', `import '../../../plan/facts.js';`],
    ['src/flows/login/x.ts', `import './login.service.js';`],
    ['src/app.module.ts', `import './flows/login/login.module.js';`],
  ])('is kept by %s with %s', (path, line) => {
    expect(lint(folder, path, line)).toEqual([]);
  });
});
