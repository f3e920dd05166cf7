import { Injectable } from '@nestjs/common';
import { IsNull, MoreThan, Not } from 'typeorm';
import { Database } from '../../platform/database.js';
import { type Resealed, SealError, Sealer } from '../../platform/seal.js';
import type { SourceCredential } from './source-credential.js';
import { ConnectionSourceEntity } from './source.entity.js';

/** Seals what sources are asked with, each for its connection: copied to another row, it does not open. */
@Injectable()
export class CredentialVault {
  constructor(
    private readonly sealer: Sealer,
    private readonly database: Database,
  ) {}

  seal(connectionId: string, credential: SourceCredential | null): string | null {
    if (credential === null) return null;
    return this.sealer.seal(purposeOf(connectionId), Buffer.from(JSON.stringify(credential), 'utf8'));
  }

  /** Throws SealError where it was sealed under a secret that is not known here. */
  open({
    connectionId,
    sealedCredential,
  }: Pick<ConnectionSourceEntity, 'connectionId' | 'sealedCredential'>): SourceCredential | null {
    if (sealedCredential === null) return null;
    const plain = this.sealer.unseal(purposeOf(connectionId), sealedCredential);
    return JSON.parse(plain.toString('utf8')) as SourceCredential;
  }

  /**
   * Seals under the secret of now what was sealed under the one before; what an admin saves meanwhile stays. What does not
   * open is told by the id of its connection.
   */
  async reseal(): Promise<Resealed> {
    const done: Resealed = { resealed: 0, unopened: [] };
    for (let after = ''; ;) {
      const rows = await this.database.read.find(ConnectionSourceEntity, {
        where: { connectionId: MoreThan(after), sealedCredential: Not(IsNull()) },
        order: { connectionId: 'ASC' },
        take: ROWS_PER_PAGE,
      });
      for (const { connectionId, sealedCredential } of rows) {
        if (sealedCredential === null) continue;
        try {
          if (await this.resealOne(connectionId, sealedCredential)) done.resealed += 1;
        } catch (error) {
          if (!(error instanceof SealError)) throw error;
          done.unopened.push({ id: connectionId, why: error.message });
        }
      }
      after = rows.at(-1)?.connectionId ?? '';
      if (rows.length < ROWS_PER_PAGE) return done;
    }
  }

  private async resealOne(connectionId: string, sealed: string): Promise<boolean> {
    const anew = this.sealer.reseal(purposeOf(connectionId), sealed);
    if (anew === null) return false;
    const mine = { connectionId, sealedCredential: sealed };
    const change = { sealedCredential: anew };
    return this.database.transaction(
      async (tx) => (await tx.update(ConnectionSourceEntity, mine, change)).affected === 1,
    );
  }
}

const ROWS_PER_PAGE = 200;

function purposeOf(connectionId: string): string {
  return `source credential ${connectionId}`;
}
