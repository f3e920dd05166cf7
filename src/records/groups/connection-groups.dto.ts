import { ApiProperty } from '@nestjs/swagger';
import { formatTime } from '../../platform/clock.js';
import type { GroupGift, GroupGifts } from '../../plan/group-gifts.js';
import type { ScimGroupEntity } from './group.entity.js';

const KINDS = ['role', 'entitlement'] as const;
const CEILINGS = ['unknown', 'not_allowed', 'privileged'] as const;

/** A role or entitlement that people get for being in a group, whatever else is known of them. */
export class GroupGiftView {
  @ApiProperty({ enum: KINDS }) kind: string;
  key: string;
  /** The rule of the connection's mapping. */
  rule: string;
  because: string;
  /** Why it is not given all the same: there is no such role, the connection may not grant it, or it is privileged. */
  @ApiProperty({ enum: CEILINGS, type: String, nullable: true }) withheld: string | null;

  static toView({ kind, key, rule, because, withheld }: GroupGift): GroupGiftView {
    return { kind, key, rule, because, withheld };
  }
}

/** A group that the connection's provider has pushed. */
export class ConnectionGroupView {
  id: string;
  displayName: string;
  externalId: string | null;
  /** By what the mapping's rules know it (`groupKey`); null if it has none, and then it gives nothing. */
  knownAs: string | null;
  /** How many members it has. */
  members: number;
  gives: GroupGiftView[];
  /** The rules that ask for groups and for something else too: what they give depends on the person. */
  depends: string[];
  createdAt: string;
  updatedAt: string;

  static toView(row: ScimGroupEntity, knownAs: string | null, members: number, gifts: GroupGifts): ConnectionGroupView {
    return {
      id: row.id,
      displayName: row.displayName,
      externalId: row.externalId,
      knownAs,
      members,
      gives: gifts.gives.map(GroupGiftView.toView),
      depends: gifts.depends,
      createdAt: formatTime(row.createdAt),
      updatedAt: formatTime(row.modifiedAt),
    };
  }
}

export class ConnectionGroupList {
  items: ConnectionGroupView[];
  cursor: string | null;
}
