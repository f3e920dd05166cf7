import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { IsNull, LessThan, Not, type EntityManager } from 'typeorm';
import { Clock, DAY, MINUTE, SECOND, type Micros } from '../../platform/clock.js';
import { ConfigError } from '../../platform/config.js';
import { Database } from '../../platform/database.js';
import { Leases } from '../../platform/leases.js';
import { type Resealed, SealError, Sealer } from '../../platform/seal.js';
import { createSigner, signText, type TokenSigner, verifyText } from './access-token.js';
import { chooseSigner, isPublished, isRotationDue, KEY_RELOAD, PUBLISH_LEAD } from './signing-key-rules.js';
import { type PublicJwk, SigningKeyEntity } from './signing-key.entity.js';

const LOCK = 'signing-keys';
const PURPOSE = 'signing key';
const ROTATION_CHECK_MS = 60 * 60_000;
/** An unknown `kid` makes the keys be read again at most this often. */
const UNKNOWN_KID_COOLDOWN: Micros = SECOND;

interface LoadedKey {
  kid: string;
  activeFrom: Micros;
  retiredAt: Micros | null;
  publicJwk: PublicJwk;
  publicKey: KeyObject;
  /** Null: sealed under another secret than this instance's. */
  signer: TokenSigner | null;
}

/** Rollcall's own keys: who signs now, which are published, and when the next one comes (F7). */
@Injectable()
export class SigningKeysService implements OnApplicationBootstrap {
  private readonly logger = new Logger(SigningKeysService.name);
  private keys: LoadedKey[] = [];
  private loadedAt: Micros = Number.NEGATIVE_INFINITY;
  private loading: Promise<void> | null = null;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly leases: Leases,
    private readonly sealer: Sealer,
  ) {}

  /**
   * The first login shall not be the one that waits for a key. Throws ConfigError under a secret that opens none of the
   * keys there are: to sign with a new one would hide the mistake until a source cannot be asked.
   */
  async onApplicationBootstrap(): Promise<void> {
    const rows = await this.database.read.findBy(SigningKeyEntity, { sealedPrivateKey: Not('') });
    if (rows.length > 0 && !rows.some((row) => this.sealer.knows(row.sealedPrivateKey))) {
      throw new ConfigError([
        'ROLLCALL_SECRET opens none of the signing keys in the database: they are sealed under another secret. Start ' +
          'with that one; or give it as ROLLCALL_FORMER_SECRET, and run `rollcall keys reseal`; or, if it is lost, run ' +
          '`rollcall keys rotate` and set the credentials of sources again',
      ]);
    }
    await this.getSigner(this.clock.now());
  }

  /** The key that signs now. Makes the first one; of two instances that do so at once, one wins. */
  async getSigner(now: Micros): Promise<TokenSigner> {
    if (this.isStale(now)) await this.reload();
    const found = this.findSigner(now);
    if (found) return found;
    await this.makeFirstKey(now);
    await this.reload();
    const made = this.findSigner(now);
    if (!made) throw new Error('There is no active signing key.');
    return made;
  }

  /** The public key of a published `kid`, or null. Reads the keys again for one that it does not know. */
  async findVerificationKey(kid: string, now: Micros): Promise<KeyObject | null> {
    if (this.isStale(now)) await this.reload();
    const known = this.keys.find((key) => key.kid === kid);
    if (!known && now - this.loadedAt >= UNKNOWN_KID_COOLDOWN) await this.reload();
    const key = known ?? this.keys.find((each) => each.kid === kid);
    return key && isPublished(key, now) ? key.publicKey : null;
  }

  /**
   * The key set of RFC 7517 that applications check access tokens with. While the database is away it is what was read
   * last: applications can go on checking tokens.
   */
  async getKeySet(now: Micros): Promise<{ keys: PublicJwk[] }> {
    if (this.isStale(now)) {
      await this.reload().catch((error: unknown) => {
        if (this.keys.length === 0) throw error;
      });
    }
    return { keys: this.keys.filter((key) => isPublished(key, now)).map((key) => key.publicJwk) };
  }

  /** Signs a text that is no token, with the key that signs now. */
  async sign(text: string): Promise<{ kid: string; signature: string }> {
    const { kid, privateKey } = await this.getSigner(this.clock.now());
    return { kid, signature: signText(text, privateKey) };
  }

  /** Whether `signature` over `text` is of key `kid`, however long ago that one signed. */
  async verify(kid: string, text: string, signature: string): Promise<boolean> {
    if (!this.keys.some((key) => key.kid === kid)) await this.reload();
    const key = this.keys.find((each) => each.kid === kid);
    return key !== undefined && verifyText(text, key.publicKey, signature);
  }

  /**
   * Publishes a new key, which begins to sign PUBLISH_LEAD from now and ends the ones before it. Answers its `kid` and
   * when it begins. Safe on several instances at once.
   */
  async rotate({ now = this.clock.now() }: { now?: Micros } = {}): Promise<{ kid: string; activeFrom: Micros }> {
    const rotated = await this.database.transaction(async (tx) => {
      await this.leases.lock(tx, LOCK);
      return this.addSuccessor(tx, now);
    });
    await this.reload();
    return rotated;
  }

  /** Rotates when the newest key has signed for its whole life; else answers null. */
  async rotateIfDue(now: Micros = this.clock.now()): Promise<{ kid: string; activeFrom: Micros } | null> {
    return this.database.transaction(async (tx) => {
      await this.leases.lock(tx, LOCK);
      // A key that is sealed under a former secret counts as little here as in getSigner.
      const usable = (await tx.find(SigningKeyEntity)).filter((row) => this.sealer.knows(row.sealedPrivateKey));
      return isRotationDue(usable, now) ? this.addSuccessor(tx, now) : null;
    });
  }

  /** Seals under the secret of now what was sealed under the one before; what does not open is told by its `kid`. */
  async reseal(): Promise<Resealed> {
    return this.database.transaction(async (tx) => {
      await this.leases.lock(tx, LOCK);
      const done: Resealed = { resealed: 0, unopened: [] };
      for (const { kid, sealedPrivateKey: sealed } of await tx.find(SigningKeyEntity)) {
        if (sealed === '') continue;
        let sealedPrivateKey: string | null;
        try {
          sealedPrivateKey = this.sealer.reseal(PURPOSE, sealed);
        } catch (error) {
          if (!(error instanceof SealError)) throw error;
          done.unopened.push({ id: kid, why: error.message });
          continue;
        }
        if (sealedPrivateKey === null) continue;
        await tx.update(SigningKeyEntity, { kid }, { sealedPrivateKey });
        done.resealed += 1;
      }
      return done;
    });
  }

  @Interval('rotate signing keys', ROTATION_CHECK_MS)
  async rotateOnSchedule(): Promise<void> {
    try {
      const rotated = await this.rotateIfDue();
      if (rotated) this.logger.log(`A new signing key, ${rotated.kid}, is published.`);
    } catch (error) {
      this.logger.warn(`The signing keys were not checked: ${String(error)}`);
    }
  }

  private async addSuccessor(tx: EntityManager, now: Micros): Promise<{ kid: string; activeFrom: Micros }> {
    const activeFrom = now + PUBLISH_LEAD;
    await tx.update(SigningKeyEntity, { retiredAt: IsNull() }, { retiredAt: activeFrom });
    // The public half stays: the ledger's checkpoints are checked with it for ever.
    await tx.update(SigningKeyEntity, { retiredAt: LessThan(now - DAY) }, { sealedPrivateKey: '' });
    const row = this.createKey(now, activeFrom);
    await tx.insert(SigningKeyEntity, row);
    return { kid: row.kid, activeFrom };
  }

  private async makeFirstKey(now: Micros): Promise<void> {
    await this.database.transaction(async (tx) => {
      await this.leases.lock(tx, LOCK);
      const rows = await tx.find(SigningKeyEntity);
      const usable = rows.filter((row) => this.sealer.knows(row.sealedPrivateKey));
      if (chooseSigner(usable, now)) return;
      if (rows.length > 0) this.logger.warn('No signing key can be opened with this ROLLCALL_SECRET; making one.');
      // Active a little earlier, for instances whose clocks are behind.
      await tx.insert(SigningKeyEntity, this.createKey(now, now - MINUTE));
    });
  }

  private createKey(now: Micros, activeFrom: Micros): SigningKeyEntity {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { crv = '', kty = '', x = '', y = '' } = publicKey.export({ format: 'jwk' });
    // RFC 7638: the thumbprint is over these members, in this order.
    const kid = createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
    return {
      kid,
      publicJwk: { kty, crv, x, y, kid, alg: 'ES256', use: 'sig' },
      sealedPrivateKey: this.sealer.seal(PURPOSE, privateKey.export({ format: 'der', type: 'pkcs8' })),
      createdAt: now,
      activeFrom,
      retiredAt: null,
    };
  }

  private isStale(now: Micros): boolean {
    return now - this.loadedAt >= KEY_RELOAD;
  }

  private findSigner(now: Micros): TokenSigner | null {
    return (
      chooseSigner(
        this.keys.filter((key) => key.signer),
        now,
      )?.signer ?? null
    );
  }

  /** One read at a time; whoever asks meanwhile waits for the same one. */
  private reload(): Promise<void> {
    this.loading ??= this.load().finally(() => (this.loading = null));
    return this.loading;
  }

  private async load(): Promise<void> {
    const at = this.clock.now();
    const rows = await this.database.read.find(SigningKeyEntity, { order: { activeFrom: 'ASC', kid: 'ASC' } });
    const before = new Map(this.keys.map((key) => [key.kid, key]));
    this.keys = rows.map((row) => ({
      kid: row.kid,
      activeFrom: row.activeFrom,
      retiredAt: row.retiredAt,
      publicJwk: row.publicJwk,
      publicKey: before.get(row.kid)?.publicKey ?? createPublicKey({ key: { ...row.publicJwk }, format: 'jwk' }),
      signer: before.get(row.kid)?.signer ?? this.openSigner(row),
    }));
    this.loadedAt = at;
  }

  private openSigner(row: SigningKeyEntity): TokenSigner | null {
    if (!this.sealer.knows(row.sealedPrivateKey)) return null;
    const der = this.sealer.unseal(PURPOSE, row.sealedPrivateKey);
    return createSigner(row.kid, createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
  }
}
