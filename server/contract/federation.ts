import { z } from 'zod'
import { Name, procedure, Time } from './base.ts'

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

/** Somebody whom a provider signed in and who is asked here first, since their sign-in began somewhere else. */
export const Arrival = z.object({
  provider: z.string().describe('What the provider is called'),
  name: z.string(),
  displayName: z.string(),
  present: z
    .object({ name: z.string(), same: z.boolean().describe('It is the same account') })
    .nullable()
    .describe('Who is signed in in this browser: that session ends if the other one comes in'),
  returnTo: z.string().describe('The page to go on to'),
  expiresAt: Time,
})
export type Arrival = z.infer<typeof Arrival>

export const signIn = {
  arrival: procedure({ right: 'public' })
    .route({
      method: 'GET',
      path: '/sign-in/arrival',
      tags: ['session'],
      summary: 'Who is asked first whether they want to come in; in the browser that they arrived in alone',
    })
    .input(z.strictObject({ id: z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'the id of an arrival') }))
    .output(Arrival),
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
