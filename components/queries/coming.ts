import { z } from 'zod'
import { bindings, decisions, groups, roles, tokens } from '#server/contract/access.ts'
import { Id, procedure } from '#server/contract/base.ts'
import { consoles } from '#server/contract/consoles.ts'
import { contract } from '#server/contract/index.ts'
import { identityProviders } from '#server/contract/providers.ts'
import { Session } from '#server/contract/session.ts'
import { credentials, StepUp, sessions } from '#server/contract/sessions.ts'

/** Somewhere that a person has rights. */
export interface Place {
  readonly tenantId: string | null
  readonly tenantName: string | null
  readonly siteId: string | null
  readonly siteName: string | null
}
export type SessionWithPlaces = Session & { readonly places?: readonly Place[]; readonly place?: Place }

const WorkAt = z.strictObject({ tenantId: Id.nullable(), siteId: Id.nullable() })

/** The contract as the console reads it: areas that the engine serves as soon as they are joined. */
export const whole = {
  ...{ bindings, decisions, groups, roles, tokens, consoles, identityProviders, credentials, sessions },
  ...contract,
  session: {
    place: procedure({ right: 'self' })
      .route({ method: 'PUT', path: '/session/place' })
      .input(WorkAt)
      .output(z.unknown()),
    stepUp: procedure({ right: 'self' })
      .route({ method: 'POST', path: '/session/step-up' })
      .input(StepUp)
      .output(z.unknown()),
    ...contract.session,
    create: procedure({ right: 'public' })
      .route({ method: 'POST', path: '/session', successStatus: 201 })
      .input(
        z.union([
          z.strictObject({ name: z.string(), password: z.string(), code: z.string().optional() }),
          z.strictObject({ passkey: z.record(z.string(), z.unknown()) }),
        ]),
      )
      .output(Session),
  },
}
export type Whole = typeof whole
