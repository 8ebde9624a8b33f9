import { z } from 'zod'
import { Name, procedure } from './base.ts'

/** An identity provider as those see it who are not signed in yet. */
export const OfferedProvider = z.object({
  name: Name,
  displayName: z.string(),
  protocol: z.enum(['saml', 'oidc']),
  url: z
    .string()
    .describe('Where its sign-in begins: to be opened in the browser, with `&returnTo=` a page to go on to'),
})
export type OfferedProvider = z.infer<typeof OfferedProvider>

export const signIn = {
  providers: procedure({ right: 'public' })
    .route({
      method: 'GET',
      path: '/sign-in/providers',
      tags: ['session'],
      summary: 'Where one may sign in: by e-mail address, by tenant, or as one of the installation',
    })
    .input(
      z.strictObject({
        email: z.string().max(320).optional().describe('An e-mail address; its domain alone counts'),
        tenant: z.string().max(63).optional().describe('A tenant’s name'),
      }),
    )
    .output(z.object({ items: z.array(OfferedProvider) })),
}
