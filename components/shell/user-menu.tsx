'use client'
import { useRouter } from 'next/navigation'
import { useTheme } from 'next-themes'
import { Button, Header, Menu, MenuItem, MenuSection, MenuTrigger, Popover, Separator } from 'react-aria-components'
import type { Place } from '#server/contract/session.ts'
import { useUnreadNotices } from '../queries/notices.ts'
import { useChoosePlace, useSignOut } from '../queries/session.ts'
import { Icon } from '../ui/icon.tsx'
import { plural } from '../ui/words.ts'
import { initials, roleWords, useSession } from './session.tsx'

export const THEMES = [
  { id: 'system', label: 'As the system' },
  { id: 'light', label: 'Light' },
  { id: 'dark', label: 'Dark' },
] as const

/** Leaves: the session ends at the engine, then the page is loaded anew so that nothing read stays behind. */
export function useLeave() {
  const signOut = useSignOut()
  return (everywhere = true) =>
    signOut.mutate(everywhere, {
      onSuccess: ({ next }) => window.location.assign(next),
      onError: () => window.location.assign('/signed-out'),
    })
}

const keyOf = ({ tenantId, siteId }: Place) => `${tenantId ?? ''}/${siteId ?? ''}`
const placeName = ({ tenantName, siteName }: Place) =>
  tenantName ? `Tenant ${tenantName}` : siteName ? `Site ${siteName}` : 'The whole installation'

/** Where the person may work; choosing another reads everything anew. */
function usePlaces() {
  const { places, place } = useSession()
  const choosing = useChoosePlace()
  const choose = (key: string) => {
    const chosen = places.find((candidate) => keyOf(candidate) === key)
    if (chosen && keyOf(place) !== key)
      choosing.mutate(
        { tenantId: chosen.tenantId, siteId: chosen.siteId },
        { onSuccess: () => window.location.assign('/') },
      )
  }
  return { all: places, now: keyOf(place), choose }
}

export function UserMenu() {
  const { account, place, product } = useSession()
  const { theme, setTheme } = useTheme()
  const router = useRouter()
  const leave = useLeave()
  const places = usePlaces()
  const unread = useUnreadNotices().data?.length ?? 0
  return (
    <MenuTrigger>
      <Button className="user userbtn">
        <span className="avatar" aria-hidden="true">
          {initials(account.displayName)}
          {unread > 0 ? <span className="cnt">{unread}</span> : null}
        </span>
        {unread > 0 ? <span className="sr">{plural(unread, 'unread notice')}</span> : null}
        <span className="who">
          <b>{account.displayName}</b>
          <br />
          <span className="dim small">{place.tenantName ?? place.siteName ?? roleWords(account.role)}</span>
        </span>
      </Button>
      <Popover className="float pop" placement="bottom end" offset={6}>
        <Menu className="menu usermenu" aria-label="Account">
          <MenuItem className="option" onAction={() => router.push('/settings')}>
            <Icon name="person" small />
            Your account
          </MenuItem>
          <MenuItem className="option" textValue="Notices" onAction={() => router.push('/settings/notices')}>
            <Icon name="bell" small />
            Notices
            {unread > 0 ? <span className="push dim">{unread} unread</span> : null}
          </MenuItem>
          <MenuItem className="option" onAction={() => router.push('/settings/my-consoles')}>
            <Icon name="open" small />
            Your consoles
          </MenuItem>
          <MenuItem className="option" href="/docs" target="_blank">
            <Icon name="open" small />
            The API
          </MenuItem>
          <Separator />
          {places.all.length > 1 ? (
            <MenuSection
              className="sect"
              selectionMode="single"
              disallowEmptySelection
              selectedKeys={[places.now]}
              onSelectionChange={(keys) => keys !== 'all' && places.choose(String([...keys][0]))}
            >
              <Header>You work at</Header>
              {places.all.map((place) => (
                <MenuItem key={keyOf(place)} id={keyOf(place)} textValue={placeName(place)} className="option">
                  <Icon name={keyOf(place) === places.now ? 'check' : 'right'} small />
                  <span className="clip">{placeName(place)}</span>
                </MenuItem>
              ))}
            </MenuSection>
          ) : null}
          {places.all.length > 1 ? <Separator /> : null}
          <MenuSection
            className="sect"
            selectionMode="single"
            disallowEmptySelection
            selectedKeys={[theme ?? 'system']}
            onSelectionChange={(keys) => keys !== 'all' && setTheme(String([...keys][0]))}
          >
            <Header>Theme</Header>
            {THEMES.map((choice) => (
              <MenuItem key={choice.id} id={choice.id} className="option">
                <Icon name={theme === choice.id ? 'check' : 'theme'} small />
                {choice.label}
              </MenuItem>
            ))}
          </MenuSection>
          <Separator />
          <MenuItem className="option" onAction={() => leave()}>
            <Icon name="out" small />
            Sign out
          </MenuItem>
          {account.providerName === null ? null : (
            <MenuItem className="option" onAction={() => leave(false)}>
              <Icon name="out" small />
              Sign out here alone
            </MenuItem>
          )}
          <MenuItem className="option about" isDisabled>
            {product.name} {product.version}
            {product.instance ? `, ${product.instance}` : ''}
          </MenuItem>
        </Menu>
      </Popover>
    </MenuTrigger>
  )
}
