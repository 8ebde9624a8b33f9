import { OverviewPage } from '#components/overview/overview-page.tsx'

/** The layout has read it already. */
export default function Page() {
  return <OverviewPage />
}
