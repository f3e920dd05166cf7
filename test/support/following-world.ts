import type { HttpClient } from './http-client.js';
import { ProcessWorld } from './process-world.js';
import type { ServiceProcess } from './start-process.js';

const RECORDS_PER_PUSH = 1000;

interface Running {
  service: ServiceProcess;
  http: HttpClient;
}

/** A person as either side tells them, by the id at the primary. */
type Told = Map<string, Record<string, unknown>>;

/** Two services as processes of their own, each on a database of its own: the second follows a connection of the first. */
export class FollowingWorld {
  private constructor(
    readonly primary: ProcessWorld,
    readonly secondary: ProcessWorld,
    private one: Running,
    private two: Running,
  ) {}

  static async build(): Promise<FollowingWorld> {
    const [primary, secondary] = [await ProcessWorld.build(), await ProcessWorld.build()];
    return new FollowingWorld(primary, secondary, await primary.start(), await secondary.start());
  }

  get http(): { primary: HttpClient; secondary: HttpClient } {
    return { primary: this.one.http, secondary: this.two.http };
  }

  /** The kill -9 of one side, and its start at the same address. */
  async killAndStart(side: 'primary' | 'secondary', meanwhile?: () => Promise<unknown>): Promise<void> {
    const running = side === 'primary' ? this.one : this.two;
    running.service.kill('SIGKILL');
    await running.service.ended;
    await meanwhile?.();
    await this[side].expireHolds();
    const again = await this[side].start({ PORT: new URL(running.service.url).port });
    if (side === 'primary') this.one = again;
    else this.two = again;
  }

  /** Pushes these people to the primary. */
  async push(people: readonly object[]): Promise<void> {
    for (let start = 0; start < people.length; start += RECORDS_PER_PUSH) {
      const users = people.slice(start, start + RECORDS_PER_PUSH);
      const { status, body } = await this.one.http.post<{ counts: { failed: number } }>('/users/sync', {
        connection: this.primary.connection,
        users,
      });
      if (status !== 200 || body.counts.failed > 0)
        throw new Error(`not pushed: ${JSON.stringify(body).slice(0, 500)}`);
    }
  }

  async issueKey(): Promise<{ primary_id: string; sync_api_key: string }> {
    const path = `/connections/${this.primary.connection}/sync-key`;
    return (await this.one.http.post<{ primary_id: string; sync_api_key: string }>(path)).body;
  }

  /** Stores them at the secondary: a source, or a new key of the one that is there. */
  async follow({ primary_id: primaryId, sync_api_key: token }: { primary_id: string; sync_api_key: string }) {
    const path = `/connections/${this.secondary.connection}/source`;
    const url = this.one.service.url;
    const before = await this.two.http.get<{ version: number }>(path);
    const ifMatch: Record<string, string> = before.status === 200 ? { 'if-match': `"${before.body.version}"` } : {};
    const source = { type: 'rollcall', url, primaryId, credential: { kind: 'bearer', token } };
    const { status, body } = await this.two.http.put(path, source, ifMatch);
    if (status !== 200) throw new Error(`no source: ${JSON.stringify(body)}`);
  }

  async startSync(full?: boolean): Promise<string> {
    const path = `/connections/${this.secondary.connection}/sync`;
    const { status, body } = await this.two.http.post<{ run: string }>(path, full === undefined ? {} : { full });
    if (status !== 202) throw new Error(`no sync: ${JSON.stringify(body)}`);
    return body.run;
  }

  /** Waits for the end of a run, and answers it. */
  async endOf(run: string): Promise<Record<string, unknown> & { status: string; counts: Record<string, number> }> {
    for (;;) {
      const { body } = await this.two.http.get<{ status: string; counts: Record<string, number> }>(`/sync-runs/${run}`);
      if (body.status !== 'running') return body;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async sync(full?: boolean) {
    return this.endOf(await this.startSync(full));
  }

  /** Everybody, as the one side has them and as the other one was told of them. */
  async everybody(): Promise<{ primary: Told; secondary: Told }> {
    const { connection } = this.secondary;
    return {
      primary: toldBy(await this.one.http.get<string>('/users/export')),
      secondary: toldBy(await this.two.http.get<string>(`/users/export?connection=${connection}`)),
    };
  }

  async stop(): Promise<void> {
    await Promise.all([this.primary.stop(), this.secondary.stop()]);
  }
}

function toldBy({ body }: { body: string }): Told {
  const lines = body.trimEnd().split('\n').slice(1);
  const people = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  return new Map(people.map((one) => [String(one.externalId), one]));
}
