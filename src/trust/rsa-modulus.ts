const BITS_MIN = 2048;
/** A larger modulus only costs time at each login. */
const BITS_MAX = 8192;
const EXPONENT_BYTES_MAX = 8;

const PRIMES = [
  3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113,
  127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/** For each small prime, the residues that a power of 65537 can have. */
const ROCA_RESIDUES: readonly [bigint, ReadonlySet<bigint>][] = PRIMES.map((prime) => {
  const residues = new Set<bigint>();
  let power = 1;
  while (!residues.has(BigInt(power))) {
    residues.add(BigInt(power));
    power = (power * 65537) % prime;
  }
  return [BigInt(prime), residues];
});

/** Why an RSA key (big-endian modulus and exponent) is too weak to believe, or null. RFC 7518, section 3.3; CVE-2017-15361. */
export function findRsaFault(modulus: Buffer, exponent: Buffer): string | null {
  const n = toBigInt(modulus);
  const e = toBigInt(exponent);
  const bits = n.toString(2).length;
  if (bits < BITS_MIN) return `The modulus has ${bits} bits; at least ${BITS_MIN} are needed.`;
  if (bits > BITS_MAX) return `The modulus has ${bits} bits; at most ${BITS_MAX} are taken.`;
  if (n % 2n === 0n) return 'The modulus is even.';
  if (e < 3n || e % 2n === 0n || toBytes(e) > EXPONENT_BYTES_MAX) return 'The exponent is 1, even or too large.';
  if (hasRocaFingerprint(n)) return 'The key comes from a chip whose keys can be factored (ROCA, CVE-2017-15361).';
  return null;
}

/** Keys of those chips are, modulo every small prime, powers of 65537; of other keys, one in 2^27 is. */
export function hasRocaFingerprint(modulus: bigint): boolean {
  return ROCA_RESIDUES.every(([prime, residues]) => residues.has(modulus % prime));
}

function toBigInt(bytes: Buffer): bigint {
  return BigInt(`0x${bytes.toString('hex') || '0'}`);
}

function toBytes(value: bigint): number {
  return Math.ceil(value.toString(16).length / 2);
}
