/** How many people gain or lose one role or entitlement. */
export class ReplanShare {
  /** `role editor`, `entitlement report:1`. */
  held: string;
  people: number;
}

export class ReplannedUser {
  id: string;
  userName: string | null;
  displayName: string | null;
  gains: string[];
  losses: string[];
}

/** What a save would do to people, were it made now. */
export class ReplanPreviewView {
  /** People of the connection. */
  people: number;
  changed: number;
  /** People for whom a rule fails; they would stay as they are. */
  failed: number;
  gains: ReplanShare[];
  losses: ReplanShare[];
  /** The first 200 of those who change. */
  users: ReplannedUser[];
  /** There are more than are shown. */
  more: boolean;
  /** So many would lose something that the run would hold that until an admin agrees. */
  held: boolean;
}
