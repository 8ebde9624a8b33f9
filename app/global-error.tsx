'use client'
import './tokens.css'
import './base.css'
import { Lost } from '#components/shell/lost.tsx'

export default function GlobalError() {
  return (
    <html lang="en">
      <body>
        <Lost title="This page broke" retry>
          Nothing was changed by it. Networks go on working.
        </Lost>
      </body>
    </html>
  )
}
