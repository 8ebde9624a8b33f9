import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { fetchMetadata, isPublicAddress } from '#server/identity/federation/fetch-metadata.ts'
import { ANYWHERE, outbound } from '#server/outbound/guard.ts'
import { parsePlace } from '#server/outbound/places.ts'

const LIMITS = { bytes: 1000, time_ms: 400, allowPrivate: true, outbound: ANYWHERE }

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/metadata`
}

describe('metadata is fetched', () => {
  test('whole', async () => {
    const url = await serve((_request, reply) => reply.end('<metadata/>'))
    expect(await fetchMetadata(url, LIMITS)).toBe('<metadata/>')
  })

  test('from no private address unless that is allowed', async () => {
    let asked = false
    const url = await serve((_request, reply) => {
      asked = true
      reply.end('secret')
    })
    const limits = { ...LIMITS, allowPrivate: false }
    await expect(fetchMetadata(url, limits)).rejects.toThrow('Only https')
    await expect(fetchMetadata(url.replace('http:', 'https:'), limits)).rejects.toThrow('not on the public internet')
    await expect(fetchMetadata('https://localhost/', limits)).rejects.toThrow('not on the public internet')
    expect(asked).toBe(false)
  })

  test('from the places of the installation alone', async () => {
    let asked = 0
    const url = await serve((_request, reply) => {
      asked += 1
      reply.end('<metadata/>')
    })
    const confined = (...texts: string[]) => {
      const places = texts.map(parsePlace).filter((place) => place !== undefined)
      return fetchMetadata(url, { ...LIMITS, outbound: outbound(places) })
    }
    await expect(confined('idp.example.net', '127.0.0.1:1')).rejects.toMatchObject({
      ...{ name: 'FetchRefused', mend: expect.stringContaining('WEFT_OUTBOUND') },
      message: expect.stringContaining('is none of the places'),
    })
    expect(asked).toBe(0)
    expect(await confined('127.0.0.0/8')).toBe('<metadata/>')
    // A place on the list is no leave to call machines inside.
    const inside = fetchMetadata('https://localhost/', {
      ...LIMITS,
      allowPrivate: false,
      outbound: outbound([{ name: 'localhost' }]),
    })
    await expect(inside).rejects.toThrow('not on the public internet')
  })

  test('without following where it is sent', async () => {
    const url = await serve((_request, reply) => reply.writeHead(302, { location: 'http://127.0.0.1:1/' }).end())
    await expect(fetchMetadata(url, LIMITS)).rejects.toThrow('It answered 302.')
  })

  test('up to a size', async () => {
    const url = await serve((_request, reply) => {
      const more = () => {
        while (reply.write('x'.repeat(500)));
      }
      reply.on('drain', more)
      more()
    })
    await expect(fetchMetadata(url, LIMITS)).rejects.toThrow('longer than 1000 bytes')
  })

  test('within a time, however slowly it drips', async () => {
    const url = await serve((_request, reply) => {
      const drip = setInterval(() => reply.write('x'), 50)
      reply.once('close', () => clearInterval(drip))
    })
    await expect(fetchMetadata(url, LIMITS)).rejects.toThrow('longer than 400 ms')
  })

  test('or not at all when the server goes away in the middle', async () => {
    const url = await serve((_request, reply) => {
      reply.writeHead(200, { 'content-length': 100 })
      reply.write('half', () => reply.destroy())
    })
    await expect(fetchMetadata(url, LIMITS)).rejects.toThrow()
  })
})

test.each([
  ...['127.0.0.1', '10.1.2.3', '192.168.0.1', '169.254.169.254', '100.64.0.1', '0.0.0.0', '224.0.0.1', '::1', '::'],
  ...['fe80::1', 'fd00::1', '::ffff:127.0.0.1', '::ffff:10.0.0.1', '255.255.255.255', '198.18.0.1'],
])('%s is not on the public internet', (address) => expect(isPublicAddress(address)).toBe(false))

test.each(['8.8.8.8', '2606:4700::1111'])('%s is', (address) => expect(isPublicAddress(address)).toBe(true))
