import type { Customer } from './customer.js';
import { median } from './statistics.js';
import { requestBytes, Wire } from './wire.js';

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

export interface ScimList {
  totalResults: number;
  nextCursor?: string;
  Resources: { id: string; userName: string }[];
}

/** Stands in every value of a person that differs from person to person; always as long. */
export function markOf(index: number): string {
  return `p${String(index).padStart(9, '0')}`;
}

export function userOf(mark: string): object {
  return {
    schemas: [USER],
    externalId: `id-${mark}`,
    userName: `${mark}@example.com`,
    name: { givenName: `Given ${mark}`, familyName: `Family ${mark}` },
    displayName: `Given Family ${mark}`,
    emails: [{ value: `${mark}@example.com`, type: 'work', primary: true }],
    active: true,
  };
}

/** A SCIM client of one customer, on one connection of its own. */
export class ScimClient {
  private constructor(
    private readonly url: string,
    private readonly key: string,
    private readonly wire: Wire,
  ) {}

  static async open(url: string, { key }: Customer): Promise<ScimClient> {
    return new ScimClient(url, key, await Wire.open(url));
  }

  close(): void {
    this.wire.close();
  }

  /** A request that can be sent many times. Throws for any other status than is wanted. */
  prepare(method: string, path: string, wanted: readonly number[], body?: object): () => Promise<string> {
    const request = requestBytes(this.url, {
      method,
      path: `/scim/v2${path}`,
      headers: {
        authorization: `Bearer ${this.key}`,
        ...(body ? { 'content-type': 'application/scim+json' } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    return async () => {
      const answer = await this.wire.send(request);
      const text = answer.body.toString('utf8');
      if (!wanted.includes(answer.status)) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
      return text;
    };
  }

  async get<T>(path: string): Promise<T> {
    return JSON.parse(await this.prepare('GET', path, [200])()) as T;
  }

  /** Creates a person; returns the id. */
  async createUser(mark: string): Promise<string> {
    const text = await this.prepare('POST', '/Users', [201], userOf(mark))();
    return (JSON.parse(text) as { id: string }).id;
  }

  async createGroup(displayName: string, members: readonly string[]): Promise<string> {
    const body = { schemas: [GROUP], displayName, members: members.map((value) => ({ value })) };
    return (JSON.parse(await this.prepare('POST', '/Groups', [201], body)()) as { id: string }).id;
  }

  prepareFilter(mark: string): () => Promise<string> {
    const filter = encodeURIComponent(`userName eq "${mark}@example.com"`);
    return this.prepare('GET', `/Users?filter=${filter}`, [200]);
  }

  prepareMember(groupId: string, memberId: string): () => Promise<string> {
    const operation = { op: 'add', path: 'members', value: [{ value: memberId }] };
    // Without the members in the answer, which are as many as the group has.
    const path = `/Groups/${groupId}?excludedAttributes=members`;
    return this.prepare('PATCH', path, [200, 204], { schemas: [PATCH], Operations: [operation] });
  }
}

/**
 * The median milliseconds of two kinds of request, one of each in turn: what else the machine does meanwhile weighs on
 * both alike. `check` sees every answer.
 */
export async function compareLatency(
  rounds: number,
  one: (round: number) => () => Promise<string>,
  other: (round: number) => () => Promise<string>,
  check: (text: string) => void = () => undefined,
): Promise<[number, number]> {
  const millis: [number[], number[]] = [[], []];
  // The first tenth warms up.
  const unseen = Math.ceil(rounds / 10);
  for (let round = 0; round < rounds + unseen; round++) {
    for (const [index, prepare] of [one, other].entries()) {
      const send = prepare(round);
      const from = performance.now();
      const text = await send();
      if (round >= unseen) millis[index]?.push(performance.now() - from);
      check(text);
    }
  }
  return [median(millis[0]), median(millis[1])];
}
