import { mustHoldEach } from '#server/identity/grants.ts'
import type { Tell } from '#server/identity/notices/ports.ts'
import { newToken } from '#server/identity/tokens.ts'
import { readList } from '#server/inventory/list.ts'
import { TOKEN_FIELDS, type TokenStore } from '#server/inventory/tokens.ts'
import { api, nameOf, type SignedInContext } from './door.ts'

const DAY_MS = 86_400_000

/** Where a token counts: in the tenant that is named, else where its owner works now. */
const placeOf = ({ scope }: SignedInContext, tenantId: string | null) => ({
  tenantId: tenantId ?? scope.tenantId,
  siteId: tenantId === null ? (scope.siteId ?? null) : null,
})

/** API tokens: made by their owners of rights that they hold, shown once, ended by them or by who may end anybody’s. */
export function tokenHandlers(tokens: TokenStore, tell: Tell) {
  return {
    own: api.tokens.own.handler(({ input, context }) => tokens.own(context.account.id, readList(input, TOKEN_FIELDS))),
    create: api.tokens.create.handler(async ({ input, context }) => {
      const { name, days } = input
      context.note.detail = name
      const place = placeOf(context, input.tenantId)
      const rights = [...new Set(input.rights)]
      // Its owner's conditions are looked at with each use of it.
      mustHoldEach(context.caller, rights, place, '/rights', null)
      const { token, hash, prefix } = newToken()
      const expiresAt = new Date(Date.now() + days * DAY_MS)
      const made = await tokens.create({
        accountId: context.account.id,
        name,
        hash,
        prefix,
        rights,
        ...place,
        expiresAt,
      })
      Object.assign(context.note, { subject: `token/${made.id}`, after: made })
      await tell(made.ownerId, { kind: 'token.made', subject: made.id, what: name, addresses: [context.address] })
      return { ...made, token }
    }),
    end: api.tokens.end.handler(async ({ input, context }) => {
      context.note.subject = `token/${input.id}`
      const ended = await tokens.endOwn(context.account.id, input.id)
      Object.assign(context.note, { detail: ended.name, before: ended })
      const { id: subject, name: what } = ended
      await tell(ended.ownerId, { kind: 'token.ended', subject, what, addresses: [context.address] })
    }),
    all: api.tokens.all.handler(({ input, context }) => tokens.all(context.scope, readList(input, TOKEN_FIELDS))),
    endAny: api.tokens.endAny.handler(async ({ input, context }) => {
      context.note.subject = `token/${input.id}`
      const ended = await tokens.endAny(context.scope, input.id)
      Object.assign(context.note, { detail: `${ended.name} of ${ended.ownerName}`, before: ended })
      const { id: subject, name: what } = ended
      await tell(ended.ownerId, { kind: 'token.ended', subject, what, by: nameOf(context.caller) })
    }),
  }
}
