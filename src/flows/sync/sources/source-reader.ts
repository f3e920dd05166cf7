/**
 * Where reading goes on, as JSON that is a reader's own: whoever keeps it does not look into it. A new reading begins with
 * `page: null` and the `state` that the last finished one left; one that was cut off goes on with both as they were.
 */
export interface SourcePlace {
  /** What the last finished reading left: up to when changes are known, the document's ETag. */
  state: unknown;
  /** Of a reading that has begun: the page that comes next. */
  page: unknown;
}

export const FROM_THE_START: SourcePlace = { state: null, page: null };

/** A longer one is not kept: it is refused by its number. */
export const RECORD_BYTES_MAX = 64 * 1024;

/** Some people, in the order in which the source names them. The same person may come twice. */
export interface SourcePage {
  /** A JSON sync record each; null for one that was too long to be kept. Whether it is JSON is not known yet. */
  records: (Buffer | null)[];
  /** External ids of people whom the source says to be gone. */
  removed?: string[];
  /** Where to go on after this page; of the last one what the next reading begins with. */
  place: SourcePlace;
  /** Nothing follows. A reading that ends without a last page was cut off. */
  isLast: boolean;
  /** On the last page: why not everybody was named though all was to be read. Then nobody may be called missing. */
  incomplete?: string;
}

export interface SourceReader {
  /**
   * Reads everybody (`full`), or those who may have changed since the last finished reading (`changes`; all of them where
   * the source cannot tell). Asks for the next page when the one before was taken. Throws SourceFailure; `signal` ends it
   * with its reason. Called again behind what came, where a reading broke off, it is the same reading, with the same limits.
   */
  read(place: SourcePlace, mode: 'full' | 'changes', signal: AbortSignal): AsyncIterable<SourcePage>;
}

/**
 * A source cannot be read. `unauthorized`: it refuses the credential (401, 403). `unreachable`: it may work later.
 * `invalid`: what it answers cannot be used. The message is for admins, and holds nothing of what was answered.
 */
export class SourceFailure extends Error {
  /** Of the answer, where that is what was wrong. */
  readonly status: number | null;
  /** How long the source itself asks to be left alone. */
  readonly retryAfterSeconds: number | null;

  constructor(
    readonly kind: 'unauthorized' | 'unreachable' | 'invalid',
    message: string,
    { status = null, retryAfterSeconds = null, ...options }: SourceFailureOptions = {},
  ) {
    super(message, options);
    this.status = status;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  /** It has too much to do just now, as it says itself (RFC 6585, section 4; RFC 9110, section 15.6.4). */
  get isBusy(): boolean {
    return this.status === 429 || (this.status === 503 && this.retryAfterSeconds !== null);
  }
}

interface SourceFailureOptions extends ErrorOptions {
  status?: number | null;
  retryAfterSeconds?: number | null;
}
