import type { Stage } from './stage.js';

/** One measurement, printed as a line of JSON. */
export interface Figure {
  figure: string;
  value: number;
  /** What it shall reach: `at least` or `at most`. Absent: it is told, not judged. */
  target?: string;
  holds?: boolean;
  [detail: string]: unknown;
}

export interface Sizes {
  users: number;
  loginUsers: number;
  loginSeconds: number;
  loginRounds: number;
  growthWindow: number;
  streamUsers: number;
  shortStreamUsers: number;
}

export const FULL: Sizes = {
  users: 100_000,
  loginUsers: 2000,
  loginSeconds: 2,
  loginRounds: 9,
  growthWindow: 10_000,
  streamUsers: 1_000_000,
  shortStreamUsers: 100_000,
};
export const SMALL: Sizes = {
  users: 4000,
  loginUsers: 100,
  loginSeconds: 0.5,
  loginRounds: 1,
  growthWindow: 1000,
  streamUsers: 10_000,
  shortStreamUsers: 2000,
};

/** Figures that are measured together, in the order in which they are printed. */
export interface Measurement {
  names: readonly string[];
  measure(stage: Stage, sizes: Sizes): AsyncGenerator<Figure>;
}

export function atLeast(figure: string, value: number, limit: number, details: object = {}): Figure {
  return { figure, value, target: `at least ${limit}`, holds: value >= limit, ...details };
}

export function atMost(figure: string, value: number, limit: number, details: object = {}): Figure {
  return { figure, value, target: `at most ${limit}`, holds: value <= limit, ...details };
}
