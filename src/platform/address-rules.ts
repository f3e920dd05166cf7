import ipaddr from 'ipaddr.js';

/** Ranges that an operator may open to a host by name; all others that are not public need a CIDR. */
const INSIDE_RANGES: ReadonlySet<string> = new Set(['loopback', 'private', 'uniqueLocal', 'carrierGradeNat']);

/** Where clouds hand out credentials to whoever asks, outside the ranges that are refused anyway, or inside an "open" one. */
const METADATA: ReadonlySet<string> = new Set(['168.63.129.16', '100.100.100.200', 'fd00:ec2::254', '192.0.0.192']);

export type Cidr = [ipaddr.IPv4 | ipaddr.IPv6, number];

export interface AddressRules {
  /** Reachable although they are not public. */
  allowedCidrs: readonly Cidr[];
}

/** Reads `10.0.0.0/8`; throws when it is not a CIDR. */
export function parseCidr(text: string): Cidr {
  return ipaddr.parseCIDR(text);
}

/**
 * Why an address must not be connected to, in words, or null (C7). Only public unicast addresses pass. IPv4 inside IPv6 is
 * judged as what it is (mapped) or refused (NAT64, 6to4, Teredo, compatible): it would reach IPv4 past the IPv4 rules.
 * `isTrustedHost` opens loopback and private ranges, for a host that the operator named; never metadata or link-local.
 */
export function findAddressFault(address: string, rules: AddressRules, isTrustedHost = false): string | null {
  if (!ipaddr.isValid(address)) return `${address} is not an IP address.`;
  const parsed = ipaddr.process(address);
  if (rules.allowedCidrs.some((cidr) => parsed.kind() === cidr[0].kind() && parsed.match(cidr))) return null;
  if (METADATA.has(parsed.toString())) return `${address} is a metadata service.`;
  const range = parsed.range();
  if (isTrustedHost && INSIDE_RANGES.has(range)) return null;
  if (INSIDE_RANGES.has(range)) {
    return `${address} is not a public address (${range}); an operator may let it be by OUTBOUND_ALLOW.`;
  }
  if (range !== 'unicast') return `${address} is not a public address (${range}).`;
  // 2000::/3 is all of IPv6 that is given out; the parser calls much beside it unicast.
  if (parsed instanceof ipaddr.IPv6 && ((parsed.parts[0] ?? 0) & 0xe000) !== 0x2000) {
    return `${address} is not a public address.`;
  }
  return null;
}

/** The address that a URL's host name literally is, or null for a name. `URL` has already unmasked `0x7f.1` and `2130706433`. */
export function readLiteralAddress(hostname: string): string | null {
  const text = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
  return ipaddr.isValid(text) ? text : null;
}

/** By name alone: `localhost` and the literals. What a name resolves to is checked at the socket. */
export function isLoopbackName(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}
