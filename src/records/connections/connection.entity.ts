import { Entity, Index } from 'typeorm';
import { Id, JsonText, PrimaryId, PrimaryText, PrimaryWhole, Text, Time, Whole } from '../../platform/columns.js';
import type { ConnectionSettings } from './connection-settings.js';

export interface KeyOrders {
  /** Never believed, whatever the provider publishes. */
  bannedKids: string[];
  /** Keys that were fetched before this moment do not count. */
  fetchedSince: number;
}

@Entity('connections')
@Index('connections_name', ['tenantId', 'nameKey'], { unique: true })
@Index('connections_issuer', ['issuer'])
export class ConnectionEntity {
  @PrimaryId() id: string;
  @Id() tenantId: string;
  @Text(200) name: string;
  @Text(200) nameKey: string;
  @Text(500) issuer: string;
  @Text(16) status: 'active' | 'disabled';
  /** Everything else that an admin sets, as it was saved (defaults filled in). */
  @JsonText() settings: ConnectionSettings;
  /** What an operator has ordered of the provider's keys; beside the settings, so that no save takes it back (C10). */
  @JsonText({ nullable: true }) keyOrders: KeyOrders | null;
  /** Of the source that was removed last: the next one counts on, so that no reading of that one takes it for its own. */
  @Whole({ nullable: true }) lastSourceVersion: number | null;
  /** Counts every save that may change what the plan derives: mapping, ceilings, authority, or a role it may grant. */
  @Whole() mappingVersion: number;
  @Whole() version: number;
  @Time() createdAt: number;
  @Time() updatedAt: number;
}

/** Every mapping that was ever in force, so that a grant's `mappingVersion` can be read years later. */
@Entity('mapping_versions')
export class MappingVersionEntity {
  @PrimaryText(36) connectionId: string;
  @PrimaryWhole() version: number;
  @Id() tenantId: string;
  @JsonText() mapping: unknown;
  @Id() savedBy: string;
  @Time() savedAt: number;
}
