import { describe, expect, it } from '@jest/globals';
import { plainTextFault } from './plain-text.js';

describe('a name', () => {
  it.each(['a', 'Ada Lovelace', 'José', '李小龙', 'R&D 🎉', '"\\', 'x'.repeat(20)])('%j is one', (text) => {
    expect(plainTextFault(text, 1, 20, false)).toBeNull();
  });

  it.each([
    [undefined, /string/],
    [7, /string/],
    ['', /empty/],
    ['x'.repeat(21), /at most 20/],
    ['a\u0000b', /control/],
    ['a\nb', /control/],
    ['\u009f', /control/],
    ['\ud800', /surrogate/],
    ['admin ', /space/],
    ['\u00a0admin', /space/],
  ])('%j is none', (text, fault) => {
    expect(plainTextFault(text, 1, 20, false)).toMatch(fault);
  });

  it('is not a description, which may have lines or be empty', () => {
    expect(plainTextFault('a\n\tb', 0, 20, true)).toBeNull();
    expect(plainTextFault('', 0, 20, true)).toBeNull();
    expect(plainTextFault('a\u0007', 0, 20, true)).toMatch(/control/);
  });
});
