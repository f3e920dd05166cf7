import { Injectable } from '@nestjs/common';
import { Problem } from '../../platform/problem.js';
import { ConnectionPolicies, type KnownConnection } from '../../provisioning/connection-policies.js';
import type { Members } from '../../trust/compact-jws.js';
import { type ConnectionNarrowing, selectConnection } from '../../trust/select-connection.js';
import { TrustService, type VerifiedToken } from '../../trust/trust.service.js';
import { LoginDirectory } from './login-directory.js';
import { LoginRefusal, refuseAt } from './login-refusal.js';
import { acceptsLogins, tokenPolicyOf } from './token-statement.js';

/** What a login says beside its credential. */
export interface LoginRequest {
  /** Audience of the application; null: the tenant's default. */
  application: string | null;
  /** Slug or id. With `connectionId` it narrows the choice of connection; neither widens it. */
  tenant: string | null;
  connectionId: string | null;
  nonce: string | null;
  address: string | null;
  userAgent: string | null;
}

/** Finds whose token it is, and whether that connection believes it. */
@Injectable()
export class TokenBeliever {
  constructor(
    private readonly trust: TrustService,
    private readonly policies: ConnectionPolicies,
    private readonly directory: LoginDirectory,
  ) {}

  /**
   * The connection that a token belongs to, and the token as verified by it. Throws LoginRefusal; `idp_unavailable` when
   * the provider's keys cannot be had.
   */
  async believe(jwt: string, request: LoginRequest): Promise<{ known: KnownConnection; token: VerifiedToken }> {
    const tenantId = request.tenant === null ? null : ((await this.directory.findTenantId(request.tenant)) ?? 'none');
    const narrowing = { tenantId, connectionId: request.connectionId };
    const knownTenant = tenantId === 'none' ? null : tenantId;
    const peeked = this.trust.peekClaims(jwt);
    if (!peeked.ok) throw new LoginRefusal(peeked.fault, knownTenant, null);
    const { candidates, choice } = await this.choose(peeked.claims, narrowing);
    if (choice.kind === 'none') {
      const [nearest] = choice.policies;
      const only = choice.policies.length === 1 ? nearest : undefined;
      throw new LoginRefusal(choice.fault, only?.tenantId ?? knownTenant, only?.connectionId ?? null);
    }
    const policy = choice.kind === 'one' ? choice.policy : choice.policies[0];
    const known = candidates.get(policy?.connectionId ?? '');
    if (!policy || !known) throw new Problem('internal');
    const token = await this.trust.verifyToken(policy, peeked, { nonce: request.nonce });
    if (!token.ok) throw refuseAt(known, token.fault);
    if (choice.kind === 'several') throw severalConnections(known);
    return { known, token };
  }

  /** Whose token it may be. The list of an issuer is a second old at most; nobody is refused for that second. */
  private async choose(claims: Members, narrowing: ConnectionNarrowing) {
    const { iss } = claims;
    const read = async () => {
      const all = typeof iss === 'string' ? await this.policies.findByIssuer(iss) : [];
      const candidates = new Map(all.filter(acceptsLogins).map((each) => [each.row.id, each]));
      const choice = selectConnection([...candidates.values()].map(tokenPolicyOf), claims, narrowing);
      return { candidates, choice };
    };
    const first = await read();
    if (first.choice.kind !== 'none' || typeof iss !== 'string') return first;
    this.policies.forgetIssuer(iss);
    return read();
  }

  /** For whoever was told that the connection has moved since. */
  forget({ row }: KnownConnection): void {
    this.policies.forgetIssuer(row.issuer);
  }
}

/** Told only once the token was verified: to somebody who was, it is no secret that there are several. */
function severalConnections({ row }: KnownConnection): LoginRefusal {
  const answer = new Problem('connection_ambiguous', 'Several connections believe this token; name `connection`.');
  return new LoginRefusal('connection_ambiguous', row.tenantId, null, null, answer);
}
