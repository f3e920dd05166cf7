import type { Micros } from '../platform/clock.js';
import type { FieldName, Json } from './statement.js';

/** What one voice last said of an identity. Stored as JSON, so it is kept small. */
export interface VoiceFacts {
  /** The time of the newest statement of this voice. */
  at: Micros;
  /** The stated fields; null and the empty list are stated too. */
  values: Record<FieldName, Json>;
  /** The times of the fields that are older than `at`. */
  times?: Record<FieldName, Micros>;
  /**
   * When a complete statement last cleared what it omitted: `all` every field but `active` and `claims.…`, `attributes`
   * only those. A field that is in `values` with an older time does not exist; one that is in neither is stated-empty.
   */
  cleared?: { all?: Micros; attributes?: Micros };
}

/** What a connection last said of an identity, the two voices apart (rule 2). */
export interface Facts {
  push: VoiceFacts | null;
  token: VoiceFacts | null;
}

export const NO_FACTS: Facts = Object.freeze({ push: null, token: null });
