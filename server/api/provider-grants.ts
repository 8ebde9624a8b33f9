import type { FederatedAccounts, ProviderRecord, Rule } from '#server/identity/federation/ports.ts'
import { evaluate } from '#server/identity/federation/rules.ts'
import { mustHold, mustOutrank } from '#server/identity/grants.ts'
import type { BindingStore } from '#server/inventory/bindings.ts'
import { EVERYTHING } from '#server/inventory/database.ts'
import type { RoleStore } from '#server/inventory/roles.ts'
import type { SignedInContext } from './door.ts'

export interface ProviderGrantParts {
  readonly bindings: Pick<BindingStore, 'ofProvider' | 'ofGroups'>
  readonly roles: Pick<RoleStore, 'named'>
  readonly accounts: Pick<FederatedAccounts, 'ground'>
}

type Provider = Pick<ProviderRecord, 'id' | 'tenantId'>

/**
 * Whoever says whom a provider vouches for, and what its rules give, could become any of its people. So they must hold
 * what these hold, and what the rules would give to whoever fits them. Throws `Refusal` (`forbidden`).
 */
export const providerGrants =
  ({ bindings, roles, accounts }: ProviderGrantParts) =>
  async ({ caller }: Pick<SignedInContext, 'caller'>, provider: Provider, rules: readonly Rule[]): Promise<void> => {
    mustOutrank(caller, await bindings.ofProvider(provider.id))
    const forAll = rules.filter(({ then }) => then.give !== 'nothing').map(({ then }): Rule => ({ when: [], then }))
    if (forAll.length === 0) return
    const given = evaluate(forAll, {}, await accounts.ground(provider, forAll))
    for (const { role, ...place } of given.roles)
      mustHold(caller, (await roles.named(EVERYTHING, role, place.tenantId)).rights, place, '/rules')
    mustOutrank(
      caller,
      await bindings.ofGroups(
        provider.tenantId,
        given.groups.map(({ group }) => group),
      ),
    )
  }
