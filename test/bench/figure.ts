import type { Stage } from './stage.js';
import { round } from './statistics.js';

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
  /** Users of a small and of a large SCIM directory. */
  directory: number;
  largeDirectory: number;
  /** Members of a large SCIM group. */
  largeGroup: number;
  /** The last page of a list that is looked at. */
  lastPage: number;
  /** Requests of which a latency is the median. */
  requests: number;
}

export const FULL: Sizes = {
  users: 100_000,
  loginUsers: 2000,
  loginSeconds: 2,
  loginRounds: 9,
  growthWindow: 10_000,
  streamUsers: 1_000_000,
  shortStreamUsers: 100_000,
  directory: 1000,
  largeDirectory: 200_000,
  largeGroup: 50_000,
  lastPage: 1000,
  requests: 400,
};
export const SMALL: Sizes = {
  users: 4000,
  loginUsers: 100,
  loginSeconds: 0.5,
  loginRounds: 1,
  growthWindow: 1000,
  streamUsers: 10_000,
  shortStreamUsers: 2000,
  directory: 50,
  largeDirectory: 1000,
  largeGroup: 500,
  lastPage: 20,
  requests: 20,
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

/** That one value is at most so many times another one, which was measured in the same run. */
export function within(figure: string, value: number, other: number, share: number, details: object = {}): Figure {
  const limit = round(other * (1 + share));
  return { ...atMost(figure, value, limit, details), ratio: round(value / other) };
}
