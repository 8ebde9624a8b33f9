'use client'
import { useRef, useState } from 'react'
import { Menu, MenuItem, MenuTrigger, Popover } from 'react-aria-components'
import { type AuditLook, type ExportFormat, exportAudit } from '../../queries/audit.ts'
import { problemOf } from '../../queries/problem.ts'
import { Button } from '../../ui/button.tsx'
import { saveFile } from '../../ui/save-file.ts'
import { toast } from '../../ui/toast.tsx'
import { plural } from '../../ui/words.ts'

/** Takes what is looked for away as a file, page by page. */
export function ExportMenu({ look, isBare }: { look: AuditLook; isBare: boolean }) {
  const [lines, setLines] = useState<number>()
  const running = useRef<AbortController>(undefined)
  const start = async (format: ExportFormat) => {
    const controller = new AbortController()
    running.current = controller
    setLines(0)
    try {
      const blob = await exportAudit(look, format, setLines, controller.signal)
      saveFile(blob, `weft-audit-${new Date().toISOString().slice(0, 19).replaceAll(':', '')}.${format}`)
    } catch (error) {
      if (!controller.signal.aborted) toast({ tone: 'bad', text: problemOf(error).detail })
    } finally {
      setLines(undefined)
    }
  }
  if (lines !== undefined)
    return (
      <Button icon="close" onPress={() => running.current?.abort()}>
        Stop at {plural(lines, 'line')}
      </Button>
    )
  return (
    <MenuTrigger>
      <Button icon="down">{isBare ? 'Export all' : 'Export these'}</Button>
      <Popover className="float pop" placement="bottom end">
        <Menu className="menu" onAction={(format) => void start(format as ExportFormat)}>
          <MenuItem className="option" id="csv">
            CSV, for spreadsheets
          </MenuItem>
          <MenuItem className="option" id="jsonl">
            JSON lines, for programs
          </MenuItem>
        </Menu>
      </Popover>
    </MenuTrigger>
  )
}
