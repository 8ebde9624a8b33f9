import { useMutation, useQueryClient } from '@tanstack/react-query'

/** Does something, then forgets what was read of these areas before it. */
export function useAct<Input, Output>(
  act: (input: Input) => Promise<Output>,
  ...keys: readonly (readonly unknown[])[]
) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: act,
    onSuccess: () => Promise.all(keys.map((queryKey) => client.invalidateQueries({ queryKey }))),
  })
}
