import { describe, expect, it } from '@jest/globals';
import { Places } from './places.js';

describe('places', () => {
  it('one tenant has so many at once, and leaves those of the others alone', () => {
    const places = new Places({ placesMax: 3, tenantMax: 2 });
    const first = places.take('a');
    expect([first, places.take('a')]).toEqual([expect.any(Function), expect.any(Function)]);
    expect([places.take('a'), places.hasFree('b')]).toEqual([null, true]);
    expect([places.take('b'), places.take('c')]).toEqual([expect.any(Function), null]);
    first?.();
    expect([places.takenBy('a'), places.take('c')]).toEqual([1, expect.any(Function)]);
  });

  it('a place is given back once', () => {
    const places = new Places({ placesMax: 2, tenantMax: 2 });
    const giveBack = places.take('a');
    places.take('a');
    giveBack?.();
    giveBack?.();
    expect([places.takenBy('a'), places.take('a'), places.take('a')]).toEqual([1, expect.any(Function), null]);
  });
});
