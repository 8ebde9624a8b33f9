import { describe, expect, it } from 'vitest'
import {
  asName,
  gatewayFaults,
  mtuFaults,
  nameFaults,
  prefixFaults,
  vniFaults,
} from '#components/networks/draft-network.ts'
import { parsePrefix } from '#components/networks/prefix.ts'

const recorder = () => {
  const said: string[] = []
  return {
    said,
    gateway: (text: string) => said.push(`gateway ${text}`),
    prefix: (text: string) => said.push(`prefix ${text}`),
  }
}

describe('a gateway', () => {
  it('outside its subnet is refused, with two ways to mend it', () => {
    const mend = recorder()
    const [fault] = gatewayFaults('10.40.40.1', parsePrefix('10.40.36.0/22'), mend)
    expect(fault?.message).toBe('10.40.40.1 lies outside 10.40.36.0/22, which ends at 10.40.39.255.')
    expect(fault?.mends?.map(({ label }) => label)).toEqual(['Use 10.40.36.1', 'Widen to 10.40.32.0/20'])
    for (const { apply } of fault?.mends ?? []) apply()
    expect(mend.said).toEqual(['gateway 10.40.36.1', 'prefix 10.40.32.0/20'])
  })

  it.each([
    ['10.0.0.0', 'network'],
    ['10.0.0.255', 'broadcast'],
  ])('cannot be %s, the %s address', (address, which) => {
    const [fault] = gatewayFaults(address, parsePrefix('10.0.0.0/24'), recorder())
    expect(fault?.message).toContain(`the ${which} address`)
  })

  it('may be left out', () => expect(gatewayFaults('', parsePrefix('10.0.0.0/24'), recorder())).toEqual([]))
})

describe('the other fields of a network', () => {
  it('an MTU leaves room for VXLAN', () => {
    expect(mtuFaults('1450', 1500, () => {})).toEqual([])
    const said: string[] = []
    const [fault] = mtuFaults('1451', 1500, (text) => said.push(text))
    fault?.mends?.[0]?.apply()
    expect(said).toEqual(['1450'])
  })

  it('a subnet of the wrong family, with host bits or without room is refused', () => {
    for (const text of ['2001:db8::/64', '10.0.0.1/24', '10.0.0.0/32', 'ten'])
      expect(
        prefixFaults(text, 4, () => {}),
        text,
      ).toHaveLength(1)
    expect(prefixFaults('10.0.0.0/24', 4, () => {})).toEqual([])
  })

  it('a VNI lies in 24 bits and is not 0', () => {
    for (const text of ['0', '16777216', '-1', '1.5', '']) expect(vniFaults(text), text).toHaveLength(1)
    expect(vniFaults('16777215')).toEqual([])
  })

  it('a name is made of what was typed', () => {
    expect(asName(' Halden Bank & Söhne ')).toBe('halden-bank-s-hne')
    expect(nameFaults(asName('Halden Bank'))).toEqual([])
    expect(nameFaults('Halden')).toHaveLength(1)
    expect(nameFaults('-a')).toHaveLength(1)
  })
})
