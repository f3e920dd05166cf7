import { isDeepStrictEqual } from 'node:util';
import { createContext, runInContext } from 'node:vm';
import type { SuiteAnswer, Variables, Verdict } from './suite.js';

const SCRIPT_MS_MAX = 5000;

/**
 * Runs the test script of a request: the part of Postman's `pm` that the SCIM suites use. Whatever else a script asks
 * for throws, and is a failure of its own: nothing that was not checked counts as passed.
 */
export function runPostmanScript(code: string, answer: SuiteAnswer, variables: Variables): Verdict[] {
  const verdicts: Verdict[] = [];
  const pm = {
    test(name: string, check: () => void): void {
      verdicts.push({ name, failure: failureOf(check) });
    },
    expect: expectationOf,
    response: {
      json: () => JSON.parse(answer.text) as unknown,
      text: () => answer.text,
      to: {
        have: {
          status(wanted: number): void {
            if (answer.status !== wanted) {
              throw new Error(`status ${answer.status} instead of ${wanted}: ${answer.text.slice(0, 300)}`);
            }
          },
        },
      },
    },
    environment: {
      get: (name: string) => variables.get(name),
      set: (name: string, value: unknown) => void variables.set(name, String(value)),
    },
  };
  const failure = failureOf(() => void runInContext(code, createContext({ pm }), { timeout: SCRIPT_MS_MAX }));
  if (failure !== null) verdicts.push({ name: 'the script itself', failure });
  return verdicts;
}

function failureOf(check: () => void): string | null {
  try {
    check();
    return null;
  } catch (error) {
    // What a script throws comes from another realm, and is no instance of our Error.
    return String((error as { message?: unknown })?.message ?? error);
  }
}

/** `expect(x).to.eql(y)`, `.to.include(y)` and their `.not`, as Chai means them. */
function expectationOf(found: unknown): unknown {
  const judge = (holds: boolean, words: string, wanted: unknown): void => {
    if (!holds) throw new Error(`${show(found)} should ${words} ${show(wanted)}`);
  };
  // Values of a script are of another realm, whose prototypes differ from ours.
  const equals = (wanted: unknown): boolean => isDeepStrictEqual(plain(found), plain(wanted));
  const includes = (wanted: unknown): boolean => {
    if (typeof found === 'string') return found.includes(String(wanted));
    if (Array.isArray(found)) return found.includes(wanted);
    throw new Error(`${show(found)} is neither a text nor a list`);
  };
  return {
    to: {
      eql: (wanted: unknown) => judge(equals(wanted), 'equal', wanted),
      include: (wanted: unknown) => judge(includes(wanted), 'include', wanted),
      not: {
        eql: (wanted: unknown) => judge(!equals(wanted), 'not equal', wanted),
        include: (wanted: unknown) => judge(!includes(wanted), 'not include', wanted),
      },
    },
  };
}

function plain(value: unknown): unknown {
  return value === undefined ? undefined : (JSON.parse(JSON.stringify(value)) as unknown);
}

function show(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 300);
}
