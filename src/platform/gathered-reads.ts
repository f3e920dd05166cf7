/**
 * Reads of single keys that are asked for at about the same time, as one: what is asked while one is under way, or in
 * the same turn of the event loop, goes together in the next. No timer, and nothing is kept: each read begins after
 * everybody whom it answers has asked, so that nobody is told what was true before.
 */
export class GatheredReads<V> {
  private asked: Map<string, PromiseWithResolvers<V | null>> | null = null;
  private isReading = false;

  /** @param readAll what stands under these keys, by key */
  constructor(private readonly readAll: (keys: readonly string[]) => Promise<ReadonlyMap<string, V>>) {}

  /** What stands under `key` now; null if nothing does. Throws what `readAll` throws. */
  read(key: string): Promise<V | null> {
    if (!this.asked) {
      this.asked = new Map();
      // After the other requests that have arrived with this one.
      if (!this.isReading) setImmediate(() => void this.readAsked());
    }
    let answer = this.asked.get(key);
    if (!answer) {
      answer = Promise.withResolvers();
      this.asked.set(key, answer);
    }
    return answer.promise;
  }

  private async readAsked(): Promise<void> {
    this.isReading = true;
    while (this.asked) {
      const { asked } = this;
      this.asked = null;
      try {
        const found = await this.readAll([...asked.keys()]);
        for (const [key, { resolve }] of asked) resolve(found.get(key) ?? null);
      } catch (error) {
        for (const { reject } of asked.values()) reject(error);
      }
    }
    this.isReading = false;
  }
}
