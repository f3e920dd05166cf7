import { describe, expect, it } from '@jest/globals';
import { stateRemoved } from './removed-people.js';
import type { SourcePage } from './sources/source-reader.js';

const place = { state: null, page: null };

async function statedOf(pages: Partial<SourcePage>[], active: Record<string, number | null>): Promise<string[][]> {
  async function* given(): AsyncGenerator<SourcePage> {
    for (const page of pages) yield { records: [], place, isLast: false, ...page };
  }
  const all: string[][] = [];
  const findActive = (ids: readonly string[]) =>
    Promise.resolve(new Map(Object.entries(active).filter(([id]) => ids.includes(id))));
  for await (const { records } of stateRemoved(given(), findActive)) all.push(records.map(String));
  return all;
}

const ada = Buffer.from('{"externalId":"ada","active":true}');

describe('people whom a source says to be gone', () => {
  it('are stated as switched off if they are here and on, and not at all if not', async () => {
    expect(await statedOf([{ records: [ada], removed: ['bob', 'eve'] }], { bob: null })).toEqual([
      [String(ada), '{"externalId":"bob","active":false}'],
    ]);
  });

  it('are stated as such too if they were named just before, and may not be here yet', async () => {
    expect(await statedOf([{ records: [ada, null] }, { removed: ['ada'] }], {})).toEqual([
      [String(ada), 'null'],
      ['{"externalId":"ada","active":false}'],
    ]);
  });

  it('are dated right after what was stated of them last, here or just now, so that any later word brings them back', async () => {
    const at = Date.UTC(2026, 10, 22, 10) * 1000;
    const dated = (statedAt: string) => Buffer.from(`{"externalId":"ada","active":true,"statedAt":"${statedAt}"}`);
    const removal = (statedAt: string) => `{"externalId":"ada","active":false,"statedAt":"${statedAt}"}`;
    expect(await statedOf([{ removed: ['ada'] }], { ada: at })).toEqual([[removal('2026-11-22T10:00:00.000001Z')]]);
    const later = '2026-11-22T10:00:01.000002Z';
    for (const active of [{}, { ada: at }, { ada: null }] as Record<string, number | null>[]) {
      const [, stated] = await statedOf([{ records: [dated(later)] }, { removed: ['ada'] }], active);
      expect(stated).toEqual([removal('2026-11-22T10:00:01.000003Z')]);
    }
    const [, stated] = await statedOf([{ records: [dated('2026-11-22T09:00:00Z')] }, { removed: ['ada'] }], {
      ada: at,
    });
    expect(stated).toEqual([removal('2026-11-22T10:00:00.000001Z')]);
  });
});
