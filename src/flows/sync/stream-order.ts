import type { Principal } from '../../platform/access.js';
import type { Micros } from '../../platform/clock.js';
import type { KnownConnection } from '../../provisioning/connection-policies.js';
import type { StreamRequest } from './stream-request.js';

export interface StreamOrder {
  runId: string;
  principal: Principal;
  known: KnownConnection;
  request: StreamRequest;
  /** Of a snapshot: the moment whose truth it is. */
  since: Micros | null;
}
