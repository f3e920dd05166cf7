import { IsObject, IsOptional, IsString, MaxLength } from 'class-validator';

/** What to explain: a token as the identity provider gave it, or just its claims. */
export class ExplainBody {
  @IsOptional() @IsString() @MaxLength(65_536) token?: string;

  /** Claims of a token, for trying a mapping without one. */
  @IsOptional() @IsObject() claims?: Record<string, unknown>;

  @IsOptional() @IsString() @MaxLength(1000) nonce?: string;
}

export class ExplainedCheck {
  /** @example exp */
  check: string;
  ok: boolean;
  detail: string;
  /** The precise reason, as the ledger would hold it. */
  fault?: string;
}

export class ExplainedGift {
  kind: 'role' | 'entitlement';
  key: string;
  because: string;
}

export class ExplainedRuleView {
  rule: string;
  expression: string;
  /** The claims that the rule reads, as it saw them. */
  saw: Record<string, unknown>;
  /** `missing`: it reads a claim that is not there, so it neither gives nor takes. */
  result: 'true' | 'false' | 'missing' | 'failed';
  error?: string;
  gives: ExplainedGift[];
}

export class ExplainedGrant {
  kind: 'role' | 'entitlement';
  key: string;
  rule: string | null;
  connection: string | null;
  because: string | null;
}

export class ExplainedWithheld {
  kind: 'role' | 'entitlement';
  key: string;
  rule: string;
  why: 'unknown' | 'not_allowed' | 'privileged';
}

export class ExplainedUser {
  /** Null for a user whom the login would make. */
  id: string | null;
  userName: string | null;
  displayName: string | null;
  email: string | null;
  emailVerified: boolean;
  /** Keys of the roles that the user would hold in effect, whoever gave them. */
  roles: string[];
}

/** What a login would do, computed by the code of the login. */
export class ExplainedPlan {
  /** `refused`: the login would not be let in. */
  result: string;
  /** Why not, or a remark. */
  problem?: ExplainedProblem;
  user: ExplainedUser | null;
  granted: ExplainedGrant[];
  revoked: ExplainedGrant[];
  /** What rules would give and the connection's ceilings hold back. */
  withheld: ExplainedWithheld[];
  /** Names of the fields that would change. */
  fields: string[];
  /** The login would end the person's sessions, for this reason. */
  endsSessions: string | null;
}

export class ExplainedProblem {
  code: string;
  detail: string;
}

export class ExplainAnswer {
  /** Whether a login with this would be let in. */
  ok: boolean;
  /** Every check of the token with its verdict, also after one has failed. Empty for bare claims. */
  checks: ExplainedCheck[];
  rules: ExplainedRuleView[];
  /** Null where the token cannot even be read. */
  plan: ExplainedPlan | null;
}
