import { describe, expect, test } from 'vitest'
import { startConsole } from './ground.ts'

const BROWSER = { 'user-agent': 'Firefox' }

/** A console where somebody signed in with a browser, and how it sees a request of theirs. */
async function signedIn() {
  const made = await startConsole()
  const { send, password } = made
  const answer = await send('POST', '/api/v1/session', { name: 'admin', password }, BROWSER)
  const cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? ''
  const signals = async (headers: Record<string, string>) => {
    const session = await send('GET', '/api/v1/session', undefined, { cookie, ...headers })
    return ((await session.json()) as { signals: { kind: string }[] }).signals.map(({ kind }) => kind)
  }
  const passage = async (headers: Record<string, string>) => {
    const page = (await (await send('GET', '/', undefined, headers)).json()) as { headers: Record<string, string> }
    return page.headers['x-weft-passage'] ?? ''
  }
  return { ...made, signals, passage }
}

describe('what the web server reads for a page', () => {
  test('is judged as what the browser asks for that the page is made for', async () => {
    const { signals, passage } = await signedIn()
    expect(await signals(BROWSER)).toEqual([])
    expect(await signals({ 'user-agent': 'node' })).toEqual(['agent'])
    const given = await passage({ ...BROWSER, 'x-weft-passage': 'of its own making' })
    expect(given).toMatch(/^[\w-]+\.[\w-]{43}$/)
    expect(await signals({ 'user-agent': 'node', 'x-weft-passage': given })).toEqual([])
  })

  test('cannot be said to be for another', async () => {
    const { signals, passage } = await signedIn()
    const curl = await passage({ 'user-agent': 'curl' })
    expect(await signals({ ...BROWSER, 'x-weft-passage': curl }), 'it says who it was made for').toEqual(['agent'])
    const [body = '', mac = ''] = curl.split('.')
    const said = JSON.parse(Buffer.from(body, 'base64url').toString()) as object
    const forged = Buffer.from(JSON.stringify({ ...said, agent: 'Firefox' })).toString('base64url')
    expect(await signals({ 'user-agent': 'curl', 'x-weft-passage': `${forged}.${mac}` })).toEqual(['agent'])
  })
})
