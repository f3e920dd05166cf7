import { Inject, Injectable } from '@nestjs/common';
import type { Principal } from '../../platform/access.js';
import { CONFIG, type Config } from '../../platform/config.js';
import { Problem } from '../../platform/problem.js';
import { publicUrl } from '../../platform/public-url.js';
import { ConnectionPolicies, type KnownConnection } from '../../provisioning/connection-policies.js';
import { type Leniencies, leniencyOf } from './protocol/leniencies.js';

/** A connection as a SCIM client sees it: everything of a request lives inside it (RFC 7644, section 6). */
export interface ScimDirectory {
  principal: Principal;
  tenantId: string;
  connectionId: string;
  known: KnownConnection;
  leniencies: Leniencies;
  /** Before `/Users`; without a slash at its end. */
  baseUrl: string;
}

@Injectable()
export class ScimDirectories {
  private readonly baseUrl: string;

  constructor(
    private readonly policies: ConnectionPolicies,
    @Inject(CONFIG) config: Config,
  ) {
    this.baseUrl = `${publicUrl(config)}/scim/v2`;
  }

  /** The directory of a caller. Throws `forbidden` for who is bound to no connection, or to one that is switched off. */
  async open(principal: Principal): Promise<ScimDirectory> {
    return this.toDirectory(principal, await this.policies.find(connectionOf(principal)));
  }

  /**
   * Does `work`, a write, in the directory as it was last read, which asks nobody; and again in the directory as it is,
   * if it failed and that was another. `work` says at the write which version of the connection it went by.
   */
  async openToWrite<T>(principal: Principal, work: (directory: ScimDirectory) => Promise<T>): Promise<T> {
    const id = connectionOf(principal);
    const kept = this.policies.findKept([id])?.get(id);
    // Whether it is still closed has to be asked.
    const isOpen = kept?.row.status === 'active';
    let directory = isOpen ? this.toDirectory(principal, kept) : await this.open(principal);
    for (;;) {
      try {
        return await work(directory);
      } catch (error) {
        const now = await this.open(principal);
        if (now.known === directory.known) throw error;
        directory = now;
      }
    }
  }

  private toDirectory(principal: Principal, known: KnownConnection | null): ScimDirectory {
    const { tenantId } = principal;
    if (!known || known.row.tenantId !== tenantId) throw new Problem('not_found', 'There is no such connection.');
    if (known.row.status !== 'active') throw new Problem('forbidden', 'The connection is disabled.');
    const leniencies = leniencyOf(known.row.settings.preset);
    return { principal, tenantId, connectionId: known.row.id, known, leniencies, baseUrl: this.baseUrl };
  }
}

function connectionOf({ connectionId }: Principal): string {
  if (connectionId !== null) return connectionId;
  throw new Problem(
    'forbidden',
    'SCIM speaks for one connection, and this credential is bound to none: make an API key with `connection`.',
  );
}
