import { permissions } from '../../src/platform/permissions.js';
import type { UserView } from '../../src/records/users/user-view.dto.js';
import { DirectoryWrites, type Pushed } from './directory-writes.js';
import type { HttpClient } from './http-client.js';
import { type Customer, type LoggedInBody, LoginWorld } from './login-world.js';

const MATCHING = {
  authoritativeDomains: ['bolt.com'],
  login: {
    enabled: true,
    createUsers: true,
    subject: 'claims.sub',
    match: [{ claim: 'oid', field: 'externalId' as const }],
    maxSessionSeconds: 43_200,
  },
};

/** A customer whose directory names people as its tokens do (`oid`), and an admin who may do all but push. */
export class MatchedCustomer {
  readonly directory: DirectoryWrites;

  private constructor(
    readonly world: LoginWorld,
    readonly acme: Customer,
    readonly admin: HttpClient,
  ) {
    this.directory = new DirectoryWrites(acme);
  }

  static async start(): Promise<MatchedCustomer> {
    const world = await LoginWorld.start();
    const acme = await world.addCustomer(MATCHING);
    const allButPush = Object.keys(permissions).filter((each) => each !== 'users:sync');
    return new MatchedCustomer(world, acme, await acme.client(...allButPush));
  }

  stop(): Promise<void> {
    return this.world.stop();
  }

  /** A login of somebody whom the directory has pushed. */
  enter(person: Pushed, over: Record<string, unknown> = {}) {
    return this.acme.login({ sub: `s-${person.externalId}`, oid: person.externalId, ...over });
  }

  meOf({ access_token }: LoggedInBody) {
    return this.world.rollcall.http.get('/auth/me', { authorization: `Bearer ${access_token}` });
  }

  async see(userId: string): Promise<UserView> {
    return (await this.admin.get<UserView>(`/users/${userId}`)).body;
  }
}
