import { useQuery } from '@tanstack/react-query'
import { api, utils } from './browser.ts'

/** What the audit log says of one object, newest first. `kind/id` names it. */
export const useHistory = (subject: string, enabled: boolean) =>
  useQuery({
    queryKey: [...utils.audit.list.key(), { subject }],
    queryFn: () => api.audit.list({ limit: 20, filter: `subject:eq:${subject}` }),
    select: (page) => page.items,
    enabled,
  })
