import type { HttpClient } from './http-client.js';

const RECORDS_PER_PUSH = 1000;

export interface Side {
  http: HttpClient;
  connection: string;
  /** Where the other side finds it, if not where the client does. */
  url?: string;
}

export interface SyncKey {
  primary_id: string;
  sync_api_key: string;
}

/** A person as either side tells them, by the id at the primary. */
type Told = Map<string, Record<string, unknown>>;

interface EndedRun extends Record<string, unknown> {
  id: string;
  status: string;
  counts: Record<string, number>;
}

/** A connection of one Rollcall, and one of another that follows it. */
export class Follow {
  constructor(
    readonly primary: Side,
    readonly secondary: Side,
  ) {}

  /** Pushes these people to the primary. */
  async push(people: readonly object[]): Promise<void> {
    const { http, connection } = this.primary;
    for (let start = 0; start < people.length; start += RECORDS_PER_PUSH) {
      const users = people.slice(start, start + RECORDS_PER_PUSH);
      const { status, body } = await http.post<{ counts: { failed: number } }>('/users/sync', { connection, users });
      if (status !== 200 || body.counts.failed > 0) {
        throw new Error(`not pushed: ${JSON.stringify(body).slice(0, 500)}`);
      }
    }
  }

  async issueKey(): Promise<SyncKey> {
    const { http, connection } = this.primary;
    return (await http.post<SyncKey>(`/connections/${connection}/sync-key`)).body;
  }

  /** Stores a key at the secondary: with a new source, or in that which is there. */
  async store({ primary_id: primaryId, sync_api_key: token }: SyncKey): Promise<void> {
    const { http, connection } = this.secondary;
    const path = `/connections/${connection}/source`;
    const before = await http.get<{ version: number }>(path);
    const ifMatch: Record<string, string> = before.status === 200 ? { 'if-match': `"${before.body.version}"` } : {};
    const url = this.primary.url ?? this.primary.http.url;
    const source = { type: 'rollcall', url, primaryId, credential: { kind: 'bearer', token } };
    const { status, body } = await http.put(path, source, ifMatch);
    if (status !== 200) throw new Error(`no source: ${JSON.stringify(body)}`);
  }

  /** Waits until every change of the primary has its number, as it has within a second: the feed tells no others. */
  async untilNumbered(): Promise<void> {
    for (;;) {
      const { body } = await this.primary.http.get<{ pending: boolean }>('/users/digest');
      if (!body.pending) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Begins to read all that the primary has numbered by now. */
  async startSync(full: boolean): Promise<string> {
    await this.untilNumbered();
    const { http, connection } = this.secondary;
    const { status, body } = await http.post<{ run: string }>(`/connections/${connection}/sync`, { full });
    if (status !== 202) throw new Error(`no sync: ${JSON.stringify(body)}`);
    return body.run;
  }

  /** Waits for the end of a run, and answers it. */
  async endOf(run: string): Promise<EndedRun> {
    for (;;) {
      const { body } = await this.secondary.http.get<EndedRun>(`/sync-runs/${run}`);
      if (body.status !== 'running') return body;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async sync(full: boolean): Promise<EndedRun> {
    return this.endOf(await this.startSync(full));
  }

  /** Waits until the two were found to be the same after a run that has ended. */
  async untilCompared({ finishedAt }: EndedRun): Promise<void> {
    const { http, connection } = this.secondary;
    for (;;) {
      const { body } = await http.get<{ comparedAt: string | null }>(`/connections/${connection}/source`);
      if ((body.comparedAt ?? '') >= String(finishedAt)) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Everybody of the primary's connection, as it tells them itself and as the other side was told of them. */
  async everybody(): Promise<{ primary: Told; secondary: Told }> {
    const query = `?connection=${this.secondary.connection}`;
    return {
      primary: toldBy(await this.primary.http.get<string>('/users/export')),
      secondary: toldBy(await this.secondary.http.get<string>(`/users/export${query}`)),
    };
  }

  /** What differs: of each side the people whom the other has not, or otherwise. */
  async findDifferences(): Promise<unknown[]> {
    const { primary, secondary } = await this.everybody();
    const ids = new Set([...primary.keys(), ...secondary.keys()]);
    const pairs = [...ids].map((id) => [primary.get(id) ?? null, secondary.get(id) ?? null]);
    return pairs.filter(([one, other]) => JSON.stringify(one) !== JSON.stringify(other));
  }

  /** Waits until the two are the same: what a run leaves open is mended after it. */
  async untilSame(): Promise<void> {
    while ((await this.findDifferences()).length > 0) await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function toldBy({ body }: { body: string }): Told {
  const lines = body.trimEnd().split('\n').slice(1);
  const people = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  return new Map(people.map((one) => [String(one.externalId), one]));
}
