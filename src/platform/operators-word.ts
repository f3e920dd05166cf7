import { createHash, timingSafeEqual } from 'node:crypto';
import type { Config } from './config.js';

/** Whether a request may see what is an operator's to see: it sends METRICS_TOKEN, or none is set. */
export function isForOperators(config: Config, authorization: string | undefined): boolean {
  const token = config.METRICS_TOKEN;
  return token === '' || isSame(authorization ?? '', `Bearer ${token}`);
}

/** In constant time, whatever the lengths. */
function isSame(given: string, expected: string): boolean {
  const [left, right] = [given, expected].map((text) => createHash('sha256').update(text).digest());
  return left !== undefined && right !== undefined && timingSafeEqual(left, right);
}
