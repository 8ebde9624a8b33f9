import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Browser } from 'playwright-core'
import { onTestFinished } from 'vitest'
import type { Session } from '#server/contract/session.ts'
import { startIdentityProvider } from '#test/peers/saml/simplesamlphp.ts'
import { apiAt, signIn } from './api.ts'
import { launchBrowser, openPage } from './browser.ts'
import { signInAtSimpleSaml } from './peers-browser.ts'
import { startWeft } from './weft.ts'

const RULES = `
- when: [{ attribute: groups, operator: is, value: noc-admins }]
  then: { give: role, role: tenant-administrator }
- when: [{ attribute: groups, operator: is, value: noc-readonly }]
  then: { give: role, role: tenant-member }
# A tenant's provider cannot make an operator, whatever its rules say.
- when: []
  then: { give: role, role: operator }
`

/** The product without a lab, with tenants red and blue, each with a SimpleSAMLphp of its own that a script set up. */
export async function startTwoProviders(instance: string) {
  const folder = await mkdtemp(path.join(tmpdir(), 'weft-e2e-'))
  // Providers and consoles stand on this machine: without that, nothing is sent to a loopback address.
  const weft = await startWeft(instance, { lab: false, environment: { WEFT_METADATA_PRIVATE: 'true' } })
  const admin = apiAt(weft.address, await signIn(weft.address, 'admin', weft.password))
  const serviceProviders = [await (await fetch(`${weft.address}/saml/metadata`)).text()]
  const red = await startIdentityProvider({ name: 'red', serviceProviders })
  const blue = await startIdentityProvider({ name: 'blue', serviceProviders })

  /** A file for the command line. */
  const fileOf = async (name: string, text: string) => {
    const file = path.join(folder, name)
    await writeFile(file, text)
    return file
  }
  /** Sets a provider up as an unattended installation does. */
  const importProvider = async (tenant: string, metadata: string, name = `${tenant}-idp`, ...more: string[]) => {
    await weft.cli(
      ...['identity-provider', 'import', '--name', name, '--tenant', tenant, '--email-domains', `${tenant}.example`],
      ...['--metadata', await fileOf(`${name}.xml`, metadata), '--rules', await fileOf('rules.yaml', RULES)],
      ...more,
    )
  }
  for (const tenant of ['red', 'blue']) await weft.cli('tenant', 'create', tenant)
  await importProvider('red', await red.metadata())
  await importProvider('blue', await blue.metadata())
  const browser: Browser = await launchBrowser()

  /** A browser of somebody's own. */
  async function person() {
    const opened = await openPage(browser, weft.address)
    onTestFinished(() => opened.context.close())
    const { page } = opened
    /** Who is signed in to Weft there; undefined: nobody. */
    const whoIs = async (): Promise<Session['account'] | undefined> => {
      const answer = await opened.context.request.get(`${weft.address}/api/v1/session`)
      return answer.ok() ? ((await answer.json()) as Session).account : undefined
    }
    const enter = async (who: 'alice' | 'bob', of: 'red' | 'blue' = 'red') => {
      await page.goto(`/saml/login?idp=${of}-idp`)
      await signInAtSimpleSaml(page, who, `${who}pass`)
      await page.getByRole('heading', { name: 'Overview' }).waitFor()
    }
    return { ...opened, whoIs, enter }
  }

  const stop = async () => {
    await browser.close()
    for (const peer of [red, blue]) await peer.stop()
    await weft.stop()
    await rm(folder, { recursive: true, force: true })
  }
  return { weft, admin, red, blue, person, fileOf, importProvider, stop }
}
export type TwoProviders = Awaited<ReturnType<typeof startTwoProviders>>
