import { getGlobals } from './live-globals.js';

/** `@jest/globals` for a test file itself: evaluated anew for each. */
export const { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest, test } = getGlobals();
