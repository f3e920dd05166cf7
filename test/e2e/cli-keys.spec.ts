import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { readConfig } from '../../src/platform/config.js';
import type { Database } from '../../src/platform/database.js';
import { newId } from '../../src/platform/ids.js';
import { openDatabase } from '../../src/platform/open-database.js';
import { Sealer } from '../../src/platform/seal.js';
import { SigningKeyEntity } from '../../src/records/sessions/signing-key.entity.js';
import { CredentialVault } from '../../src/records/sources/credential-vault.js';
import type { SourceCredential } from '../../src/records/sources/source-credential.js';
import { ConnectionSourceEntity } from '../../src/records/sources/source.entity.js';
import { shape } from '../../src/tables.js';
import { createScratchDatabase } from '../support/databases.js';
import { seedSource } from '../support/scripted-source.js';

const [OLD, NEW, LOST] = ['old', 'new', 'lost'].map((name) => `${name} secret of thirty-two bytes or more`);
const CREDENTIAL: SourceCredential = { kind: 'bearer', token: 'what the source is asked with' };

describe('`keys rotate` after the secret was changed', () => {
  let scratch: Awaited<ReturnType<typeof createScratchDatabase>>;
  let database: Database;
  beforeAll(async () => {
    scratch = await createScratchDatabase();
    database = await openDatabase(readConfig({ NODE_ENV: 'test', ...scratch.env }), shape);
    await database.migrate();
  });
  afterAll(async () => {
    await database.close();
    await scratch.drop();
  });

  function rotate(
    secrets: Record<string, string | undefined>,
    command = 'rotate',
  ): { code: number | null; output: string } {
    const env = { ...process.env, NODE_ENV: 'test', ...scratch.env, ...secrets } as Record<string, string>;
    const ended = spawnSync(process.execPath, ['dist/src/cli.js', 'keys', command], { env, encoding: 'utf8' });
    return { code: ended.status, output: ended.stdout + ended.stderr };
  }
  const vaultOf = (secret = '') => new CredentialVault(new Sealer(Buffer.from(secret)), database);
  async function seedSealed(secret: string | undefined): Promise<string> {
    const connectionId = newId();
    const sealedCredential = vaultOf(secret).seal(connectionId, CREDENTIAL);
    await seedSource({ database }, { tenantId: newId(), connectionId }, { sealedCredential });
    return connectionId;
  }
  const source = (connectionId: string) => database.read.findOneByOrFail(ConnectionSourceEntity, { connectionId });

  it('what was sealed before opens under the new secret alone; what nobody can open is named and left', async () => {
    expect(rotate({ ROLLCALL_SECRET: OLD }).code).toBe(0);
    const [mine, lost, open] = [await seedSealed(OLD), await seedSealed(LOST), newId()];
    await seedSource({ database }, { tenantId: newId(), connectionId: open }, {});
    const moved = await seedSealed(OLD);
    const [before, damaged] = [await source(lost), (await source(mine)).sealedCredential];
    await database.transaction((tx) =>
      tx.update(ConnectionSourceEntity, { connectionId: moved }, { sealedCredential: damaged }),
    );
    const last = await seedSealed(OLD);
    const { code, output } = rotate({ ROLLCALL_SECRET: NEW, ROLLCALL_FORMER_SECRET: OLD });
    expect([code, output.split('\n').slice(2)]).toEqual([
      1,
      [
        'sealed anew: 1 signing keys',
        'sealed anew: 2 credentials',
        expect.stringMatching(`NOT OPENED  credential of connection ${lost}: It was sealed under another secret`),
        `NOT OPENED  credential of connection ${moved}: The sealed text was changed, or sealed for another purpose.`,
        '',
      ],
    ]);
    for (const each of [mine, last]) expect(vaultOf(NEW).open(await source(each))).toEqual(CREDENTIAL);
    expect(() => vaultOf(OLD).open({ ...before, connectionId: mine })).toThrow('another secret');
    expect(await source(lost)).toEqual(before);
    const keys = await database.read.find(SigningKeyEntity);
    expect(keys).toHaveLength(2);
    const now = new Sealer(Buffer.from(NEW ?? ''));
    for (const { sealedPrivateKey } of keys)
      expect(now.unseal('signing key', sealedPrivateKey).length).toBeGreaterThan(0);
    const again = rotate({ ROLLCALL_SECRET: NEW, ROLLCALL_FORMER_SECRET: LOST }, 'reseal');
    expect([again.code, again.output.split('\n')]).toEqual([
      1,
      ['sealed anew: 1 credentials', expect.stringContaining(`NOT OPENED  credential of connection ${moved}:`), ''],
    ]);
    expect(vaultOf(NEW).open(await source(lost))).toEqual(CREDENTIAL);
    await database.transaction((tx) => tx.delete(ConnectionSourceEntity, { connectionId: moved }));
    expect(rotate({ ROLLCALL_SECRET: NEW }, 'reseal')).toEqual({ code: 0, output: '' });
    expect(await database.read.count(SigningKeyEntity)).toBe(2);
  });
});
