import { Column, PrimaryColumn, type ColumnOptions } from 'typeorm';

/**
 * The few kinds of column that Rollcall has, alike on both engines. Text compares byte for byte, without padding:
 * the tables' collation is binary (migrations/1-people.ts), so `josé` ≠ `jose` and `admin ` ≠ `admin`.
 */

const asNumber = { from: (value: number | string | null) => (value === null ? null : Number(value)), to: same };
const asJson = {
  from: (value: string | null) => (value === null ? null : (JSON.parse(value) as unknown)),
  to: (value: unknown) => (value === null || value === undefined ? null : JSON.stringify(value)),
};

function same<T>(value: T): T {
  return value;
}

/** A UUIDv7. */
export const Id = (options: ColumnOptions = {}) => Column({ ...options, type: 'varchar', length: 36 });
export const PrimaryId = () => PrimaryColumn({ type: 'varchar', length: 36 });
export const Text = (length: number, options: ColumnOptions = {}) => Column({ ...options, type: 'varchar', length });
export const PrimaryText = (length: number) => PrimaryColumn({ type: 'varchar', length });
/** Up to 16 MiB of text. */
export const LongText = (options: ColumnOptions = {}) => Column({ ...options, type: 'mediumtext' });
/** Micros (platform/clock.ts). */
export const Time = (options: ColumnOptions = {}) => Column({ ...options, type: 'bigint', transformer: asNumber });
export const Whole = (options: ColumnOptions = {}) => Column({ ...options, type: 'integer' });
export const PrimaryWhole = () => PrimaryColumn({ type: 'integer' });
export const Flag = (options: ColumnOptions = {}) => Column({ ...options, type: 'boolean' });
/** Any JSON value, as text: the engines' own JSON types do not give back what they were given. */
export const JsonText = (options: ColumnOptions = {}) =>
  Column({ ...options, type: 'mediumtext', transformer: asJson });
