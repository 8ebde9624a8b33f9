import { useQuery } from '@tanstack/react-query'
import { useAct } from './act.ts'
import { api, utils } from './browser.ts'
import type { Api } from './orpc.ts'

export const useSwitchCertificates = (id: string) =>
  useQuery(utils.switchCertificates.list.queryOptions({ input: { id } }))

const moved = () => [utils.switchCertificates.key(), utils.datapaths.key()]
export const useEnrolSwitch = () =>
  useAct((input: Parameters<Api['switchCertificates']['enrol']>[0]) => api.switchCertificates.enrol(input), ...moved())
export const useRevokeSwitch = () =>
  useAct(
    (input: Parameters<Api['switchCertificates']['revoke']>[0]) => api.switchCertificates.revoke(input),
    ...moved(),
  )
