import { describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { HEAP_FLAGS } from './heap-growth.js';

describe('The growth of the heap', () => {
  it('is bounded by flags that this engine knows: it would only print a line about others', () => {
    const options = execFileSync(process.execPath, ['--v8-options'], { encoding: 'utf8' });
    const names = HEAP_FLAGS.map((flag) => flag.split('=')[0]);
    expect(names.filter((name) => !options.includes(`  ${name} (`))).toEqual([]);
  });
});
