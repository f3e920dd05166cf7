import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import type { MappingJson, MatchJson } from '../../plan/mapping-shape.js';
import { presetNames } from './presets.js';

const absence = {
  oneOf: [
    { type: 'string', enum: ['keep', 'clear', 'deny'] },
    { type: 'object', additionalProperties: { type: 'string', enum: ['keep', 'clear', 'deny'] } },
  ],
};

/** What makes roles and profile of claims. The same rules read tokens, pushed records and SCIM users. */
export class MappingBody {
  /** CEL over `claims`; null: not stated by this connection. */
  userName?: string | null;
  email?: string | null;
  emailVerified?: string | null;
  displayName?: string | null;
  givenName?: string | null;
  familyName?: string | null;
  /** An expression for each attribute, by its name. */
  @ApiProperty({ type: 'object', additionalProperties: { type: 'string' } })
  attributes?: Record<string, string>;
  groups?: string | null;
  /** How a SCIM group is called in `claims.groups`. */
  @ApiProperty({ enum: ['displayName', 'externalId'] })
  groupKey?: 'displayName' | 'externalId';
  entitlements?: string | null;
  /** Rules: `{id, when, grant, entitlements}` or `{id, from, map}`. */
  @ApiProperty({ type: 'array', items: { type: 'object', additionalProperties: true } })
  roles?: MappingJson['roles'];
  /** The literal name of a claim that holds a whole sync record. */
  payloadClaim?: string | null;
  /** A login that no rule matches is refused. */
  strict?: boolean;
  @ApiProperty(absence)
  whenAbsent?: MappingJson['whenAbsent'];
  @ApiProperty(absence)
  whenOverage?: MappingJson['whenOverage'];
}

/** By which claim a first token finds a pushed identity that has no subject yet. */
export class MatchBody implements MatchJson {
  /** The literal name of a claim. */
  @IsString() claim: string;
  @IsIn(['externalId', 'userName', 'email'])
  @ApiProperty({ enum: ['externalId', 'userName', 'email'] })
  field: MatchJson['field'];
  /** CEL: the pair counts only where this is true. */
  @IsOptional() @IsString() when?: string;
}

export class LoginSettingsBody {
  @IsOptional() @IsBoolean() enabled?: boolean;
  /** Whether a token may make a person that no push has named. */
  @IsOptional() @IsBoolean() createUsers?: boolean;
  /** CEL over `claims`: what names the person for good. */
  @IsOptional() @IsString() subject?: string;
  @IsOptional() @IsArray() @ValidateNested({ each: true }) @Type(() => MatchBody) match?: MatchBody[];
  /** A session of this connection ends so many seconds after the sign-in, refresh included. */
  @IsOptional() @IsInt() maxSessionSeconds?: number;
}

/** What a sign-in must have been like. A claim that is absent fails its condition. */
export class ConditionsBody {
  /** `acr` is one of these. */
  @IsOptional() @IsArray() @IsString({ each: true }) acr?: string[];
  /** `amr` holds every one of these. */
  @IsOptional() @IsArray() @IsString({ each: true }) amr?: string[];
  @IsOptional() @IsInt() maxAuthAgeSeconds?: number;
  /** The caller says which nonce it expects. */
  @IsOptional() @IsBoolean() nonce?: boolean;
}

/** What a run may take away by itself; more waits until an admin agrees. */
export class SafetyCatchBody {
  /** Fewer users than this may always be switched off, or lose roles, in a run. From 1. */
  @IsOptional() @IsInt() users?: number;
  /** Of the active people of the scope; more than this, and at least `users`, is held. From 0 to 100. */
  @IsOptional() @IsInt() percent?: number;
  /** Whoever is missing from a snapshot is `leaving` for so long before they are switched off. At most 720. */
  @IsOptional() @IsInt() graceHours?: number;
}

/** A connection as it is set. What is left out has the default of the preset; `GET /connections/presets` shows them. */
export class ConnectionBody {
  /** Unique in the tenant, in whatever case. */
  @IsString() name: string;
  /** Compared byte for byte with the `iss` of tokens. */
  @IsString() issuer: string;
  /** Null: OpenID Connect discovery from the issuer. */
  @ValidateIf((body: ConnectionBody) => body.jwksUri !== undefined && body.jwksUri !== null)
  @IsString()
  jwksUri?: string | null;
  /** Of which one must be in the `aud` of tokens. */
  @IsArray() @IsString({ each: true }) audiences: string[];
  /** Claims that a token must have: a value, or the list of those allowed. */
  @IsOptional() @IsObject() requiredClaims?: Record<string, unknown>;
  /** Who may stand in `azp`, `client_id` and `appid` beside the audiences. */
  @IsOptional() @IsArray() @IsString({ each: true }) authorizedParties?: string[];
  /** In order of preference. */
  @IsOptional() @IsArray() @IsString({ each: true }) algorithms?: string[];
  @IsOptional() @IsArray() @IsString({ each: true }) tokenTypes?: string[];
  /** At most 300. */
  @IsOptional() @IsInt() clockToleranceSeconds?: number;
  /** Added to `iat` to get the time of the statement. */
  @IsOptional() @IsInt() iatOffsetSeconds?: number;
  @IsOptional() @IsInt() maxTokenAgeSeconds?: number;
  /** The most that `exp` may be after `iat`. */
  @IsOptional() @IsInt() maxLifetimeSeconds?: number;
  /** A token with `jti` logs in once only. */
  @IsOptional() @IsBoolean() oneTime?: boolean;
  @IsOptional() @IsObject() @ValidateNested() @Type(() => ConditionsBody) conditions?: ConditionsBody;
  @IsOptional() @IsObject() @ValidateNested() @Type(() => LoginSettingsBody) login?: LoginSettingsBody;
  /** Which voice counts where pushes and tokens say different things. */
  @IsOptional()
  @IsIn(['push-first', 'newest', 'token-first'])
  @ApiProperty({ enum: ['push-first', 'newest', 'token-first'] })
  authority?: 'push-first' | 'newest' | 'token-first';
  @IsOptional() @IsObject() mapping?: MappingBody;
  /** Keys of the roles that this connection may grant. */
  @IsOptional() @IsArray() @IsString({ each: true }) allowedRoles?: string[];
  /** Exact texts, or prefixes that end in `*`. */
  @IsOptional() @IsArray() @IsString({ each: true }) allowedEntitlements?: string[];
  /** Whether it may grant privileged roles, and its sessions carry them. */
  @IsOptional() @IsBoolean() allowPrivileged?: boolean;
  /**
   * E-mail domains for which a verified address links to a user of another connection, if that one is authoritative for
   * the domain too, or an admin gave the user the address.
   */
  @IsOptional() @IsArray() @IsString({ each: true }) authoritativeDomains?: string[];
  /** `always` for providers that never send `email_verified`, and where people cannot choose their address. */
  @IsOptional()
  @IsIn(['claim', 'always'])
  @ApiProperty({ enum: ['claim', 'always'] })
  emailVerified?: 'claim' | 'always';
  @IsOptional() @IsObject() @ValidateNested() @Type(() => SafetyCatchBody) safetyCatch?: SafetyCatchBody;
  /** Where the defaults come from. */
  @IsOptional() @IsString() @ApiProperty({ enum: presetNames }) preset?: string;
}
