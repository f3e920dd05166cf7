import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { writeDocuments } from '../support/generated-docs.js';

describe('generated documents', () => {
  it('say what the code says (npm run docs writes them)', async () => {
    for (const [path, text] of Object.entries(await writeDocuments())) {
      expect({ path, text: readFileSync(path, 'utf8') }).toEqual({ path, text });
    }
  });
});
