import { normaliseKey } from '../platform/text-key.js';
import { MissingClaim, type ClaimsBag, type Expression } from './expression.js';
import { readStated, type Facts, type StatedField } from './facts.js';
import type { Authority, ConnectionPolicy } from './policy.js';
import { MAPPED_FIELDS, type CompiledMapping } from './mapping-shape.js';
import type { FieldName, Json } from './statement.js';

/** By what claim a pushed field is known to the rules. */
const CLAIM_OF: Readonly<Record<(typeof MAPPED_FIELDS)[number], string>> = {
  userName: 'preferred_username',
  email: 'email',
  emailVerified: 'email_verified',
  displayName: 'name',
  givenName: 'given_name',
  familyName: 'family_name',
};
const LISTS = ['groups', 'roles', 'entitlements'] as const;
/** Claims that no attribute may pass itself off as. */
const RESERVED: ReadonlySet<string> = new Set([...Object.values(CLAIM_OF), ...LISTS, 'sub', 'iss', 'aud', 'azp']);

/** Which of two voices counts (rule 2). A voice that never said anything of a field has no say in it. */
export function chooseVoice(
  push: StatedField | null,
  token: StatedField | null,
  authority: Authority,
): StatedField | null {
  if (!push || !token) return push ?? token;
  if (authority === 'newest') return token.at > push.at ? token : push;
  return authority === 'push-first' ? push : token;
}

/**
 * What a connection says of one identity, both voices heard: the facts under a mapping and an authority. The token's
 * voice is what its payload states, and else what the mapping's expressions make of its claims.
 *
 * The methods throw `ExpressionFailure` where an expression of the mapping fails (E9).
 */
export class EffectiveFacts {
  private readonly mapping: CompiledMapping;
  private readonly tokenClaims: ClaimsBag | null;
  private bag: ClaimsBag | null = null;
  private names: ReadonlySet<string> | null = null;

  constructor(
    readonly facts: Facts,
    private readonly policy: Pick<ConnectionPolicy, 'mapping' | 'authority' | 'emailVerified'>,
  ) {
    this.mapping = policy.mapping;
    this.tokenClaims = facts.token ? this.readClaims() : null;
  }

  /** Whether the connection says that the identity is switched on: pushes alone do, and silence means on. */
  get active(): boolean {
    const { active, missing } = this.facts.push?.values ?? {};
    return active !== false && missing !== true;
  }

  /** A field of the profile or an attribute; null if the connection states nothing of it, `value` null if it is empty. */
  field(field: FieldName): StatedField | null {
    if (field === 'emailVerified') return this.emailVerified();
    return chooseVoice(readStated(this.facts.push, field), this.tokenField(field), this.policy.authority);
  }

  /** The names of the attributes that are stated now. */
  attributeNames(): ReadonlySet<string> {
    return (this.names ??= this.findAttributeNames());
  }

  private findAttributeNames(): Set<string> {
    const names = new Set<string>(this.mapping.attributes.map(({ name }) => name));
    for (const voice of [this.facts.push, this.facts.token]) {
      for (const field in voice?.values)
        if (field.startsWith('attributes.')) names.add(field.slice('attributes.'.length));
    }
    return names;
  }

  /** The role keys and entitlements that the connection names itself, which are granted under `direct`. */
  direct(): { roles: string[]; entitlements: string[] } {
    const push = this.facts.push;
    const roles = chooseVoice(readStated(push, 'roles'), readStated(this.facts.token, 'roles'), this.policy.authority);
    return { roles: toTexts(roles?.value), entitlements: toTexts(this.field('entitlements')?.value) };
  }

  /** `claims` as the rules see them: of each the voice that counts; the three lists are always there. */
  claims(): ClaimsBag {
    this.bag ??= this.buildBag();
    return this.bag;
  }

  private buildBag(): ClaimsBag {
    const { push, token } = this.facts;
    const bag = Object.assign(Object.create(null) as ClaimsBag, this.tokenClaims);
    const put = (claim: string, field: FieldName): void => {
      const heard = readStated(token, field) ?? readStated(token, `claims.${claim}`);
      const chosen = chooseVoice(readStated(push, field), heard, this.policy.authority);
      if (chosen) bag[claim] = chosen.value;
    };
    for (const field of MAPPED_FIELDS) if (field !== 'emailVerified') put(CLAIM_OF[field], field);
    for (const name of this.attributeNames()) if (!RESERVED.has(name)) put(name, `attributes.${name}`);
    for (const list of LISTS) {
      const heard = this.tokenField(list) ?? readStated(token, `claims.${list}`);
      bag[list] = toTexts(chooseVoice(readStated(push, list), heard, this.policy.authority)?.value);
    }
    // The address in the bag may be another voice's than the claim beside it: its proof has to be its own (E2, E4).
    if (bag.email !== undefined) bag.email_verified = this.isVerified(bag.email as Json, 'email');
    return bag;
  }

  private tokenField(field: FieldName): StatedField | null {
    const payload = readStated(this.facts.token, field);
    if (payload || !this.tokenClaims) return payload;
    const expression = this.expressionOf(field);
    if (!expression) return null;
    try {
      const value = expression.evaluate(this.tokenClaims);
      let at = 0;
      for (const name of expression.reads) at = Math.max(at, readStated(this.facts.token, `claims.${name}`)?.at ?? 0);
      return { value: toJson(value), at: at || (this.facts.token?.at ?? 0) };
    } catch (error) {
      if (error instanceof MissingClaim) return null;
      throw error;
    }
  }

  private expressionOf(field: FieldName): Expression | null {
    if (field === 'groups') return this.mapping.groups;
    if (field === 'entitlements') return this.mapping.entitlements;
    if (field.startsWith('attributes.')) {
      const name = field.slice('attributes.'.length);
      return this.mapping.attributes.find((one) => one.name === name)?.expression ?? null;
    }
    return this.mapping.profile.find((one) => one.field === field)?.expression ?? null;
  }

  private emailVerified(): StatedField | null {
    const email = this.field('email');
    return email ? { value: this.isVerified(email.value, 'mapped'), at: email.at } : null;
  }

  /** Does a voice that states this address state, not before the address itself, that it is verified? */
  private isVerified(email: Json, by: 'mapped' | 'email'): boolean {
    if (typeof email !== 'string') return false;
    const { push, token } = this.facts;
    const claim = (name: string): StatedField | null => readStated(token, `claims.${name}`);
    const heard: [StatedField | null, StatedField | null][] = [
      [readStated(push, 'email'), readStated(push, 'emailVerified')],
      by === 'mapped'
        ? [this.tokenField('email'), this.tokenField('emailVerified')]
        : [readStated(token, 'email') ?? claim('email'), readStated(token, 'emailVerified') ?? claim('email_verified')],
    ];
    return heard.some(([address, verified]) => {
      if (typeof address?.value !== 'string' || normaliseKey(address.value) !== normaliseKey(email)) return false;
      if (!verified || verified.value === null) return this.policy.emailVerified === 'always';
      return verified.value === true && verified.at >= address.at;
    });
  }

  private readClaims(): ClaimsBag {
    const bag = Object.create(null) as ClaimsBag;
    const values = this.facts.token?.values ?? {};
    for (const field in values) if (field.startsWith('claims.')) bag[field.slice('claims.'.length)] = values[field];
    if (this.policy.emailVerified === 'always' && typeof bag.email === 'string') bag.email_verified ??= true;
    return bag;
  }
}

/** A list of texts from whatever a provider sends: a lone text is a list of one, numbers are written out. */
export function toTexts(value: Json | undefined): string[] {
  if (value === null || value === undefined) return [];
  const texts: string[] = [];
  for (const item of Array.isArray(value) ? value : [value]) {
    if (typeof item === 'string') texts.push(item);
    else if (typeof item === 'number') texts.push(String(item));
  }
  return texts;
}

/** What CEL answers, as JSON: its integers are bigints; types that JSON does not know become null. */
function toJson(value: unknown): Json {
  if (typeof value === 'bigint') return Number(value);
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (Array.isArray(value)) return value.map(toJson);
  if (value instanceof Date) return value.toISOString();
  if (typeof value !== 'object') return null;
  const entries = value instanceof Map ? [...value.entries()] : Object.entries(value);
  return Object.fromEntries(entries.map(([name, member]) => [String(name), toJson(member)]));
}
