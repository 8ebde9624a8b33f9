'use client'
import { Lost } from '#components/shell/lost.tsx'

export default function PageError({ error }: { error: Error & { digest?: string } }) {
  return (
    <Lost title="This page broke" retry>
      Nothing was changed by it. If it happens again, tell an operator{error.digest ? ` and name ${error.digest}` : ''}.
    </Lost>
  )
}
