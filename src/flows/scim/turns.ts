/**
 * Lets work on the same things run one after the other within this process, in the order of asking; work on other things
 * goes on beside it. Between processes nothing is promised: what is written is guarded by versions all the same.
 */
export class Turns {
  private readonly last = new Map<string, Promise<unknown>>();

  async take<T>(keys: readonly string[], work: () => Promise<T>): Promise<T> {
    const before = new Set(keys.flatMap((key) => this.last.get(key) ?? []));
    const mine = Promise.all(before).then(work);
    const done = mine.catch(() => undefined);
    for (const key of keys) this.last.set(key, done);
    try {
      return await mine;
    } finally {
      for (const key of keys) if (this.last.get(key) === done) this.last.delete(key);
    }
  }
}
