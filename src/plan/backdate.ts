import type { Micros } from '../platform/clock.js';
import type { VoiceFacts } from './facts.js';
import type { Statement } from './statement.js';

/**
 * What a voice has said, as a statement finds it that replaces what was said up to a moment: whatever is newer than the
 * statement, but not than that moment, is as old as the statement, which therefore wins. Other statements find it as it is.
 */
export function backdate(voice: VoiceFacts | null, { at, replacesUntil: until }: Statement): VoiceFacts | null {
  if (!voice || until === undefined) return voice;
  const back = (time: Micros): Micros => (time > at && time <= until ? at : time);
  const { times, cleared } = voice;
  return {
    ...voice,
    at: back(voice.at),
    ...(times ? { times: Object.fromEntries(Object.entries(times).map(([field, time]) => [field, back(time)])) } : {}),
    ...(cleared ? { cleared: backCleared(cleared, back) } : {}),
  };
}

function backCleared({ all, attributes }: NonNullable<VoiceFacts['cleared']>, back: (time: Micros) => Micros) {
  return {
    ...(all === undefined ? {} : { all: back(all) }),
    ...(attributes === undefined ? {} : { attributes: back(attributes) }),
  };
}
