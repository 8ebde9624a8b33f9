import { makeApi, makeUtils } from './orpc.ts'
import { askForProof } from './step-up.ts'

/** The API as the browser reaches it. While a page is rendered on the server nothing calls it: queries are preloaded there. */
export const api = makeApi(
  typeof window === 'undefined' ? 'http://localhost/api/v1' : `${window.location.origin}/api/v1`,
  { prove: askForProof },
)
export const utils = makeUtils(api)
