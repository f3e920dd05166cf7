import { Clock, type Micros, SECOND } from '../../src/platform/clock.js';
import { Problem } from '../../src/platform/problem.js';
import { KeySet, KeySetOptions } from '../../src/trust/key-set.js';
import { ISSUER, makeIdpKey, publish } from './signed-tokens.js';

export const first = makeIdpKey('EdDSA', 'first');
export const second = makeIdpKey('EdDSA', 'second');
export const START: Micros = 1_800_000_000 * SECOND;

class StoppedClock extends Clock {
  at = START;
  override now(): Micros {
    return this.at;
  }
}

/** An IdP without a network: says what it was asked, and answers when it is told to. */
export function makeIdp(jwksUri: string | null = `${ISSUER}/keys`) {
  const clock = new StoppedClock();
  const idp = {
    clock,
    fetches: [] as string[],
    answer: publish(first) as unknown,
    metadata: { issuer: ISSUER, jwks_uri: `${ISSUER}/found` } as unknown,
    /** While set, answers wait for it. */
    gate: null as Promise<void> | null,
    set: null as unknown as KeySet,
  };
  const fetchJson = async (url: string): Promise<unknown> => {
    idp.fetches.push(url);
    const answer = url.endsWith('openid-configuration') ? idp.metadata : idp.answer;
    if (idp.gate) await idp.gate;
    if (answer instanceof Error) throw answer;
    return answer;
  };
  idp.set = new KeySet({ issuer: ISSUER, jwksUri }, clock, fetchJson, new KeySetOptions());
  return idp;
}

export type Idp = ReturnType<typeof makeIdp>;

/** Whether a token under a kid would find its key: `found`, `unknown`, or the problem code. */
export async function ask(idp: Idp, kid: string | null, since?: Micros): Promise<string> {
  try {
    const set = await idp.set.findKeys(kid, since);
    return kid === null || set.byKid.has(kid) ? 'found' : 'unknown';
  } catch (error) {
    if (error instanceof Problem) return `${error.code} ${error.options.retryAfterSeconds}`;
    throw error;
  }
}

export async function flood(idp: Idp, count: number, from = 0): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, index) => ask(idp, `random-${from + index}`)));
}
