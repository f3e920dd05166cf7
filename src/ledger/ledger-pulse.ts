import { EventEmitter } from 'node:events';
import { Injectable } from '@nestjs/common';

/**
 * What happens to the ledger on this instance, for whoever would otherwise poll for it. Only a hint: events of other
 * instances, and of transactions still open, come without one.
 */
@Injectable()
export class LedgerPulse extends EventEmitter<{
  /** Events were written; their transaction may still be open. */
  recorded: [];
  /** Events got numbers: the last number of each tenant concerned. Committed. */
  numbered: [ReadonlyMap<string, number>];
}> {}
