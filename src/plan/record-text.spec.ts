import { describe, expect, it } from '@jest/globals';
import { normaliseKey } from '../platform/text-key.js';
import { findFoldedFault, findUserNameFault } from './record-text.js';

describe('findFoldedFault', () => {
  it.each([
    ['plain', 'x'.repeat(255), true],
    ['that folds to itself', 'é'.repeat(255), true],
    ['that folds to 252 characters', '\ufdfa'.repeat(14), true],
    ['that folds to 270 characters', '\ufdfa'.repeat(15), false],
    ['that grows by one only', `${'x'.repeat(254)}ﬀ`, false],
  ])('a name %s', (_, text, isGood) => {
    expect(findFoldedFault(text) === null).toBe(isGood);
    expect(findUserNameFault(text, 255) === null).toBe(isGood);
    expect(normaliseKey(text).length <= 255).toBe(isGood);
  });
});
