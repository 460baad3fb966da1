import { describe, expect, test } from 'vitest'
import { ClientAddresses } from '../../server/auth/addresses.ts'
import { loadConfig } from '../../server/config/read-config.ts'

const from = (remoteAddress: string, forwarded?: string | string[]) => ({
  socket: { remoteAddress },
  headers: { 'x-forwarded-for': forwarded },
})

describe('the address of a caller', () => {
  test.each<[string, string[], string, string | string[] | undefined, string]>([
    [
      "is the socket's where no proxy is trusted, whatever a header claims",
      [],
      '192.0.2.1',
      '198.51.100.7',
      '192.0.2.1',
    ],
    ['is what a trusted proxy wrote', ['127.0.0.0/8'], '127.0.0.1', '198.51.100.7', '198.51.100.7'],
    [
      'is not what stands before it: the caller wrote that',
      ['127.0.0.0/8'],
      '127.0.0.1',
      '1.1.1.1, 198.51.100.7',
      '198.51.100.7',
    ],
    [
      'goes through a chain of trusted proxies',
      ['127.0.0.0/8', '10.0.0.0/8'],
      '127.0.0.1',
      '1.1.1.1, 198.51.100.7, 10.1.2.3',
      '198.51.100.7',
    ],
    [
      'goes through repeated headers',
      ['127.0.0.0/8', '10.0.0.0/8'],
      '127.0.0.1',
      ['198.51.100.7', '10.1.2.3'],
      '198.51.100.7',
    ],
    ["is the proxy's where it wrote nothing", ['127.0.0.1'], '127.0.0.1', undefined, '127.0.0.1'],
    ["is the proxy's where it wrote nonsense", ['127.0.0.1'], '127.0.0.1', 'unknown', '127.0.0.1'],
    [
      'is that of a caller that is no proxy, in the same network or not',
      ['127.0.0.1'],
      '127.0.0.2',
      '198.51.100.7',
      '127.0.0.2',
    ],
    [
      'is read from an IPv4 address in IPv6 dress',
      ['127.0.0.1'],
      '::ffff:127.0.0.1',
      '::ffff:198.51.100.7',
      '198.51.100.7',
    ],
    ['is read behind an IPv6 proxy', ['fc00::/7'], 'fd00::1', '2001:db8::7', '2001:db8::7'],
  ])('%s', (_name, trusted, remote, forwarded, expected) => {
    expect(new ClientAddresses(trusted).of(from(remote, forwarded))).toBe(expected)
  })

  test('counts by /64 for IPv6', () => {
    const addresses = new ClientAddresses([])
    const keys = ['2001:db8:0:1::7', '2001:db8:0:1:ffff::', '2001:0db8::1:0:0:0:9'].map((address) =>
      addresses.keyOf(from(address)),
    )
    expect(keys).toEqual(['2001:db8:0:1::/64', '2001:db8:0:1::/64', '2001:db8:0:1::/64'])
    expect(addresses.keyOf(from('2001:db8:0:2::7'))).not.toBe(keys[0])
    expect(addresses.keyOf(from('::1'))).toBe('0:0:0:0::/64')
  })
})

describe('RUNNEL_TRUST_PROXY', () => {
  test('takes addresses, networks and names of networks', () => {
    const { RUNNEL_TRUST_PROXY: networks } = loadConfig({ RUNNEL_TRUST_PROXY: 'loopback, 192.0.2.1,2001:db8::/32' })
    expect(networks).toEqual(['127.0.0.0/8', '::1/128', '192.0.2.1', '2001:db8::/32'])
  })

  test.each(['true', '1', 'proxy.example', '10.0.0.0/33', '10.0.0.0/8/8', '10.0.0'])('refuses %s', (value) => {
    expect(() => loadConfig({ RUNNEL_TRUST_PROXY: value })).toThrow(/RUNNEL_TRUST_PROXY: must be addresses/)
  })
})
