import type { Profile } from '../../plan/person.js';
import type { Micros } from '../../platform/clock.js';
import type { TokenRole } from '../../records/sessions/access-token.js';
import type { PreparedSession, SessionApplication } from '../../records/sessions/new-session.js';

/** A login that was written: all that the answer is made of. */
export interface LoggedIn {
  prepared: PreparedSession;
  application: SessionApplication;
  /** What the user holds in effect. */
  roles: TokenRole[];
  profile: Pick<Profile, 'userName' | 'displayName' | 'email'>;
  /** The moment of the login. */
  now: Micros;
}
