import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '../../platform/clock.js';
import { Database } from '../../platform/database.js';
import { isId } from '../../platform/ids.js';
import { networkOf } from '../../platform/network-of.js';
import { passwordMatches } from '../../platform/password-hash.js';
import { rowLock } from '../../platform/row-locks.js';
import { normaliseKey } from '../../platform/text-key.js';
import { TenantEntity } from '../tenants/tenant.entity.js';
import { UserEntity } from '../users/user.entity.js';
import { LocalPasswordEntity } from './local-password.entity.js';
import { countGuess, forgiveGuess } from './lock-out.js';

export interface RightPassword {
  ok: true;
  tenantId: string;
  userId: string;
  /** That of which it was the password. */
  passwordHash: string;
}

/** `reason` is for the ledger; the caller of a login hears one answer for all of them (G4). */
export type PasswordVerdict =
  RightPassword | { ok: false; reason: PasswordRefusal; tenantId: string | null; userId: string | null };

export type PasswordRefusal =
  'unknown_tenant' | 'tenant_not_active' | 'unknown_user' | 'wrong_password' | 'locked' | 'suspended';

@Injectable()
export class PasswordCheck {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /**
   * Whether this is a local admin's password. Known or unknown, locked or not, a name costs one hash, and what is
   * written is written beside it, so that the time of the answer tells nothing. `address` is where it comes from: guesses
   * are counted by network. `tenantNamed`: its slug or its id. Throws `overloaded`.
   */
  async verify(
    tenantNamed: string,
    userName: string,
    password: string,
    address: string | null,
  ): Promise<PasswordVerdict> {
    const tenant = await this.database.read.findOneBy(
      TenantEntity,
      isId(tenantNamed) ? { id: tenantNamed } : { slug: tenantNamed },
    );
    const row = await this.database.read.findOneBy(LocalPasswordEntity, {
      tenantId: tenant?.id ?? '',
      userNameKey: normaliseKey(userName),
    });
    const network = networkOf(address);
    const user = await this.database.read.findOneBy(UserEntity, { id: row?.userId ?? '' });
    const [matches, counts] = await Promise.all([
      passwordMatches(password, row?.passwordHash ?? null),
      row !== null && this.countAttempt(row.userId, network),
    ]);
    const refuse = (reason: PasswordRefusal): PasswordVerdict => ({
      ok: false,
      reason,
      tenantId: tenant?.id ?? null,
      userId: user?.id ?? null,
    });
    if (!tenant) return refuse('unknown_tenant');
    if (!row || !user) return refuse('unknown_user');
    if (!counts) return refuse('locked');
    if (!matches) return refuse('wrong_password');
    await this.forgive(row.userId, network);
    if (tenant.status !== 'active') return refuse('tenant_not_active');
    if (user.suspended) return refuse('suspended');
    return { ok: true, tenantId: tenant.id, userId: user.id, passwordHash: row.passwordHash };
  }

  /**
   * The user, or why the password is theirs no more; held as they are until the transaction ends. While it was compared
   * it may have been reset, or the user suspended or deleted, and what ended their sessions did not see the one to come.
   */
  async findStillRight(tx: EntityManager, verdict: RightPassword): Promise<UserEntity | PasswordRefusal> {
    const { userId, tenantId, passwordHash } = verdict;
    // The user first, as edits of users take the two.
    const user = await tx.findOne(UserEntity, { where: { id: userId, tenantId, suspended: false }, ...rowLock(tx) });
    const row = await this.lockRow(tx, userId);
    if (!row) return 'unknown_user';
    if (row.passwordHash !== passwordHash) return 'wrong_password';
    return user ?? 'suspended';
  }

  /** Counted before it is known to be wrong, so that a hundred guesses at once are not one. False: locked. */
  private countAttempt(userId: string, network: string): Promise<boolean> {
    return this.database.transaction(async (tx) => {
      const row = await this.lockRow(tx, userId);
      const guesses = row && countGuess(row.guesses, network, this.clock.now());
      if (!guesses) return false;
      await tx.update(LocalPasswordEntity, { userId }, { guesses });
      return true;
    });
  }

  private forgive(userId: string, network: string): Promise<void> {
    return this.database.transaction(async (tx) => {
      const row = await this.lockRow(tx, userId);
      if (row) await tx.update(LocalPasswordEntity, { userId }, { guesses: forgiveGuess(row.guesses, network) });
    });
  }

  private lockRow(tx: EntityManager, userId: string): Promise<LocalPasswordEntity | null> {
    return tx.findOne(LocalPasswordEntity, { where: { userId }, ...rowLock(tx) });
  }
}
