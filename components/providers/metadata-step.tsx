'use client'
import type { ProblemDetail } from '#server/contract/base.ts'
import { faultsOf, TextField } from '../ui/field.tsx'
import { PasteFile } from '../ui/paste-file.tsx'
import { Segmented } from '../ui/segmented.tsx'
import type { Draft } from './draft.ts'

export const METADATA_LIMIT = 1024 * 1024

const KINDS = [
  { id: 'text', label: 'Paste or file' },
  { id: 'url', label: 'Address' },
  { id: 'oidc', label: 'OpenID Connect' },
] as const

interface Props {
  readonly draft: Draft
  readonly onDraft: (draft: Draft) => void
  readonly refused: ReadonlyMap<string, readonly ProblemDetail[]>
}

/** Who the provider is, as it says itself. */
export function MetadataStep({ draft, onDraft, refused }: Props) {
  const set = (part: Partial<Draft>) => onDraft({ ...draft, ...part })
  return (
    <section className="card form">
      <div className="sect">
        <h2>What it says of itself</h2>
        <div className="kinds">
          <Segmented label="How" options={KINDS} value={draft.kind} onValue={(kind) => set({ kind })} />
        </div>
        {draft.kind === 'text' ? (
          <PasteFile
            label="SAML metadata"
            value={draft.metadata}
            onValue={(metadata) => set({ metadata })}
            placeholder={'<md:EntityDescriptor entityID="https://login.example.org/idp" …'}
            accept=".xml,text/xml,application/xml,application/samlmetadata+xml"
            limit={METADATA_LIMIT}
            rows={10}
            faults={faultsOf(refused.get('metadata'))}
          />
        ) : null}
        {draft.kind === 'url' ? (
          <div className="fr">
            <TextField
              label="Address of its metadata"
              value={draft.metadataUrl}
              onValue={(metadataUrl) => set({ metadataUrl })}
              placeholder="https://login.example.org/idp/metadata"
              inputMode="url"
              mono
              autoComplete="off"
              spellCheck={false}
              faults={faultsOf(refused.get('metadataUrl'))}
            />
            <p className="hint">
              Weft reads it again by itself. Other keys than before wait until somebody has compared them.
            </p>
          </div>
        ) : null}
        {draft.kind === 'oidc' ? (
          <>
            <div className="fr">
              <TextField
                label="Issuer"
                value={draft.issuer}
                onValue={(issuer) => set({ issuer })}
                placeholder="https://login.example.org"
                inputMode="url"
                mono
                autoComplete="off"
                spellCheck={false}
                faults={faultsOf(refused.get('issuer'))}
              />
              <p className="hint">What is there at /.well-known/openid-configuration tells the rest.</p>
            </div>
            <div className="fr">
              <TextField
                label="Client id"
                value={draft.clientId}
                onValue={(clientId) => set({ clientId })}
                mono
                autoComplete="off"
                spellCheck={false}
                faults={faultsOf(refused.get('clientId'))}
              />
              <p className="hint">As the provider registered Weft.</p>
            </div>
            <div className="fr">
              <TextField
                label="Client secret"
                type="password"
                value={draft.clientSecret}
                onValue={(clientSecret) => set({ clientSecret })}
                autoComplete="off"
                faults={faultsOf(refused.get('clientSecret'))}
              />
              <p className="hint">Kept sealed; it is never shown again.</p>
            </div>
          </>
        ) : null}
      </div>
    </section>
  )
}
