import type { GroupRow, NewMember } from './group-store.js';

/** A change of a group that is ready to be written. */
export interface GroupPlan {
  /** As it was read; null for a new one. */
  before: GroupRow | null;
  /** Its names from now on; null when it is deleted. */
  after: GroupRow | null;
  add: readonly NewMember[];
  /** Those who leave it. */
  remove: readonly string[];
  /** Everybody whose facts follow from it; null where these are too many for one transaction. */
  people: readonly string[] | null;
  /** All members follow: it is called differently, or is no more. */
  everyone: boolean;
  /** It is planned from this very version, and from no later one. */
  exact: boolean;
}
