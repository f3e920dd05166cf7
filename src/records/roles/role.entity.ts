import { Entity, Index } from 'typeorm';
import { Flag, Id, JsonText, PrimaryId, Text, Time, Whole } from '../../platform/columns.js';

@Entity('roles')
@Index('roles_key', ['tenantId', 'key'], { unique: true })
export class RoleEntity {
  @PrimaryId() id: string;
  @Id() tenantId: string;
  /** Never changes: grants, tokens and mappings name it. */
  @Text(64, { name: 'roleKey' }) key: string;
  @Text(200) name: string;
  @Text(1000) description: string;
  @JsonText() permissions: string[];
  /** As marked by an admin; a role with Rollcall's own permissions is privileged whatever this says. */
  @Flag() markedPrivileged: boolean;
  @Flag() builtIn: boolean;
  @Whole() version: number;
  @Time() createdAt: number;
  @Time() updatedAt: number;
}
