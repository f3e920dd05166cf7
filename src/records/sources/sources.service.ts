import { Injectable } from '@nestjs/common';
import type { Principal } from '../../platform/access.js';
import { Database } from '../../platform/database.js';
import { Problem } from '../../platform/problem.js';
import { Sealer } from '../../platform/seal.js';
import { getConnection } from '../connections/connection-rows.js';
import type { SourceCredential } from './source-credential.js';
import { ConnectionSourceEntity } from './source.entity.js';

const PURPOSE = 'source credential';

@Injectable()
export class SourcesService {
  constructor(
    private readonly database: Database,
    private readonly sealer: Sealer,
  ) {}

  /** Throws `not_found` where the connection, or its source, is not there for this principal. */
  async get(principal: Principal, connectionId: string): Promise<ConnectionSourceEntity> {
    await getConnection(this.database.read, principal, connectionId);
    const row = await this.database.read.findOneBy(ConnectionSourceEntity, { connectionId });
    if (!row) throw new Problem('not_found', 'This connection has no source.');
    return row;
  }

  /** What the source is to be asked with. Throws SealError where it was sealed under a secret that is not known here. */
  openCredential(row: ConnectionSourceEntity): SourceCredential | null {
    if (row.sealedCredential === null) return null;
    const plain = this.sealer.unseal(purposeOf(row), row.sealedCredential);
    return JSON.parse(plain.toString('utf8')) as SourceCredential;
  }
}

/** Bound to its connection: a sealed credential copied to another row does not open. */
function purposeOf(row: Pick<ConnectionSourceEntity, 'connectionId'>): string {
  return `${PURPOSE} ${row.connectionId}`;
}
