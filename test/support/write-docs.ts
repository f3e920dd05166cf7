import { writeFileSync } from 'node:fs';
import { writeDocuments } from './generated-docs.js';

/** `npm run docs`. */
for (const [path, text] of Object.entries(await writeDocuments())) {
  writeFileSync(path, text);
  process.stdout.write(`${path}\n`);
}
