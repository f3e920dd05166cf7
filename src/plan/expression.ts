/** A compiled CEL expression over `claims`. */
export interface Expression {
  source: string;
  /** The top-level claims that it reads, by name. */
  reads: ReadonlySet<string>;
  /** Its value for these claims; throws `MissingClaim` or an evaluation error. */
  evaluate(claims: ClaimsBag): unknown;
}

/** Claims by name, without a prototype, so that `constructor` is no claim (A11). */
export type ClaimsBag = Record<string, unknown>;
