export type CompiledMapping = unknown;
