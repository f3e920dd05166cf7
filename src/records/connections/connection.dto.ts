import { ApiProperty } from '@nestjs/swagger';
import { IsIn, IsOptional } from 'class-validator';
import { formatTime } from '../../platform/clock.js';
import { ConditionsBody, LoginSettingsBody, MappingBody, SafetyCatchBody } from './connection-body.dto.js';
import type { ConnectionEntity, MappingVersionEntity } from './connection.entity.js';
import type { PlanSettings } from './compare-connections.js';
import type { SavedConnection } from './connections.service.js';
import { presetNames, presets } from './presets.js';
import { settingsOf } from './settings-of.js';

/** A connection with every default filled in. */
export class ConnectionView {
  id: string;
  name: string;
  /** A disabled connection lets nobody in and takes no pushes. */
  @ApiProperty({ enum: ['active', 'disabled'] })
  status: string;
  issuer: string;
  jwksUri: string | null;
  audiences: string[];
  requiredClaims: Record<string, unknown>;
  authorizedParties: string[];
  algorithms: string[];
  tokenTypes: string[];
  clockToleranceSeconds: number;
  iatOffsetSeconds: number;
  maxTokenAgeSeconds: number;
  maxLifetimeSeconds: number;
  oneTime: boolean;
  conditions: ConditionsBody;
  login: LoginSettingsBody;
  @ApiProperty({ enum: ['push-first', 'newest', 'token-first'] })
  authority: string;
  mapping: MappingBody;
  allowedRoles: string[];
  allowedEntitlements: string[];
  allowPrivileged: boolean;
  authoritativeDomains: string[];
  @ApiProperty({ enum: ['claim', 'always'] })
  emailVerified: string;
  safetyCatch: SafetyCatchBody;
  preset: string;
  version: number;
  /** Counts the saves that may change what people hold. */
  mappingVersion: number;
  createdAt: string;
  updatedAt: string;

  static toView(row: ConnectionEntity): ConnectionView {
    const { settings } = row;
    return {
      id: row.id,
      name: row.name,
      status: row.status,
      issuer: row.issuer,
      jwksUri: settings.jwksUri,
      audiences: settings.audiences,
      requiredClaims: settings.requiredClaims,
      authorizedParties: settings.authorizedParties,
      algorithms: settings.algorithms,
      tokenTypes: settings.tokenTypes,
      clockToleranceSeconds: settings.clockToleranceSeconds,
      iatOffsetSeconds: settings.iatOffsetSeconds,
      maxTokenAgeSeconds: settings.maxTokenAgeSeconds,
      maxLifetimeSeconds: settings.maxLifetimeSeconds,
      oneTime: settings.oneTime,
      conditions: settings.conditions,
      login: settings.login,
      authority: settings.authority,
      mapping: settings.mapping,
      allowedRoles: settings.allowedRoles,
      allowedEntitlements: settings.allowedEntitlements,
      allowPrivileged: settings.allowPrivileged,
      authoritativeDomains: settings.authoritativeDomains,
      emailVerified: settings.emailVerified,
      safetyCatch: settings.safetyCatch,
      preset: settings.preset,
      version: row.version,
      mappingVersion: row.mappingVersion,
      createdAt: formatTime(row.createdAt),
      updatedAt: formatTime(row.updatedAt),
    };
  }
}

export class ConnectionWarning {
  /** A JSON pointer into the connection. */
  pointer: string;
  detail: string;
}

/** A connection as it was saved. */
export class SavedConnectionView extends ConnectionView {
  /** What is odd about it; it was saved all the same. */
  warnings: ConnectionWarning[];
  /** The run that brings everyone to the new mapping; null if nothing changed that people's roles follow from. */
  replan: string | null;

  static toSavedView({ row, warnings, replan }: SavedConnection): SavedConnectionView {
    return { ...ConnectionView.toView(row), warnings, replan };
  }
}

export class ConnectionList {
  items: ConnectionView[];
  cursor: string | null;
}

export class MappingVersionSummary {
  version: number;
  /** The principal that saved it. */
  savedBy: string;
  savedAt: string;

  static toSummary(row: MappingVersionEntity): MappingVersionSummary {
    return { version: row.version, savedBy: row.savedBy, savedAt: formatTime(row.savedAt) };
  }
}

export class MappingVersionList {
  items: MappingVersionSummary[];
  cursor: string | null;
}

/** All that decided at one version what people held. */
export class MappingVersionView extends MappingVersionSummary {
  @ApiProperty({ enum: ['push-first', 'newest', 'token-first'] })
  authority: string;
  mapping: MappingBody;
  allowedRoles: string[];
  allowedEntitlements: string[];
  allowPrivileged: boolean;
  authoritativeDomains: string[];
  @ApiProperty({ enum: ['claim', 'always'] })
  emailVerified: string;

  static toView(row: MappingVersionEntity): MappingVersionView {
    const kept = row.mapping as PlanSettings;
    return {
      ...MappingVersionSummary.toSummary(row),
      authority: kept.authority,
      mapping: kept.mapping,
      allowedRoles: kept.allowedRoles,
      allowedEntitlements: kept.allowedEntitlements,
      allowPrivileged: kept.allowPrivileged,
      authoritativeDomains: kept.authoritativeDomains,
      emailVerified: kept.emailVerified,
    };
  }
}

export class PresetView {
  @ApiProperty({ enum: presetNames })
  name: string;
  about: string;
  /** A connection's fields, as this preset fills them in. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  defaults: object;

  static all(): PresetView[] {
    return presetNames.map((name) => {
      const { audiences: _, preset: __, ...defaults } = settingsOf({ preset: name });
      return { name, about: presets[name].about, defaults };
    });
  }
}

export class PresetList {
  items: PresetView[];
}

export class DeleteConnectionQuery {
  /** `true` deletes a connection that people depend on. */
  @IsOptional()
  @IsIn(['true', 'false'])
  @ApiProperty({ enum: ['true', 'false'], required: false })
  force?: string;
}
