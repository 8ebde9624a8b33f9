export {
  type BridgeRow,
  bridge,
  type ControllerRow,
  type InterfaceRow,
  interfaceNamed,
  interfacesOf,
} from './bridge.ts'
export { type OvsdbClient, type OvsdbClientOptions, type OvsdbEvent, openOvsdbClient } from './client.ts'
export { type BridgeRequirements, type ChangeOptions, configure, ensureBridge } from './configure.ts'
export type { OvsdbFailure } from './failure.ts'
export { type OvsdbListener, type OvsdbListenerOptions, openOvsdbListener, type SwitchIdentity } from './listener.ts'
export type { RowChange } from './mirror.ts'
export { addPorts, type PortRequest, readStatistics, removePorts } from './ports.ts'
export { dialledSource, type SessionSource } from './source.ts'
