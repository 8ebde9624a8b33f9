/** What a session still owes before it is good for more than settling that. */
export type Duty = 'password' | 'second-factor'

/** What sign-in has to prove at least, from weak to strong: anything, several factors, a passkey, one that no device copies. */
export const SECOND_FACTORS = ['optional', 'required', 'passkey', 'hardware'] as const
export type SecondFactor = (typeof SECOND_FACTORS)[number]

/** How strong the second part of a method is: `password+totp`, `saml+mfa`, `passkey+hardware`. */
const STRENGTH: Readonly<Record<string, SecondFactor>> = {
  ...{ totp: 'required', mfa: 'required', passkey: 'passkey', hardware: 'hardware' },
}

/** How strong a way of signing in is. `method`: as sessions have it. */
export function strengthOf(method: string): SecondFactor {
  const [first, second] = method.split('+')
  if (second !== undefined) return STRENGTH[second] ?? 'optional'
  return first === 'passkey' ? 'passkey' : 'optional'
}

const rank = (strength: SecondFactor) => SECOND_FACTORS.indexOf(strength)

/** Whether one is as strong as the other. */
export const isAtLeast = (strength: SecondFactor, asked: SecondFactor): boolean => rank(strength) >= rank(asked)

/** Whether a way of signing in is as strong as is asked for. */
export const meets = (method: string, asked: SecondFactor): boolean => isAtLeast(strengthOf(method), asked)

/** What a session owes: by how it was proved, and by whether its person chose the password that proved it. */
export function owedBy(method: string, passwordEndsAt_ms: number | null, asked: SecondFactor): readonly Duty[] {
  const password = passwordEndsAt_ms !== null && method.startsWith('password')
  return [...(password ? (['password'] as const) : []), ...(meets(method, asked) ? [] : (['second-factor'] as const))]
}
