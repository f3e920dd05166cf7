export interface SenderLimits {
  /** Looked at each time that the sender was waited for so long. */
  windowMs: number;
  /** That have to come in it. */
  bytesMin: number;
}

/** Far below what anybody sends who is only slow: a person every five seconds. */
export const SENDER_PACE: SenderLimits = { windowMs: 600_000, bytesMin: 16_384 };

/** How fast a body comes: what drips is never silent for long, and would keep its place without end. Pure. */
export class SenderPace {
  private waitedMs = 0;
  private windowBytes: number;

  /** @param bytes what has come of the connection before */
  constructor(
    bytes: number,
    private readonly limits: SenderLimits = SENDER_PACE,
  ) {
    this.windowBytes = bytes;
  }

  /** The sender was waited for so long again, and `bytes` have come of the connection by now. */
  isTooSlow(waitedMs: number, bytes: number): boolean {
    this.waitedMs += waitedMs;
    if (this.waitedMs < this.limits.windowMs) return false;
    const came = bytes - this.windowBytes;
    [this.waitedMs, this.windowBytes] = [0, bytes];
    return came < this.limits.bytesMin;
  }
}
