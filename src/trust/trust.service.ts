import { Injectable } from '@nestjs/common';
import { Clock, type Micros, SECOND } from '../platform/clock.js';
import { Problem } from '../platform/problem.js';
import type { AlgorithmRule } from './algorithms.js';
import { type CheckResult, fail, pass } from './check-result.js';
import { checkClaims } from './claim-policy.js';
import { type CompactJwt, type Members, parseCompactJwt } from './compact-jws.js';
import type { ParsedKeySet } from './jwk-set.js';
import { KeySets } from './key-sets.js';
import { refuse, type Refusal } from './token-fault.js';
import { type TokenPolicy, TrustOptions } from './token-policy.js';
import { checkAlgorithm, checkSignature, selectKey } from './verify-jws.js';

/** A token that the connection believes. */
export interface VerifiedToken {
  ok: true;
  claims: Members;
  header: Members;
  /** `iat` plus the connection's offset, never later than now: the time of what the token states. */
  issuedAt: Micros;
  expiresAt: Micros;
  jti: string | null;
  subject: string;
}

export type RefusedToken = Refusal;

/** What Explain shows: every check that could be made, also after one has failed, in the order in which a login makes them. */
export interface TokenInspection {
  ok: boolean;
  checks: CheckResult[];
  /** Null when the token could not even be read. */
  header: Members | null;
  claims: Members | null;
}

export interface TokenExpectations {
  /** The nonce that the caller sent to the IdP. */
  nonce?: string | null;
}

/** Decides whether a token of an IdP is believed. Writes nothing; whether a `jti` was used before is judged elsewhere. */
@Injectable()
export class TrustService {
  constructor(
    private readonly clock: Clock,
    private readonly keySets: KeySets,
    private readonly options: TrustOptions,
  ) {}

  /** Reads a token without believing it, to find its connection. Give the result to `verifyToken` to save reading it again. */
  peekClaims(jwt: string): CompactJwt | Refusal {
    return parseCompactJwt(jwt, this.options.tokenBytesMax);
  }

  /**
   * Verifies a token for a connection. All that needs no key comes first, so that a token which is wrong anyway causes
   * neither a fetch nor crypto. Throws `Problem('idp_unavailable')` when the IdP's keys cannot be had.
   */
  async verifyToken(
    policy: TokenPolicy,
    jwt: string | CompactJwt,
    expectations: TokenExpectations = {},
  ): Promise<VerifiedToken | RefusedToken> {
    const token = typeof jwt === 'string' ? this.peekClaims(jwt) : jwt;
    if (!token.ok) return token;
    const algorithm = checkAlgorithm(token.alg, policy.algorithms);
    if (!algorithm.ok) return algorithm;
    const now = this.clock.now();
    for (const result of this.checkClaims(policy, token, now, expectations)) {
      if (!result.ok) return refuse(result.fault, result.detail);
    }
    if (isBanned(policy, token.kid)) return refuse('kid_banned', BANNED);
    const found = this.keySets.getKeySet(policy).findKeys(token.kid, policy.keysSince);
    // No await on the usual path: the keys are at hand.
    const key = selectKey(token, found instanceof Promise ? await found : found, policy.algorithms);
    if (!key.ok) return key;
    if (isBanned(policy, key.key.kid)) return refuse('kid_banned', BANNED);
    return checkSignature(token, algorithm.rule, key.key) ?? describeToken(policy, token, now);
  }

  /** As `verifyToken`, but goes on after a failure and tells of every check. Never throws for want of keys. */
  async inspectToken(policy: TokenPolicy, jwt: string, expectations: TokenExpectations = {}): Promise<TokenInspection> {
    const token = this.peekClaims(jwt);
    if (!token.ok) {
      return { ok: false, checks: [fail('form', token.fault, token.detail)], header: null, claims: null };
    }
    const checks = [
      pass('form', 'It is a JWT in compact form.'),
      ...this.checkClaims(policy, token, this.clock.now(), expectations),
    ];
    const algorithm = checkAlgorithm(token.alg, policy.algorithms);
    checks.splice(1, 0, algorithm.ok ? pass('alg', `${token.alg} is allowed.`) : failed('alg', algorithm));
    if (algorithm.ok) checks.push(...(await this.inspectSignature(policy, token, algorithm.rule)));
    return { ok: checks.every((check) => check.ok), checks, header: token.header, claims: token.claims };
  }

  private async inspectSignature(policy: TokenPolicy, token: CompactJwt, rule: AlgorithmRule): Promise<CheckResult[]> {
    const keySet = this.keySets.getKeySet(policy);
    let keys: ParsedKeySet;
    try {
      keys = await keySet.findKeys(token.kid, policy.keysSince);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      return [fail('key', 'keys_unavailable', `${error.message} ${keySet.status().detail ?? ''}`.trim())];
    }
    const key = selectKey(token, keys, policy.algorithms);
    if (!key.ok) return [failed('key', key)];
    const banned = isBanned(policy, key.key.kid);
    const fault = checkSignature(token, rule, key.key);
    return [
      banned ? fail('key', 'kid_banned', BANNED) : pass('key', 'The key set has the key.'),
      fault ? failed('signature', fault) : pass('signature', 'The signature fits the key.'),
    ];
  }

  private checkClaims(policy: TokenPolicy, token: CompactJwt, now: Micros, { nonce }: TokenExpectations) {
    return checkClaims(policy, token.claims, token.header, now, { nonce, ownIssuers: this.options.ownIssuers });
  }
}

const BANNED = 'An operator has withdrawn this key.';

function isBanned({ bannedKids }: TokenPolicy, kid: string | null): boolean {
  return kid !== null && (bannedKids?.includes(kid) ?? false);
}

function failed(check: string, { fault, detail }: Refusal): CheckResult {
  return fail(check, fault, detail);
}

/** The claims have passed the policy: dates are dates, `sub` and `jti` are texts. */
function describeToken(policy: TokenPolicy, { claims, header }: CompactJwt, now: Micros): VerifiedToken {
  const { iat, exp, sub, jti } = claims as { iat: number; exp: number; sub: string; jti?: string };
  return {
    ok: true,
    claims,
    header,
    issuedAt: Math.min(Math.round((iat + policy.iatOffsetSeconds) * SECOND), now),
    expiresAt: Math.round(exp * SECOND),
    jti: jti ?? null,
    subject: sub,
  };
}
