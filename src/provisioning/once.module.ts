import { Module, type OnModuleInit } from '@nestjs/common';
import { MINUTE } from '../platform/clock.js';
import { Sweeper } from '../platform/sweeper.js';

/**
 * Owns what may happen once only, a request with an `Idempotency-Key`, and what deleted identities leave behind. Forgets each when it can not come again. Does not own the writes: they are in the transaction of their effect.
 */
@Module({})
export class OnceModule implements OnModuleInit {
  constructor(private readonly sweeper: Sweeper) {}

  onModuleInit(): void {
    this.sweeper.add(
      {
        table: 'idempotency_keys',
        key: ['principalId', 'requestKey'],
        keepMicros: MINUTE,
        parts: [{ table: 'idempotency_parts', key: ['principalId', 'requestKey'] }],
      },
      { table: 'identity_traces', key: ['connectionId', 'subjectHash'], keepMicros: MINUTE },
      { table: 'former_users', key: ['connectionId', 'nameHash'], keepMicros: MINUTE },
    );
  }
}
