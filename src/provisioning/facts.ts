export type Facts = unknown;
