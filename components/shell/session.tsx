'use client'
import { createContext, type ReactNode, useContext } from 'react'
import type { Right, Role } from '#server/contract/rights.ts'
import type { Session } from '#server/contract/session.ts'

const Context = createContext<Session | null>(null)

export const SessionProvider = ({ session, children }: { session: Session; children: ReactNode }) => (
  <Context value={session}>{children}</Context>
)

/** Who is signed in; only inside the console. */
export function useSession(): Session {
  const session = useContext(Context)
  if (session === null) throw new Error('no session outside the console')
  return session
}

/** Whether the person holds this right. */
export const useMay = (right: Right): boolean => useSession().rights.includes(right)

export const ROLE_WORDS: Readonly<Record<Role, string>> = {
  operator: 'Operator',
  auditor: 'Auditor',
  'tenant-administrator': 'Tenant administrator',
  'tenant-member': 'Tenant member',
}

/** A role as people read it; one that was made has a name of its own. */
export const roleWords = (role: string): string => (ROLE_WORDS as Readonly<Record<string, string>>)[role] ?? role

/** IS for Ingrid Solheim */
export const initials = (name: string): string =>
  name
    .split(/[\s.-]+/)
    .map((word) => word[0] ?? '')
    .slice(0, 2)
    .join('')
    .toUpperCase()
