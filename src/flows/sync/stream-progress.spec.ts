import { describe, expect, it } from '@jest/globals';
import { chainDigest } from './read-lines.js';
import { StreamProgress } from './stream-progress.js';

const chunk = (from: number, to: number, digest = `${from}-${to}`) => ({ from, to, digest });
const ONE = chunk(1, 500);
const TWO = chunk(501, 1003);
const THREE = chunk(1004, 1503);

function seen(progress: StreamProgress) {
  const { upTo, counts } = progress;
  return { upTo, counts };
}

describe('the progress of a stream', () => {
  it('counts what follows without a gap, in whatever order chunks are committed', () => {
    const progress = new StreamProgress();
    progress.note(TWO, { created: 2 });
    expect(seen(progress)).toEqual({ upTo: 0, counts: {} });
    progress.note(ONE, { created: 1, failed: 1 });
    expect(seen(progress)).toEqual({ upTo: 1003, counts: { created: 3, failed: 1 } });
    expect(progress.digest).toBe(chainDigest(chainDigest('', ONE), TWO));
  });

  const earlier = () => {
    const stored = new StreamProgress();
    stored.note(ONE, { created: 500 });
    const progress = new StreamProgress();
    const parts = [{ part: 1004, upTo: 1503, digest: THREE.digest, counts: { created: 500 } }];
    progress.resume(stored, parts);
    return progress;
  };

  it('passes over what an earlier try has committed, gaps left out, and takes its counts', () => {
    const progress = earlier();
    expect([progress.passOver(ONE), progress.passOver(TWO)]).toEqual([true, false]);
    progress.note(TWO, { created: 503 });
    expect(progress.passOver(THREE)).toBe(true);
    expect(seen(progress)).toEqual({ upTo: 1503, counts: { created: 1503 } });
    expect(() => progress.assertCaughtUp()).not.toThrow();
  });

  it.each<[string, ReturnType<typeof chunk>[]]>([
    ['another first chunk', [chunk(1, 500, 'other')]],
    ['a shorter first chunk', [chunk(1, 400)]],
    ['a longer first chunk', [chunk(1, 501)]],
    ['another chunk where one is committed ahead', [ONE, TWO, chunk(1004, 1503, 'other')]],
    ['an end before what was committed', [ONE, TWO]],
    ['nothing', []],
  ])('takes %s for another stream', (_, chunks) => {
    const progress = earlier();
    const read = () => {
      for (const each of chunks) if (!progress.passOver(each)) progress.note(each, {});
      progress.assertCaughtUp();
    };
    expect(read).toThrow(/not the stream that was sent under this key/);
  });
});
