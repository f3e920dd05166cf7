import type { Customer } from './customer.js';
import { postRequest, Wire } from './wire.js';

const PER_REQUEST = 1000;
/** Ready before an open-ended push begins: what the client still builds is taken from the service's cores. */
const PREPARED_REQUESTS = 60;

/** A finished request and the number of its people. */
export interface Push {
  request: Buffer;
  count: number;
}

/** Pushes made-up people of a customer by `POST /users/sync`, some requests at a time. */
export class PushStream {
  private constructor(
    private readonly url: string,
    private readonly customer: Customer,
    private readonly wires: readonly Wire[],
  ) {}

  static async open(url: string, customer: Customer, atOnce: number): Promise<PushStream> {
    return new PushStream(url, customer, await Promise.all(Array.from({ length: atOnce }, () => Wire.open(url))));
  }

  /** The requests for the people numbered from `start` to `end`, written out before any clock runs. */
  prepare(start: number, end: number): Push[] {
    const pushes: Push[] = [];
    for (let from = start; from < end; from += PER_REQUEST) {
      const count = Math.min(PER_REQUEST, end - from);
      pushes.push({ count, request: this.requestOf(from, count) });
    }
    return pushes;
  }

  /** Sends what was prepared. `expected`: what each record shall be answered. */
  async send(
    pushes: readonly Push[],
    expected: 'created' | 'unchanged' = 'created',
    done: (users: number) => void = () => undefined,
  ): Promise<void> {
    let next = 0;
    await Promise.all(
      this.wires.map(async (wire) => {
        for (let push = pushes[next++]; push; push = pushes[next++]) {
          const answer = await wire.send(push.request);
          if (answer.status !== 200 || !answer.body.includes(`"${expected}":${push.count}`)) {
            throw new Error(`A push was answered ${answer.status}: ${answer.body.toString('utf8', 0, 500)}`);
          }
          done(push.count);
        }
      }),
    );
  }

  /** Pushes new people until the returned function is called, which tells how many they were. */
  sendUntilStopped(start: number): () => Promise<number> {
    let stopped = false;
    let next = start;
    const ready = this.prepare(start, start + PER_REQUEST * PREPARED_REQUESTS);
    const running = Promise.all(
      this.wires.map(async (wire) => {
        while (!stopped) {
          const from = next;
          next += PER_REQUEST;
          const { status } = await wire.send(ready.shift()?.request ?? this.requestOf(from, PER_REQUEST));
          if (status !== 200) throw new Error(`A push was answered ${status}.`);
        }
      }),
    );
    return async () => {
      stopped = true;
      await running;
      return next - start;
    };
  }

  close(): void {
    for (const wire of this.wires) wire.close();
  }

  private requestOf(from: number, count: number): Buffer {
    const users = Array.from({ length: count }, (_, index) => recordOf(from + index));
    return postRequest(this.url, '/users/sync', JSON.stringify({ users }), {
      authorization: `Bearer ${this.customer.key}`,
    });
  }
}

export function externalIdOf(number: number): string {
  return `employee-${String(number).padStart(7, '0')}`;
}

export function recordOf(number: number): object {
  const userName = `person.${number}@example.com`;
  return {
    externalId: externalIdOf(number),
    userName,
    active: true,
    name: { givenName: `Given${number % 997}`, familyName: `Family${number % 1009}` },
    displayName: `Given${number % 997} Family${number % 1009}`,
    email: userName,
    emailVerified: true,
    roles: ['viewer', 'editor'],
    groups: ['Everyone', `Team ${number % 50}`],
    attributes: { department: `Department ${number % 20}` },
  };
}
