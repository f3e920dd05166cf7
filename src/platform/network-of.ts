import ipaddr from 'ipaddr.js';

/**
 * The network that an address counts for, of which one caller easily has many addresses: /24 of IPv4 (also when mapped
 * into IPv6), /48 of IPv6.
 */
export function networkOf(address: string | null): string {
  if (address === null || !ipaddr.isValid(address)) return 'unknown';
  const parsed = ipaddr.process(address);
  const bits = parsed.kind() === 'ipv4' ? 24 : 48;
  const bytes = parsed.toByteArray().map((byte, index) => (index < bits / 8 ? byte : 0));
  return `${ipaddr.fromByteArray(bytes).toString()}/${bits}`;
}
