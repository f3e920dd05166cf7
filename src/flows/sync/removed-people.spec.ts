import { describe, expect, it } from '@jest/globals';
import { stateRemoved } from './removed-people.js';
import type { SourcePage } from './sources/source-reader.js';

const place = { state: null, page: null };

async function statedOf(pages: Partial<SourcePage>[], active: string[]): Promise<string[][]> {
  async function* given(): AsyncGenerator<SourcePage> {
    for (const page of pages) yield { records: [], place, isLast: false, ...page };
  }
  const all: string[][] = [];
  const findActive = (ids: readonly string[]) => Promise.resolve(new Set(active.filter((id) => ids.includes(id))));
  for await (const { records } of stateRemoved(given(), findActive)) all.push(records.map(String));
  return all;
}

const ada = Buffer.from('{"externalId":"ada","active":true}');

describe('people whom a source says to be gone', () => {
  it('are stated as switched off if they are here and on, and not at all if not', async () => {
    expect(await statedOf([{ records: [ada], removed: ['bob', 'eve'] }], ['bob'])).toEqual([
      [String(ada), '{"externalId":"bob","active":false}'],
    ]);
  });

  it('are stated as such too if they were named just before, and may not be here yet', async () => {
    expect(await statedOf([{ records: [ada, null] }, { removed: ['ada'] }], [])).toEqual([
      [String(ada), 'null'],
      ['{"externalId":"ada","active":false}'],
    ]);
  });
});
