import { setTimeout } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Problem } from '../../platform/problem.js';
import { ConnectionPolicies, type KnownConnection } from '../../provisioning/connection-policies.js';
import type { CompactJwt, Members } from '../../trust/compact-jws.js';
import { type ConnectionNarrowing, selectConnection } from '../../trust/select-connection.js';
import type { TokenPolicy } from '../../trust/token-policy.js';
import { type RefusedToken, TrustService, type VerifiedToken } from '../../trust/trust.service.js';
import { LoginDirectory } from './login-directory.js';
import { LoginRefusal, refuseAt } from './login-refusal.js';
import { acceptsLogins, tokenPolicyOf } from './token-statement.js';

/** Once one connection believes a token, the others' keys are waited for no longer than this. */
const SLOW_KEYS_MS = 200;

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
    if (choice.kind === 'several') {
      const { policy, token } = await this.chooseBeliever(choice.policies, peeked, request.nonce);
      return { known: knownOf(candidates, policy), token };
    }
    const known = knownOf(candidates, choice.policy);
    const token = await this.trust.verifyToken(choice.policy, peeked, { nonce: request.nonce });
    if (!token.ok) throw refuseAt(known, token.fault);
    return { known, token };
  }

  /**
   * Of several that a token may belong to, the one that believes it. Any tenant may name another's provider and audience,
   * with keys of its own or with none that can be had: that neither refuses the other's people nor keeps them waiting.
   */
  private async chooseBeliever(policies: readonly TokenPolicy[], jwt: CompactJwt, nonce: string | null) {
    const verdicts = await this.judge(policies, jwt, nonce);
    const believers = verdicts.flatMap(({ policy, token }) => (token?.ok === true ? [{ policy, token }] : []));
    const [believer] = believers;
    if (believers.length > 1) throw severalConnections(believers.map(({ policy }) => policy));
    if (believer) return believer;
    // Whose it is cannot be known while some of the keys cannot be had: that is not the token's fault (C4).
    for (const { unavailable } of verdicts) if (unavailable) throw unavailable;
    for (const { token } of verdicts) {
      if (token?.ok === false) throw new LoginRefusal(token.fault, tenantOf(policies), null);
    }
    throw new Problem('internal');
  }

  private async judge(policies: readonly TokenPolicy[], jwt: CompactJwt, nonce: string | null): Promise<Verdict[]> {
    const verdicts = policies.map((policy): Verdict => ({ policy, token: null, unavailable: null }));
    const first = Promise.withResolvers<void>();
    const all = Promise.all(
      verdicts.map(async (verdict) => {
        try {
          verdict.token = await this.trust.verifyToken(verdict.policy, jwt, { nonce });
          if (verdict.token.ok) first.resolve();
        } catch (error) {
          if (!(error instanceof Problem) || error.code !== 'idp_unavailable') throw error;
          verdict.unavailable = error;
        }
      }),
    );
    await Promise.race([all, first.promise.then(() => setTimeout(SLOW_KEYS_MS, undefined, { ref: false }))]);
    return verdicts;
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

/** What a connection makes of a token; neither while its keys are being fetched. */
interface Verdict {
  policy: TokenPolicy;
  token: VerifiedToken | RefusedToken | null;
  unavailable: Problem | null;
}

function knownOf(candidates: ReadonlyMap<string, KnownConnection>, { connectionId }: TokenPolicy): KnownConnection {
  const known = candidates.get(connectionId);
  if (!known) throw new Problem('internal');
  return known;
}

/** In whose ledger it is told: from where another tenant's people log in is nobody's business. */
function tenantOf(policies: readonly TokenPolicy[]): string | null {
  const [tenantId, ...others] = new Set(policies.map((policy) => policy.tenantId));
  return tenantId !== undefined && others.length === 0 ? tenantId : null;
}

/** Told only once the token was verified: to somebody who was, it is no secret that there are several. */
function severalConnections(believers: readonly TokenPolicy[]): LoginRefusal {
  const answer = new Problem('connection_ambiguous', 'Several connections believe this token; name `connection`.');
  return new LoginRefusal('connection_ambiguous', tenantOf(believers), null, null, answer);
}
