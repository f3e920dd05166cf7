import ipaddr from 'ipaddr.js';

const KEYS_MAX = 50_000;

interface Bucket {
  tokens: number;
  at: number;
}

/**
 * Token buckets, one a key: `perMinute` at once, refilled evenly. In memory and so per instance; of a flood of keys
 * the longest unused are forgotten, so that memory is bounded.
 */
export class RateLimit {
  private readonly buckets = new Map<string, Bucket>();

  constructor(
    private readonly perMinute: number,
    private readonly now: () => number = () => performance.now(),
    private readonly keysMax = KEYS_MAX,
  ) {}

  /** Takes one token. Returns 0, or the seconds (at least 1) until there is one again. */
  take(key: string): number {
    const now = this.now();
    const found = this.buckets.get(key);
    const earned = found ? ((now - found.at) / 60_000) * this.perMinute : 0;
    const tokens = found ? Math.min(this.perMinute, found.tokens + earned) : this.perMinute;
    const isAllowed = tokens >= 1;
    // Set anew, it stands last: the first key of the map is the one unused for longest.
    this.buckets.delete(key);
    this.buckets.set(key, { tokens: isAllowed ? tokens - 1 : tokens, at: now });
    if (this.buckets.size > this.keysMax) this.forgetOldest();
    return isAllowed ? 0 : Math.max(1, Math.ceil(((1 - tokens) / this.perMinute) * 60));
  }

  get size(): number {
    return this.buckets.size;
  }

  private forgetOldest(): void {
    for (const key of this.buckets.keys()) {
      this.buckets.delete(key);
      return;
    }
  }
}

/** What counts as one caller: an IPv4 address, or the /64 of an IPv6 address, of which a home has 2^64. */
export function callerKeyOf(address: string): string {
  let key = callerKeys.get(address);
  if (key === undefined) {
    key = readCallerKey(address);
    if (callerKeys.size >= KEYS_MAX) callerKeys.clear();
    callerKeys.set(address, key);
  }
  return key;
}

const callerKeys = new Map<string, string>();

function readCallerKey(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv4) return parsed.toString();
  return `${parsed.parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`;
}
