/** Adds up what a packet of the tenant costs on the underlay. The outer Ethernet header lies outside the underlay's IP MTU. */
export function MtuBar({
  mtu,
  underlayMtu,
  lowestServer,
}: {
  mtu: number
  underlayMtu: number
  lowestServer?: string | undefined
}) {
  const overhead = 50
  const spare = underlayMtu - overhead - mtu
  return (
    <div className="mtu">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a picture that scrolls must be reachable by keyboard */}
      <div className="mbarwrap" tabIndex={0}>
        <div className="mbarin">
          <div
            className="mbar"
            role="img"
            aria-label={`Underlay IP MTU ${underlayMtu}: IPv4 20, UDP 8, VXLAN 8, inner Ethernet 14, tenant packet ${mtu}${spare > 0 ? `, unused ${spare}` : ''}. The outer Ethernet header of 14 bytes lies outside it.`}
            style={{ gridTemplateColumns: `42px 4px 52px 44px 56px 70px minmax(96px, 1fr)${spare > 0 ? ' 74px' : ''}` }}
          >
            <div className="out">
              Eth<b>14</b>
            </div>
            <div className="gap" />
            <div className="f">
              IPv4<b>20</b>
            </div>
            <div className="vx">
              UDP<b>8</b>
            </div>
            <div className="vx">
              VXLAN<b>8</b>
            </div>
            <div className="in">
              inner Eth<b>14</b>
            </div>
            <div className={`ten${spare > 0 ? '' : ' l'}${spare < 0 ? ' over' : ''}`}>
              tenant MTU<b>{mtu}</b>
            </div>
            {spare > 0 ? (
              <div className="l spare">
                unused<b>{spare}</b>
              </div>
            ) : null}
          </div>
          <div className="brace">
            <span>outside</span>
            <span>
              <span>
                Underlay IP MTU {underlayMtu}
                {lowestServer ? `, lowest at ${lowestServer}` : ''}
              </span>
              <span>{overhead} bytes of overhead</span>
            </span>
          </div>
        </div>
      </div>
    </div>
  )
}
