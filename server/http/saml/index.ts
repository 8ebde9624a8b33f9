import { spMetadata } from '#server/identity/saml/metadata.ts'
import type { Routes } from '../app.ts'
import { serveAcs } from './acs.ts'
import { serveLogin } from './login.ts'
import { serveMetadata } from './metadata.ts'
import type { SamlRoutesParts } from './parts.ts'
import { samlScope } from './scope.ts'

/** Weft as a SAML service provider: metadata, the way to a provider, and the way back. */
export const samlRoutes =
  (parts: SamlRoutesParts): Routes =>
  (app, at) =>
    samlScope(app, { product: at.product.name, ledger: parts.ledger, action: 'signIn.saml' }, (scope) => {
      const { keys, own } = parts
      const certificates = () =>
        Promise.all([keys.certificates('saml-signing'), keys.certificates('saml-encryption')] as const)
      serveMetadata(
        scope,
        '/saml/metadata',
        async () => JSON.stringify(await certificates()),
        async () => {
          const [signing, encryption] = await certificates()
          const signer = await keys.signer('saml-signing')
          return spMetadata(own, signer, [encryption.active, ...encryption.others], signing.others)
        },
      )
      serveLogin(scope, '/saml/login', parts, at)
      serveAcs(scope, parts, at)
    })
