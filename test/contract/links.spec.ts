import { expect, it } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const documents = [
  ...readdirSync('.').filter((name) => name.endsWith('.md')),
  ...readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

it.each(documents)('every link of %s to a file of the tree leads to one', (document) => {
  const links = [...readFileSync(document, 'utf8').matchAll(/\]\(([^)#:\s]+)(#[^)]*)?\)/g)].map(
    ([, path = '']) => path,
  );
  expect(links.filter((path) => !existsSync(join(dirname(document), path)))).toEqual([]);
});

it.each(['README.md', 'CONTRIBUTING.md'])('every `npm run …` of %s is a script of package.json', (document) => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
  const named = [...readFileSync(document, 'utf8').matchAll(/npm run ([\w-]+)/g)].map(([, name = '']) => name);
  expect(named.length).toBeGreaterThan(0);
  expect(named.filter((name) => !(name in scripts))).toEqual([]);
});
