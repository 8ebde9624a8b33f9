import { Lost } from '#components/shell/lost.tsx'

export default function NotFound() {
  return <Lost title="There is nothing here">The address leads nowhere, or to something that you may not know of.</Lost>
}
