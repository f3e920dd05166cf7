const UNSAFE: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** Whether a text is a JSON pointer (RFC 6901, section 3). */
export function isPointer(text: string): boolean {
  return text === '' || (/^\/(?:[^~]|~[01])*$/u.test(text) && text.length <= 500);
}

/** The names that a JSON pointer goes by, from the outermost object. */
export function stepsOf(pointer: string): string[] {
  return pointer === '' ? [] : pointer.slice(1).split('/').map(unescape);
}

/**
 * What a JSON pointer leads to; undefined where nothing is. Beyond RFC 6901, `*` stands for every item of a list: then it
 * is a list of what each has there.
 *
 * @param allowance so many items may be looked at by `*`; below 0 afterwards where there were more, which are left out
 */
export function readPointer(value: unknown, pointer: string, allowance = { items: Infinity }): unknown {
  return readSteps(value, stepsOf(pointer), 0, allowance);
}

function readSteps(value: unknown, steps: readonly string[], from: number, allowance: { items: number }): unknown {
  let here = value;
  for (let at = from; at < steps.length; at++) {
    const step = steps[at] ?? '';
    if (typeof here !== 'object' || here === null) return undefined;
    if (Array.isArray(here)) {
      if (step === '*') {
        allowance.items -= here.length;
        if (allowance.items < 0) return undefined;
        return here.flatMap((item) => readSteps(item, steps, at + 1, allowance) ?? []);
      }
      here = /^(0|[1-9]\d{0,8})$/.test(step) ? (here as unknown[])[Number(step)] : undefined;
    } else {
      here = Object.hasOwn(here, step) && !UNSAFE.has(step) ? (here as Record<string, unknown>)[step] : undefined;
    }
  }
  return here;
}

function unescape(step: string): string {
  return step.replaceAll('~1', '/').replaceAll('~0', '~');
}
