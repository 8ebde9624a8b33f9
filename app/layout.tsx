import type { Metadata, Viewport } from 'next'
import { headers } from 'next/headers'
import { connection } from 'next/server'
import { NuqsAdapter } from 'nuqs/adapters/next/app'
import type { ReactNode } from 'react'
import { Providers } from '#components/shell/providers.tsx'
import '@fontsource-variable/inter/wght.css'
import '@fontsource-variable/jetbrains-mono/wght.css'
import './tokens.css'
import './base.css'
import '#components/ui/ui.css'

export const metadata: Metadata = {
  title: { default: 'Weft', template: '%s · Weft' },
  description: 'Programs the datapaths of a virtualised data centre.',
}
export const viewport: Viewport = {
  width: 'device-width',
  initialScale: 1,
  themeColor: [
    { media: '(prefers-color-scheme: light)', color: '#f5f7f8' },
    { media: '(prefers-color-scheme: dark)', color: '#0c1013' },
  ],
}

/** Every page is dynamic: its scripts carry the nonce of the request, which the engine puts into `x-nonce`. */
export default async function RootLayout({ children }: { children: ReactNode }) {
  await connection()
  const nonce = (await headers()).get('x-nonce') ?? undefined
  return (
    <html lang="en" suppressHydrationWarning>
      <head>
        {/* React Aria adds style elements; it takes their nonce from here. */}
        {nonce ? <meta property="csp-nonce" nonce={nonce} content={nonce} /> : null}
      </head>
      <body>
        <NuqsAdapter>
          <Providers {...(nonce ? { nonce } : {})}>{children}</Providers>
        </NuqsAdapter>
      </body>
    </html>
  )
}
