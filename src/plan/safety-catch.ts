/** How much a run may take away before an admin has to agree. */
export interface SafetyCatch {
  /** Fewer users than this may always lose something. */
  users: number;
  /** Of the active identities of the scope; more than this, and at least `users`, is held. */
  percent: number;
  /** Who is missing from a snapshot is switched off so much later. */
  graceHours: number;
}

export const DEFAULT_CATCH: Readonly<SafetyCatch> = Object.freeze({ users: 3, percent: 10, graceHours: 0 });

/** Users who would lose something; each is counted once, and as switched off if both. */
export interface Losing {
  /** Whose identity would be switched off. */
  deactivated: number;
  /** Who would stay and lose roles or entitlements. */
  reduced: number;
}

/** Whether so many losing something needs an admin's word. `people`: active identities of the scope before the run. */
export function trips(
  { users, percent }: Pick<SafetyCatch, 'users' | 'percent'>,
  { deactivated, reduced }: Losing,
  people: number,
): boolean {
  return [deactivated, reduced].some((count) => count >= users && count * 100 > people * percent);
}
