import { describe, expect, it } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const WORDS_MAX = 260;

describe('docs/architecture.md', () => {
  const text = readFileSync('docs/architecture.md', 'utf8');

  it('names every folder at the top of src, and none that is not there', () => {
    const folders = readdirSync('src', { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const named = [...text.matchAll(/^\| `src\/([a-z-]+)`/gm)].map(([, name]) => name);
    expect(named.sort()).toEqual(folders.map(({ name }) => name).sort());
  });

  it('names files and classes that there are', () => {
    const sources = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'));
    const code = sources.map((path) => readFileSync(join('src', path), 'utf8')).join('\n');
    const classes = [...text.matchAll(/`([A-Z][A-Za-z]+)(?:\.[a-z][A-Za-z]*)?`/g)].map(([, name]) => name);
    expect(classes.length).toBeGreaterThan(4);
    expect(classes.filter((name) => !code.includes(`class ${name} `))).toEqual([]);
    const files = [...text.matchAll(/`([\w./-]+\.(?:ts|json))`/g)].map(([, path]) => path ?? '');
    expect(files.filter((path) => !existsSync(path))).toEqual([]);
  });
});

describe('requests to elsewhere', () => {
  it('are made by platform/outbound.ts alone, where addresses, sizes and times are judged', () => {
    const opens =
      /^import (?!type)[^;]*from '(?:undici|node:(?:http2|net|tls)|jwks-rsa)'|\b(?:fetch|createRemoteJWKSet)\(|\brequest(?: as \w+)?\b[^;]*from 'node:https?'/m;
    const sources = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((path) =>
      /(?<!\.spec)\.ts$/.test(path),
    );
    const opening = sources.filter((path) => opens.test(readFileSync(join('src', path), 'utf8'))).sort();
    expect(opening).toEqual([
      // The command line, which is the client of a service.
      'flows/import/send-records.ts',
      'platform/outbound.ts',
      // What the browser runs.
      'records/local-admins/setup-page.ts',
    ]);
  });
});

describe('docs/decisions', () => {
  const names = readdirSync('docs/decisions').sort();

  it('are numbered from 001 without a gap', () => {
    expect(names.map((name) => name.slice(0, 4))).toEqual(
      names.map((_, index) => `${String(index + 1).padStart(3, '0')}-`),
    );
  });

  it.each(names)('%s says context, decision and consequence, on half a page', (name) => {
    const text = readFileSync(join('docs/decisions', name), 'utf8');
    expect(text).toMatch(
      new RegExp(
        `^# ${name.slice(0, 3)} .+\n\n\\*\\*Context\\.\\*\\* [^]+\\*\\*Decision\\.\\*\\* [^]+\\*\\*Consequence\\.\\*\\* `,
      ),
    );
    expect(text.split(/\s+/).length).toBeLessThan(WORDS_MAX);
  });
});
