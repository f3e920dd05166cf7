import { Injectable } from '@nestjs/common';
import { Sealer } from '../../platform/seal.js';
import type { SourceCredential } from './source-credential.js';
import type { ConnectionSourceEntity } from './source.entity.js';

/** Seals what sources are asked with, each for its connection: copied to another row, it does not open. */
@Injectable()
export class CredentialVault {
  constructor(private readonly sealer: Sealer) {}

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
}

function purposeOf(connectionId: string): string {
  return `source credential ${connectionId}`;
}
