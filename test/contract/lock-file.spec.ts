import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';

interface Lock {
  packages: Record<
    string,
    { version?: string; optionalDependencies?: Record<string, string>; hasInstallScript?: true }
  >;
}

const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as Lock;

/** As Node looks it up: in the package's own folder, then in each above. */
function isLocked(name: string, from: string): boolean {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    if (packages[`${folder === '' ? '' : `${folder}/`}node_modules/${name}`]) return true;
    if (folder === '') return false;
  }
}

describe('package-lock.json', () => {
  it('names the binaries of every platform: npm ci refuses a lock file that lacks those of other machines', () => {
    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter((name) => /-(x64|arm64)/.test(name) && !isLocked(name, path)),
    );
    expect(missing).toEqual([]);
  });

  it('says for every package with an install script whether it may run it: no addon is compiled', () => {
    const { allowScripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { allowScripts: object };
    const scripted = Object.entries(packages).filter(([, entry]) => entry.hasInstallScript);
    const names = scripted.map(([path]) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length));
    // An optional helper of macOS alone.
    expect([...new Set(names)].filter((name) => name !== 'fsevents' && !Object.hasOwn(allowScripts, name))).toEqual([]);
  });
});
