import { type Clock, HOUR, type Micros, MINUTE, SECOND } from '../platform/clock.js';
import { Problem } from '../platform/problem.js';
import { buildDiscoveryUrl, readDiscovery } from './discovery.js';
import { type KeyFault, type ParsedKeySet, parseKeySet } from './jwk-set.js';
import { checkIssuerUrl } from '../records/connections/issuer-rules.js';

/** Whose keys: the same for every connection that trusts this issuer in this way. */
export interface KeySetAddress {
  issuer: string;
  /** Null: by discovery. */
  jwksUri: string | null;
}

/** How long keys are believed, and how often they are asked for. */
export class KeySetOptions {
  /** A key that is gone from the published set stops verifying after this at the latest, while the IdP answers. */
  cacheMaxAge: Micros = 10 * MINUTE;
  /** While the IdP does not answer, the last good keys count this long. */
  staleMax: Micros = 6 * HOUR;
  /** Between two fetches for unknown kids; so a rotated key is seen within this. */
  coolDown: Micros = 30 * SECOND;
  /** A kid that is still asked for after this looks like a rotation rather than a flood. */
  recurrence: Micros = 3 * SECOND;
  backOffMin: Micros = SECOND;
  backOffMax: Micros = MINUTE;
  allowLoopbackHttp = false;

  constructor(options: Partial<KeySetOptions> = {}) {
    Object.assign(this, options);
  }
}

export interface KeySetStatus extends KeySetAddress {
  /** `stale`: old keys are used because the IdP does not answer; `unavailable`: no login through it is possible. */
  state: 'unused' | 'ready' | 'stale' | 'unavailable';
  /** Why the last fetch failed. */
  detail: string | null;
  fetchedAt: Micros | null;
  faults: readonly KeyFault[];
}

const REMEMBERED_KIDS_MAX = 256;

/**
 * The keys of one issuer, and when to ask for them again. One fetch at a time (C1). For kids that it does not know it asks
 * once a cool-down, and once more for a kid that comes back: a flood of random kids spends only the first allowance, so
 * that it neither multiplies fetches (C2) nor hides a rotation (C3). A failed fetch changes nothing but the time of the
 * next (C4, C9).
 */
export class KeySet {
  private held: { set: ParsedKeySet; at: Micros } | null = null;
  private pending: Promise<void> | null = null;
  private failures = 0;
  private failure: string | null = null;
  private retryAt: Micros = 0;
  private unknownReadyAt: Micros = 0;
  private recurringReadyAt: Micros = 0;
  private readonly unknownKids = new Map<string, Micros>();

  constructor(
    readonly address: KeySetAddress,
    private readonly clock: Clock,
    private readonly fetchJson: (url: string) => Promise<unknown>,
    private readonly options: KeySetOptions,
  ) {}

  /**
   * The keys to look a kid up in (null: the token names none). Answers at once while they are fresh and hold it. `since`:
   * keys that were fetched before it do not count, because somebody has purged them (C10); whoever shares the issuer and
   * has not goes on with what is held. Throws
   * `Problem('idp_unavailable')` when it cannot be known whether the IdP has such a key.
   */
  findKeys(kid: string | null, since: Micros = 0): ParsedKeySet | Promise<ParsedKeySet> {
    const now = this.clock.now();
    const held = this.held;
    if (held && held.at >= since && now - held.at < this.options.cacheMaxAge && hasKid(held.set, kid)) {
      this.refreshIfDue(now);
      return held.set;
    }
    // Another instance's clock may be ahead: never wait for a fetch from the future.
    return this.awaitKeys(kid, now, Math.min(since, now));
  }

  status(): KeySetStatus {
    return {
      ...this.address,
      state: this.readState(),
      detail: this.failure,
      fetchedAt: this.held?.at ?? null,
      faults: this.held?.set.faults ?? [],
    };
  }

  /** Asks again when half of the keys' time is over, none are held, or the last fetch failed a while ago. Waits for nothing. */
  refreshIfDue(now = this.clock.now()): void {
    const isDue = !this.held || this.failures > 0 || now - this.held.at >= this.options.cacheMaxAge / 2;
    if (isDue && !this.pending && now >= this.retryAt) void this.refresh();
  }

  /** Ends when a running fetch has ended, well or badly. */
  async settle(): Promise<void> {
    await this.pending;
  }

  private async awaitKeys(kid: string | null, startedAt: Micros, since: Micros): Promise<ParsedKeySet> {
    if (!this.isFresh(startedAt, since)) {
      // After a failure the old keys serve without waiting for an IdP that may let every login run into its time-out.
      if (this.isUsable(startedAt, since) && this.failures > 0) this.refreshIfDue(startedAt);
      else if (this.pending || startedAt >= this.retryAt) await this.refreshSince(since);
    }
    if (this.held && !hasKid(this.held.set, kid) && kid !== null) {
      if (this.pending || this.takeAllowance(kid, startedAt)) await this.refresh();
    }
    const now = this.clock.now();
    const held = this.held;
    if (!held || !this.isUsable(now, since)) throw this.unavailable(now);
    // A key that is unknown during an outage may be new: that is not the token's fault.
    if (this.failures > 0 && !hasKid(held.set, kid)) throw this.unavailable(now);
    return held.set;
  }

  /** Whether the keys count at all, while the IdP does not answer. */
  private isUsable(now: Micros, since: Micros): boolean {
    return this.held !== null && this.held.at >= since && now - this.held.at < this.options.staleMax;
  }

  private isFresh(now: Micros, since: Micros): boolean {
    return this.held !== null && this.held.at >= since && now - this.held.at < this.options.cacheMaxAge;
  }

  private takeAllowance(kid: string, now: Micros): boolean {
    if (now < this.retryAt) return false;
    if (now >= this.unknownReadyAt) return true;
    const seenAt = this.unknownKids.get(kid);
    if (seenAt === undefined) {
      const oldest = this.unknownKids.keys().next();
      if (this.unknownKids.size >= REMEMBERED_KIDS_MAX && !oldest.done) this.unknownKids.delete(oldest.value);
      this.unknownKids.set(kid, now);
      return false;
    }
    if (now - seenAt < this.options.recurrence || now < this.recurringReadyAt) return false;
    this.recurringReadyAt = now + this.options.coolDown;
    return true;
  }

  /** A fetch that was under way before a purge may bring what was purged; who waits then waits for the next. */
  private async refreshSince(since: Micros): Promise<void> {
    await this.refresh();
    if (this.held && this.held.at < since && this.failures === 0) await this.refresh();
  }

  private refresh(): Promise<void> {
    if (this.pending) return this.pending;
    const flight = this.load().finally(() => {
      if (this.pending === flight) this.pending = null;
    });
    return (this.pending = flight);
  }

  private async load(): Promise<void> {
    const startedAt = this.clock.now();
    this.unknownReadyAt = startedAt + this.options.coolDown;
    let set: ParsedKeySet | null = null;
    let failure = '';
    try {
      set = await this.fetchSet();
    } catch (error) {
      failure = error instanceof Error ? error.message : 'The fetch failed.';
    }
    if (set) {
      this.held = { set, at: startedAt };
      this.failures = 0;
      this.failure = null;
      return;
    }
    const { backOffMin, backOffMax } = this.options;
    this.retryAt = this.clock.now() + Math.min(backOffMin * 2 ** Math.min(this.failures, 30), backOffMax);
    this.failures++;
    this.failure = failure;
  }

  private async fetchSet(): Promise<ParsedKeySet> {
    const { issuer } = this.address;
    let { jwksUri } = this.address;
    const faults = checkIssuerUrl(jwksUri ?? issuer, this.options);
    if (faults.length > 0) throw new Error(faults.join(' '));
    if (jwksUri === null) {
      const found = readDiscovery(await this.fetchJson(buildDiscoveryUrl(issuer)), issuer, this.options);
      if (!found.ok) throw new Error(found.detail);
      jwksUri = found.jwksUri;
    }
    const set = parseKeySet(await this.fetchJson(jwksUri));
    if (!set) throw new Error('The key set is no key set, or has more than 100 keys.');
    // An empty answer is a mishap at the IdP far more often than a wish to lock everybody out; a purge does that.
    if (set.keys.length === 0) throw new Error('The key set has no usable key.');
    return set;
  }

  private readState(): KeySetStatus['state'] {
    const now = this.clock.now();
    if (this.held && now - this.held.at < this.options.staleMax) return this.failures > 0 ? 'stale' : 'ready';
    return this.failures > 0 ? 'unavailable' : 'unused';
  }

  private unavailable(now: Micros): Problem {
    const retryAfterSeconds = Math.max(1, Math.ceil((this.retryAt - now) / SECOND));
    return new Problem('idp_unavailable', 'The keys of the identity provider cannot be had at the moment.', {
      retryAfterSeconds,
      cause: new Error(`${this.address.issuer}: ${this.failure ?? 'nothing was fetched'}`),
    });
  }
}

function hasKid(set: ParsedKeySet, kid: string | null): boolean {
  return kid === null || set.byKid.has(kid);
}
