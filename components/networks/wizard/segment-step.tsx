'use client'
import { Radio, RadioGroup } from 'react-aria-components'
import { faultsOf, TextField } from '../../ui/field.tsx'
import { Status } from '../../ui/status.tsx'
import { vniFaults } from '../draft-network.ts'
import type { Wizard } from './use-wizard.ts'

/** The VXLAN segment: a number out of the pool, or one's own. */
export function SegmentStep({ wizard }: { wizard: Wizard }) {
  const { form, edit, saved, refused } = wizard
  const drawn = saved.network && !saved.ownVni ? saved.network.vni : undefined
  const faults = [...(form.ownVni && form.vni !== '' ? vniFaults(form.vni) : []), ...faultsOf(refused.get('vni'))]
  return (
    <section className="card form" aria-label="Segment">
      <div className="sect">
        <h2>VXLAN network identifier</h2>
        <div className="fr">
          <div className="field">
            <RadioGroup
              className="radios"
              aria-label="Where the VNI comes from"
              value={form.ownVni ? 'own' : 'pool'}
              onChange={(value) => edit({ ownVni: value === 'own' })}
            >
              <Radio value="pool" className="radio">
                <span className="dot" />
                <span>
                  <b>Out of the pool</b>
                  <span className="dim">
                    {drawn === undefined ? 'The next free number' : `${drawn} is reserved for this draft for 24 hours`}
                  </span>
                </span>
                {drawn !== undefined && !form.ownVni ? (
                  <span className="push">
                    <Status tone="ok" small>
                      VNI {drawn}
                    </Status>
                  </span>
                ) : null}
              </Radio>
              <Radio value="own" className="radio">
                <span className="dot" />
                <span>
                  <b>A number of your own</b>
                  <span className="dim">For a segment that others know already</span>
                </span>
              </Radio>
            </RadioGroup>
            {form.ownVni ? (
              <TextField
                label="VNI"
                value={form.vni}
                onValue={(vni) => edit({ vni })}
                faults={faults}
                inputMode="numeric"
                mono
              />
            ) : null}
          </div>
          <p className="hint">
            The number that marks this network’s packets between servers, 1 to 16,777,215. Two operators at once never
            get the same one.
          </p>
        </div>
      </div>
      <div className="sect">
        <h2>Broadcast and unknown</h2>
        <div className="fr">
          <dl className="facts">
            <dt>Flooding</dt>
            <dd>The sender replicates to each server that has a port</dd>
            <dt>ARP</dt>
            <dd>Answered at the first switch</dd>
            <dt>Learning</dt>
            <dd>Off: addresses come from the inventory</dd>
          </dl>
          <p className="hint">Nothing to choose here yet; it is said so that you know what is programmed.</p>
        </div>
      </div>
    </section>
  )
}
