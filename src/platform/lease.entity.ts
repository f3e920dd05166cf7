import { Entity } from 'typeorm';
import { Id, PrimaryText, Time } from './columns.js';

/** Who does a piece of work that one instance alone shall do, and until when. */
@Entity('leases')
export class LeaseEntity {
  @PrimaryText(100) name: string;
  @Id() holder: string;
  @Time() until: number;
}
