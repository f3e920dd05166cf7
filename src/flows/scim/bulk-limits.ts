import { MEBIBYTE } from '../../platform/route-limits.js';
import type { BulkLimits } from './protocol/discovery.js';

/** Of one request to `/Bulk`; told in `/ServiceProviderConfig`, and kept. */
export const BULK_LIMITS: BulkLimits = { operationsMax: 1000, payloadBytesMax: MEBIBYTE };
