import { describe, expect, it } from '@jest/globals';
import { findAddressFault, parseCidr, readLiteralAddress } from './address-rules.js';

const closed = { allowedCidrs: [] };

describe('addresses', () => {
  it.each([
    '8.8.8.8',
    '1.1.1.1',
    '172.15.255.255',
    '100.63.255.255',
    '2606:4700::1111',
    '2a00:1450:4001::1',
    '::ffff:8.8.8.8',
  ])('C7 %s is public', (address) => {
    expect(findAddressFault(address, closed)).toBeNull();
  });

  it.each([
    ['loopback', '127.0.0.1'],
    ['loopback', '127.255.255.254'],
    ['loopback', '::1'],
    ['private', '10.0.0.1'],
    ['private', '172.16.0.1'],
    ['private', '192.168.1.1'],
    ['unique local', 'fc00::1'],
    ['unique local', 'fd12:3456::1'],
    ['link-local', '169.254.1.1'],
    ['link-local', 'fe80::1'],
    ['metadata', '169.254.169.254'],
    ['metadata of ECS', '169.254.170.2'],
    ['metadata of AWS', 'fd00:ec2::254'],
    ['metadata of Azure', '168.63.129.16'],
    ['metadata of Alibaba', '100.100.100.200'],
    ['metadata of Oracle', '192.0.0.192'],
    ['CGNAT', '100.64.0.1'],
    ['CGNAT', '100.127.255.254'],
    ['unspecified', '0.0.0.0'],
    ['this network', '0.1.2.3'],
    ['unspecified', '::'],
    ['broadcast', '255.255.255.255'],
    ['multicast', '224.0.0.1'],
    ['multicast', 'ff02::1'],
    ['reserved', '240.0.0.1'],
    ['benchmark', '198.18.0.1'],
    ['documentation', '192.0.2.1'],
    ['documentation', '2001:db8::1'],
    ['IPv4-mapped loopback', '::ffff:127.0.0.1'],
    ['IPv4-mapped loopback, in hex', '::ffff:7f00:1'],
    ['IPv4-mapped private', '::ffff:10.0.0.1'],
    ['IPv4-mapped metadata', '::ffff:a9fe:a9fe'],
    ['IPv4-compatible loopback', '::127.0.0.1'],
    ['NAT64 of loopback', '64:ff9b::7f00:1'],
    ['NAT64 of a public address', '64:ff9b::808:808'],
    ['local NAT64', '64:ff9b:1::7f00:1'],
    ['translated', '::ffff:0:7f00:1'],
    ['6to4 of loopback', '2002:7f00:1::'],
    ['Teredo', '2001:0:7f00:1::1'],
    ['site-local', 'fec0::1'],
    ['not given out', '4000::1'],
    ['a name', 'localhost'],
    ['nothing', ''],
  ])('C7 %s (%s) is refused', (_, address) => {
    expect(findAddressFault(address, closed)).not.toBeNull();
  });

  it('C7 an allowed CIDR opens just itself', () => {
    const rules = { allowedCidrs: [parseCidr('10.1.0.0/16'), parseCidr('fd00:1::/32')] };
    expect(findAddressFault('10.1.2.3', rules)).toBeNull();
    expect(findAddressFault('::ffff:10.1.2.3', rules)).toBeNull();
    expect(findAddressFault('fd00:1::5', rules)).toBeNull();
    expect(findAddressFault('10.2.0.1', rules)).not.toBeNull();
    expect(findAddressFault('fd00:2::5', rules)).not.toBeNull();
  });

  it('C7 a trusted host may be inside, but is never a metadata service or link-local', () => {
    for (const address of ['10.0.0.1', '127.0.0.1', 'fd12::1', '100.64.0.1']) {
      expect(findAddressFault(address, closed, true)).toBeNull();
    }
    for (const address of [
      '169.254.169.254',
      'fd00:ec2::254',
      '100.100.100.200',
      '168.63.129.16',
      'fe80::1',
      '0.0.0.0',
    ]) {
      expect(findAddressFault(address, closed, true)).not.toBeNull();
    }
  });

  it.each([
    ['https://127.1/', '127.0.0.1'],
    ['https://2130706433/', '127.0.0.1'],
    ['https://0x7f.0.0.1/', '127.0.0.1'],
    ['https://0177.0.0.1/', '127.0.0.1'],
    ['https://[::ffff:127.0.0.1]/', '::ffff:7f00:1'],
    ['https://①②⑦.0.0.1/', '127.0.0.1'],
    ['https://idp.example.com/', null],
  ])('C7 the host of %s is the literal %s', (url, address) => {
    expect(readLiteralAddress(new URL(url).hostname)).toBe(address);
  });
});
