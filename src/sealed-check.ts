import { IsNull, Not } from 'typeorm';
import type { Config } from './platform/config.js';
import type { Database } from './platform/database.js';
import type { Finding } from './platform/doctor.js';
import { openSealer } from './platform/seal.js';
import { SigningKeyEntity } from './records/sessions/signing-key.entity.js';
import { ConnectionSourceEntity } from './records/sources/source.entity.js';

/** Whether what the database keeps sealed opens under the secrets given: a strong secret can be the wrong one. */
export async function checkSealed(config: Config, database: Database): Promise<Finding[]> {
  const keys = await database.read.findBy(SigningKeyEntity, { sealedPrivateKey: Not('') });
  const sources = await database.read.findBy(ConnectionSourceEntity, { sealedCredential: Not(IsNull()) });
  // Without ROLLCALL_SECRET to open the sealer would make one; there is no need of it.
  if (keys.length + sources.length === 0) return [{ name: 'sealed', isGood: true, detail: 'nothing yet' }];
  const sealer = openSealer(config);
  const openKeys = keys.filter((key) => sealer.knows(key.sealedPrivateKey)).length;
  const openSources = sources.filter((source) => sealer.knows(source.sealedCredential ?? '')).length;
  const detail = `${openKeys} of ${keys.length} signing keys and ${openSources} of ${sources.length} credentials open`;
  // One key is enough to sign with; a source is asked with its own credential or not at all.
  const isGood = (keys.length === 0 || openKeys > 0) && openSources === sources.length;
  const advice = '; the rest is sealed under another secret: give that one as ROLLCALL_FORMER_SECRET';
  return [{ name: 'sealed', isGood, detail: isGood ? detail : `${detail}${advice}` }];
}
