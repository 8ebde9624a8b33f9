'use client'
import { useEffect } from 'react'

/** Goes to the sign-in page, which leads back here afterwards. */
export function toSignIn() {
  const here = `${window.location.pathname}${window.location.search}`
  window.location.replace(here === '/' ? '/sign-in' : `/sign-in?next=${encodeURIComponent(here)}`)
}

export function ToSignIn() {
  useEffect(toSignIn, [])
  return <p className="sr">You are being taken to the sign-in page.</p>
}
