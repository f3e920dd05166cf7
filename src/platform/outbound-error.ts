export type OutboundReason =
  | 'url_refused'
  | 'address_refused'
  | 'unreachable'
  | 'timeout'
  | 'redirect'
  | 'status'
  | 'too_large'
  | 'encoded'
  | 'not_json';

/** Why a document could not be had. The message is for operators and names the host, not what it answered. */
export class OutboundError extends Error {
  /** Of reason `status`. */
  readonly status: number | null;
  /** How long it asks to be left alone. */
  readonly retryAfterSeconds: number | null;

  constructor(
    readonly reason: OutboundReason,
    message: string,
    { status = null, retryAfterSeconds = null, ...options }: OutboundErrorOptions = {},
  ) {
    super(message, options);
    this.status = status;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

interface OutboundErrorOptions extends ErrorOptions {
  status?: number | null;
  retryAfterSeconds?: number | null;
}
