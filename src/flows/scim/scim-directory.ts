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
    const { connectionId, tenantId } = principal;
    if (connectionId === null) {
      throw new Problem(
        'forbidden',
        'SCIM speaks for one connection, and this credential is bound to none: make an API key with `connection`.',
      );
    }
    const known = await this.policies.find(connectionId);
    if (!known || known.row.tenantId !== tenantId) throw new Problem('not_found', 'There is no such connection.');
    if (known.row.status !== 'active') throw new Problem('forbidden', 'The connection is disabled.');
    const leniencies = leniencyOf(known.row.settings.preset);
    return { principal, tenantId, connectionId, known, leniencies, baseUrl: this.baseUrl };
  }
}
