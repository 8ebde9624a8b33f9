import { isIPv6 } from 'node:net'
import { describe, expect, test } from 'vitest'
import { ANYWHERE, OutboundRefused, outbound, targetOf } from '#server/outbound/guard.ts'
import { parsePlace } from '#server/outbound/places.ts'

/** A guard, and which names it had looked up. */
function guarded(places: string, addresses: Readonly<Record<string, readonly string[]>> = {}) {
  const asked: string[] = []
  const guard = outbound(
    places.split(' ').flatMap((text) => parsePlace(text) ?? []),
    async (host) => {
      asked.push(host)
      return (addresses[host] ?? []).map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }))
    },
  )
  const go = (host: string, port = 443) =>
    guard.addresses({ host, port }).then((found) => found.map(({ address }) => address))
  return { ...guard, go, asked }
}

describe('with a list of places', () => {
  test('a name that is named goes to whatever addresses it has', async () => {
    const { go } = guarded('idp.example.net:443', { 'idp.example.net': ['198.51.100.7', '2001:db8::7'] })
    expect(await go('idp.example.net')).toEqual(['198.51.100.7', '2001:db8::7'])
    await expect(go('idp.example.net', 8443)).rejects.toThrow(
      'idp.example.net:8443 is none of the places that WEFT_OUTBOUND names.',
    )
  })

  test('a name that is none of them is not even looked up', async () => {
    const { go, asked, require } = guarded('idp.example.net *.b.example 10.0.0.0/8:514')
    await expect(go('evil.example.net')).rejects.toBeInstanceOf(OutboundRefused)
    expect(asked).toEqual([])
    expect(() => require({ host: 'evil.example.net', port: 443 })).toThrow(OutboundRefused)
    expect(() => require({ host: '2001:db8::1', port: 443 })).toThrow('[2001:db8::1]:443 is none')
    expect(() => require({ host: 'a.b.example', port: 443 })).not.toThrow()
  })

  test('a name goes to those of its addresses alone that are in a range', async () => {
    const { go, require } = guarded('10.0.0.0/8:514', {
      'log.example': ['192.0.2.1', '10.1.0.1', '10.2.0.1'],
      'far.example': ['192.0.2.1'],
    })
    expect(() => require({ host: 'far.example', port: 514 })).not.toThrow()
    expect(await go('log.example', 514)).toEqual(['10.1.0.1', '10.2.0.1'])
    await expect(go('far.example', 514)).rejects.toBeInstanceOf(OutboundRefused)
    await expect(go('log.example', 443)).rejects.toBeInstanceOf(OutboundRefused)
  })

  test('an address goes where its range is, however it is written', async () => {
    const { go } = guarded('10.0.0.0/8', { '10.0.0.7': ['10.0.0.7'], '127.1': ['127.0.0.1'] })
    expect(await go('10.0.0.7')).toEqual(['10.0.0.7'])
    await expect(go('11.0.0.7')).rejects.toBeInstanceOf(OutboundRefused)
    await expect(go('127.1')).rejects.toBeInstanceOf(OutboundRefused)
  })

  test('an empty list lets nothing out', async () => {
    await expect(guarded('').go('idp.example.net')).rejects.toMatchObject({
      mend: 'Let whoever runs this installation name it in WEFT_OUTBOUND.',
    })
  })
})

test('without a list every name goes, and one without an address is said to have none', async () => {
  expect((await ANYWHERE.addresses({ host: '127.0.0.1', port: 1 }))[0].address).toBe('127.0.0.1')
  expect(() => ANYWHERE.require({ host: 'idp.example.net', port: 443 })).not.toThrow()
  const bare = outbound(undefined, async () => [])
  await expect(bare.addresses({ host: 'idp.example.net', port: 443 })).rejects.toThrow('has no address')
})

test.each([
  ['https://idp.example.net/x', 'idp.example.net', 443],
  ['http://idp.example.net', 'idp.example.net', 80],
  ['https://[2001:db8::1]:8443/', '2001:db8::1', 8443],
  ['https://0x7f.1/', '127.0.0.1', 443],
])('%s leads to %s, port %s', (url, host, port) => expect(targetOf(new URL(url))).toEqual({ host, port }))
