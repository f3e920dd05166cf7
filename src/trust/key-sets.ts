import { Injectable } from '@nestjs/common';
import { Clock } from '../platform/clock.js';
import { Outbound } from '../platform/outbound.js';
import { KeySet, type KeySetAddress, KeySetOptions, type KeySetStatus } from './key-set.js';

const KEY_SETS_MAX = 10_000;
const WARMED_AT_ONCE = 8;

/** The key sets of all issuers, one for each (issuer, jwksUri), shared by the connections that name it. */
@Injectable()
export class KeySets {
  private readonly sets = new Map<string, KeySet>();

  constructor(
    private readonly clock: Clock,
    private readonly outbound: Outbound,
    private readonly options: KeySetOptions,
  ) {}

  getKeySet({ issuer, jwksUri }: KeySetAddress): KeySet {
    const name = jwksUri === null ? issuer : `${issuer} ${jwksUri}`;
    const known = this.sets.get(name);
    if (known) return known;
    const oldest = this.sets.keys().next();
    if (this.sets.size >= KEY_SETS_MAX && !oldest.done) this.sets.delete(oldest.value);
    const set = new KeySet({ issuer, jwksUri }, this.clock, (url) => this.outbound.fetchJson(url), this.options);
    this.sets.set(name, set);
    return set;
  }

  /**
   * Fetches what is missing or grows old, a few at a time; never throws. For the start and a schedule, so that a provider
   * that is down is known before its users come, and its key is there when it is back (C9).
   */
  async refreshDue(addresses: readonly KeySetAddress[]): Promise<void> {
    const rest = [...addresses];
    const work = async (): Promise<void> => {
      for (let address = rest.pop(); address; address = rest.pop()) {
        const set = this.getKeySet(address);
        set.refreshIfDue();
        await set.settle();
      }
    };
    await Promise.all(Array.from({ length: WARMED_AT_ONCE }, work));
  }

  /** For readiness: the issuers whose last fetch failed. */
  listDegraded(): KeySetStatus[] {
    return [...this.sets.values()].map((set) => set.status()).filter((status) => status.detail !== null);
  }
}
