/** What `@jest/globals` has for one test file. */
export type JestGlobals = typeof import('@jest/globals');

let current: JestGlobals | null = null;

export function setGlobals(globals: JestGlobals): void {
  current = globals;
}

export function getGlobals(): JestGlobals {
  if (!current) throw new Error('@jest/globals is used where no test file runs');
  return current;
}

/** For modules that are loaded once for all test files: each use goes to what belongs to the file that runs then. */
function live<N extends 'expect' | 'jest'>(name: N): JestGlobals[N] {
  return new Proxy(() => undefined, {
    apply: (_target, self, args) =>
      Reflect.apply(getGlobals()[name] as unknown as () => unknown, self, args) as unknown,
    get: (_target, property) => Reflect.get(getGlobals()[name], property) as unknown,
  }) as unknown as JestGlobals[N];
}

export const expect = live('expect');
export const jest = live('jest');
