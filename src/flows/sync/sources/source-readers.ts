import { Injectable } from '@nestjs/common';
import type { ConnectionPolicy } from '../../../plan/policy.js';
import { Clock } from '../../../platform/clock.js';
import { Outbound } from '../../../platform/outbound.js';
import { SealError } from '../../../platform/seal.js';
import { ConnectionPolicies } from '../../../provisioning/connection-policies.js';
import { CredentialVault } from '../../../records/sources/credential-vault.js';
import type { SourceCredential } from '../../../records/sources/source-credential.js';
import type { ConnectionSourceEntity } from '../../../records/sources/source.entity.js';
import { DocumentSource } from './document-source.js';
import { PrimaryClient } from './primary-client.js';
import { RollcallSource } from './rollcall-source.js';
import { ScimSource } from './scim-source.js';
import { SourceClient } from './source-client.js';
import { SourceFailure, type SourceReader } from './source-reader.js';

/** Which reader reads a source. */
@Injectable()
export class SourceReaders {
  constructor(
    private readonly outbound: Outbound,
    private readonly vault: CredentialVault,
    private readonly policies: ConnectionPolicies,
    private readonly clock: Clock,
  ) {}

  /** Throws SourceFailure where what is stored of the source cannot be used. */
  open(source: ConnectionSourceEntity): SourceReader {
    const { settings, connectionId } = source;
    const credential = this.openCredential(source);
    const client = new SourceClient(this.outbound, settings.url, credential);
    switch (settings.type) {
      case 'scim':
        return new ScimSource(client, settings, {
          findPolicy: () => this.getPolicy(connectionId),
          now: () => this.clock.now(),
        });
      case 'json':
      case 'ndjson':
        return new DocumentSource(client, settings);
      case 'rollcall': {
        const key = credential?.kind === 'bearer' ? credential.token : '';
        return new RollcallSource(new PrimaryClient(this.outbound, settings, key, this.clock));
      }
    }
  }

  private openCredential(source: ConnectionSourceEntity): SourceCredential | null {
    try {
      return this.vault.open(source);
    } catch (error) {
      if (!(error instanceof SealError)) throw error;
      const detail = 'The credential was sealed under another ROLLCALL_SECRET: set it again.';
      throw new SourceFailure('unreachable', detail, { cause: error });
    }
  }

  private async getPolicy(connectionId: string): Promise<ConnectionPolicy> {
    const known = await this.policies.find(connectionId);
    if (!known) throw new SourceFailure('invalid', 'The connection is gone.');
    return known.policy;
  }
}
