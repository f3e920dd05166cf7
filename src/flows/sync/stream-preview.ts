import type { Problem } from '../../platform/problem.js';
import type { NewEntry } from '../../records/sync-runs/run-entries.js';
import type { StreamChunk } from './read-lines.js';
import type { StreamRun } from './stream-run.js';
import type { StreamRuns } from './stream-runs.js';

/**
 * What would become of each record, a line each; of a snapshot, who is missing from it; at last the counts, or, in their
 * place, the problem by which it broke off. Writes nothing.
 *
 * @param findGap asked when all chunks are there: why not everybody was among them
 */
export async function* previewChunks(
  { parts, snapshots }: StreamRuns,
  run: StreamRun,
  chunks: AsyncIterable<StreamChunk>,
  toProblem: (error: unknown) => Problem,
  findGap: () => string | null = () => null,
): AsyncGenerator<string> {
  const total: Record<string, number> = {};
  const removals = run.openPreview();
  try {
    for await (const chunk of chunks) {
      const { results, counts } = await run.preview(chunk, removals);
      for (const [name, count] of Object.entries(counts)) total[name] = (total[name] ?? 0) + count;
      const lines = results.map((result, index) => {
        const { duplicateOf, ...rest } = result;
        const earlier = duplicateOf === undefined ? {} : { duplicateOf: chunk.numbers[duplicateOf] };
        return `${JSON.stringify({ record: chunk.numbers[index], ...rest, ...earlier })}\n`;
      });
      yield lines.join('');
    }
    removals.gap = findGap();
    for await (const missing of removals.findMissing(snapshots.missing)) {
      const tell = ({ externalId, userId }: NewEntry) => JSON.stringify({ missing: true, externalId, userId });
      yield `${missing.map(tell).join('\n')}\n`;
    }
    const told = await removals.tell(parts.database.read, parts.clock.now());
    yield `${JSON.stringify({ counts: total, ...(told ? { removals: told } : {}) })}\n`;
  } catch (error) {
    yield tellProblem(toProblem(error));
  }
}

/** The line by which a preview breaks off. */
export function tellProblem({ code, title, detail }: Problem): string {
  return `${JSON.stringify({ problem: { code, detail: detail ?? title } })}\n`;
}
