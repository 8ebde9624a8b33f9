'use client'
import { useEffect } from 'react'
import { owedAt } from '../sign-in/next.ts'

const hereNow = () => `${window.location.pathname}${window.location.search}`

/** Goes to the sign-in page, which leads back here afterwards. */
export function toSignIn() {
  const here = hereNow()
  window.location.replace(here === '/' ? '/sign-in' : `/sign-in?next=${encodeURIComponent(here)}`)
}

/** Goes to the page where one settles what the session owes, which leads back here afterwards. */
export const toOwed = () => window.location.replace(owedAt(hereNow()))

export function ToOwed() {
  useEffect(toOwed, [])
  return <p className="sr">You are being taken to what your session still owes.</p>
}

export function ToSignIn() {
  useEffect(toSignIn, [])
  return <p className="sr">You are being taken to the sign-in page.</p>
}
