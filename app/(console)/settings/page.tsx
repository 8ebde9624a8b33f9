import type { Metadata } from 'next'
import { AccountPage } from '#components/settings/account-page.tsx'

export const metadata: Metadata = { title: 'Your account' }

export default function SettingsPage() {
  return <AccountPage />
}
