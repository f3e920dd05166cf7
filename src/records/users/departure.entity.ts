import { Entity, Index } from 'typeorm';
import { Id, PrimaryText, Time } from '../../platform/columns.js';

/**
 * A user who was of a connection's people and is not any more: deleted, or without an identity there. Whoever reads the
 * change feed of that connection is told of them still.
 */
@Entity('departures')
@Index('departures_left', ['leftAt'])
export class DepartureEntity {
  @PrimaryText(36) connectionId: string;
  @PrimaryText(36) userId: string;
  @Id() tenantId: string;
  @Time() leftAt: number;
}
