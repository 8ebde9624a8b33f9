'use client'
import type { ReactNode } from 'react'
import { Button } from '../button.tsx'
import { Select } from '../choice.tsx'
import { Icon } from '../icon.tsx'
import { PAGE_SIZES, type TableControls } from './state.ts'

interface Props {
  readonly controls: TableControls
  readonly page: number
  readonly pages: number
  readonly fit: number
  readonly total: number
  readonly children: ReactNode
}

/** Selection tools at the left, range and paging at the right. */
export function TableFoot({ controls, page, pages, fit, total, children }: Props) {
  const { view, setPage, setRows } = controls
  const first = fit === 0 ? 0 : (page - 1) * view.rows + 1
  const range =
    fit === 0
      ? 'none'
      : `${first.toLocaleString('en')}–${Math.min(page * view.rows, fit).toLocaleString('en')} of ${fit.toLocaleString('en')}`
  return (
    <div className="tablefoot">
      {children}
      <span className="push not-s nowrap">
        {range}
        {fit < total ? <span className="dim"> · filters hide {(total - fit).toLocaleString('en')}</span> : null}
      </span>
      <span className="row pager">
        <span className="not-s">
          <Select
            label="Rows on a page"
            hideLabel
            value={String(view.rows)}
            onValue={(next) => next && setRows(Number(next))}
            options={PAGE_SIZES.map((size) => ({ id: String(size), label: `Rows ${size}` }))}
          />
        </span>
        <Button small isDisabled={page <= 1} onPress={() => setPage(page - 1)} aria-label="Previous page">
          <Icon name="left" small />
          <span className="not-s">Previous</span>
        </Button>
        <Button small isDisabled={page >= pages} onPress={() => setPage(page + 1)} aria-label="Next page">
          <span>Next</span>
          <Icon name="right" small />
        </Button>
      </span>
      <span className="only-s push dim small">{range}</span>
    </div>
  )
}
