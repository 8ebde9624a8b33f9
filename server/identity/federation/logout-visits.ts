/** How the browser ends the session of a provider by OpenID Connect: by a visit, whose address says who its person is. */
export interface LogoutVisits {
  /** The address for a session, sealed; undefined: there is none. To be asked before the session ends. */
  of(sessionHash: string): Promise<string | undefined>
  /** The address of a sealed one, with `state` to come back with. */
  open(visit: string, state: string): Promise<string>
}

export interface LogoutVisitParts {
  readonly endSessionUrl: (sessionHash: string) => Promise<string | undefined>
  readonly seal: (context: string, plain: Buffer) => Promise<Buffer>
  readonly unseal: (context: string, sealed: Buffer) => Promise<Buffer>
}

const CONTEXT = 'logout-visit'
/** The provider may have to be asked where its sessions end. Nobody waits long for that. */
const ASK_MS = 2_000

export function logoutVisits({ endSessionUrl, seal, unseal }: LogoutVisitParts): LogoutVisits {
  const inTime = (work: Promise<string | undefined>) => {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), ASK_MS)
    })
    return Promise.race([work.catch(() => undefined), late]).finally(() => clearTimeout(timer))
  }
  return {
    async of(sessionHash) {
      const url = await inTime(endSessionUrl(sessionHash))
      return url === undefined ? undefined : (await seal(CONTEXT, Buffer.from(url))).toString('base64')
    },
    async open(visit, state) {
      const url = new URL((await unseal(CONTEXT, Buffer.from(visit, 'base64'))).toString())
      url.searchParams.set('state', state)
      return url.href
    },
  }
}
