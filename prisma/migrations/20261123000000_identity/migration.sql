-- Who signs in from where, and with which rights: identity providers, groups, roles and their bindings, credentials, tokens,
-- service providers that Weft signs people in to, keys, the audit log's chain.

-- ---- identity providers

CREATE TABLE "identity_provider" (
    "id" UUID NOT NULL PRIMARY KEY,
    "name" TEXT NOT NULL UNIQUE,
    "display_name" TEXT NOT NULL,
    -- the tenant whose people it signs in; null: operators and auditors
    "tenant_id" UUID REFERENCES "tenant"("id") ON DELETE RESTRICT,
    "protocol" TEXT NOT NULL CHECK ("protocol" IN ('saml', 'oidc')),
    "state" TEXT NOT NULL DEFAULT 'open' CHECK ("state" IN ('open', 'closed')),
    -- why it is closed, as a code: operator, metadata-expired, no-signing-key
    "closed_reason" TEXT,
    -- SAML entity id, or OIDC issuer: one issuer names one provider, so that no answer can be taken for another's
    "issuer" TEXT NOT NULL UNIQUE,
    "email_domains" TEXT[] NOT NULL DEFAULT ARRAY[]::TEXT[],
    -- mapping rules, options of the protocol
    "rules" JSONB NOT NULL DEFAULT '[]',
    "options" JSONB NOT NULL DEFAULT '{}',
    -- SAML: the metadata in force, where it came from, and what was fetched since and waits for a person
    "metadata" TEXT,
    "metadata_url" TEXT,
    "metadata_fetched_at" TIMESTAMPTZ(3),
    "metadata_valid_until" TIMESTAMPTZ(3),
    "metadata_pending" TEXT,
    "metadata_problem" TEXT,
    -- OIDC
    "client_id" TEXT,
    "client_secret" BYTEA,
    "revision" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX "identity_provider_tenant_id_idx" ON "identity_provider"("tenant_id");
CREATE INDEX "identity_provider_email_domains_idx" ON "identity_provider" USING GIN ("email_domains");

-- Requests sent and not answered; an answer takes its row away, so that two cannot both pass.
CREATE TABLE "sign_in_request" (
    -- SAML: the AuthnRequest's ID; OIDC: the state
    "id" TEXT NOT NULL PRIMARY KEY,
    "provider_id" UUID NOT NULL REFERENCES "identity_provider"("id") ON DELETE CASCADE,
    -- SHA-256 of the cookie that binds it to one browser
    "browser_hash" TEXT NOT NULL,
    "purpose" TEXT NOT NULL CHECK ("purpose" IN ('sign-in', 'step-up', 'test', 'proxy')),
    -- a same-origin path to go on to
    "return_to" TEXT NOT NULL DEFAULT '/',
    -- the account whose session is stepped up, or who tests
    "account_id" UUID REFERENCES "account"("id") ON DELETE CASCADE,
    -- what else the flow must remember: nonce and verifier of OIDC, the downstream request of the proxy
    "memory" JSONB NOT NULL DEFAULT '{}',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL
);
CREATE INDEX "sign_in_request_expires_at_idx" ON "sign_in_request"("expires_at");

-- Messages that were accepted: no second time while they would still be valid.
CREATE TABLE "seen_message" (
    -- assertion, logout, authn-request
    "kind" TEXT NOT NULL,
    -- of the provider, or service provider, that sent it
    "sender_id" UUID NOT NULL,
    "message_id" TEXT NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    PRIMARY KEY ("kind", "sender_id", "message_id")
);
CREATE INDEX "seen_message_expires_at_idx" ON "seen_message"("expires_at");

-- ---- accounts

-- `tenant_id` says whose account it is; what it may do is said by bindings.
ALTER TABLE "account" ADD COLUMN "provider_id" UUID REFERENCES "identity_provider"("id") ON DELETE RESTRICT;
-- what its provider calls it: SAML NameID or the attribute that is configured, OIDC `sub`
ALTER TABLE "account" ADD COLUMN "subject" TEXT;
ALTER TABLE "account" ADD COLUMN "email" TEXT;
ALTER TABLE "account" ADD COLUMN "state" TEXT NOT NULL DEFAULT 'active' CHECK ("state" IN ('active', 'disabled'));
ALTER TABLE "account" ADD COLUMN "break_glass" BOOLEAN NOT NULL DEFAULT false;
ALTER TABLE "account" ADD COLUMN "scim_id" TEXT;
ALTER TABLE "account" ADD COLUMN "signed_in_at" TIMESTAMPTZ(3);
ALTER TABLE "account" ADD COLUMN "revision" INTEGER NOT NULL DEFAULT 1;
ALTER TABLE "account" ALTER COLUMN "password_hash" DROP NOT NULL;
ALTER TABLE "account" ADD CONSTRAINT "account_has_origin" CHECK (("provider_id" IS NULL) = ("subject" IS NULL));
DROP INDEX "account_name_key";
CREATE UNIQUE INDEX "account_provider_id_name_key" ON "account"("provider_id", "name") NULLS NOT DISTINCT;
CREATE UNIQUE INDEX "account_provider_id_subject_key" ON "account"("provider_id", "subject");

CREATE TABLE "role" (
    "id" UUID NOT NULL PRIMARY KEY,
    "name" TEXT NOT NULL,
    "words" TEXT NOT NULL DEFAULT '',
    -- the tenant that made it; null: everywhere
    "tenant_id" UUID REFERENCES "tenant"("id") ON DELETE CASCADE,
    "rights" TEXT[] NOT NULL,
    "revision" INTEGER NOT NULL DEFAULT 1
);
CREATE UNIQUE INDEX "role_tenant_id_name_key" ON "role"("tenant_id", "name") NULLS NOT DISTINCT;

CREATE TABLE "user_group" (
    "id" UUID NOT NULL PRIMARY KEY,
    "name" TEXT NOT NULL,
    "tenant_id" UUID REFERENCES "tenant"("id") ON DELETE CASCADE,
    -- the provider that keeps it by SCIM
    "provider_id" UUID REFERENCES "identity_provider"("id") ON DELETE CASCADE,
    "scim_id" TEXT,
    "revision" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE UNIQUE INDEX "user_group_tenant_id_name_key" ON "user_group"("tenant_id", "name") NULLS NOT DISTINCT;

CREATE TABLE "group_member" (
    "group_id" UUID NOT NULL REFERENCES "user_group"("id") ON DELETE CASCADE,
    "account_id" UUID NOT NULL REFERENCES "account"("id") ON DELETE CASCADE,
    -- provider: from its attributes at each sign-in
    "source" TEXT NOT NULL DEFAULT 'local' CHECK ("source" IN ('local', 'provider', 'scim')),
    PRIMARY KEY ("group_id", "account_id")
);
CREATE INDEX "group_member_account_id_idx" ON "group_member"("account_id");

CREATE TABLE "role_binding" (
    "id" UUID NOT NULL PRIMARY KEY,
    "account_id" UUID REFERENCES "account"("id") ON DELETE CASCADE,
    "group_id" UUID REFERENCES "user_group"("id") ON DELETE CASCADE,
    -- one of the roles in code, or one that was made
    "builtin" TEXT,
    "role_id" UUID REFERENCES "role"("id") ON DELETE CASCADE,
    -- where it counts: one tenant, one site, or (both null) everywhere
    "tenant_id" UUID REFERENCES "tenant"("id") ON DELETE CASCADE,
    "site_id" UUID REFERENCES "site"("id") ON DELETE CASCADE,
    "source" TEXT NOT NULL DEFAULT 'local' CHECK ("source" IN ('local', 'provider', 'scim')),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "role_binding_holder" CHECK (num_nonnulls("account_id", "group_id") = 1),
    CONSTRAINT "role_binding_role" CHECK (num_nonnulls("builtin", "role_id") = 1),
    CONSTRAINT "role_binding_scope" CHECK (num_nonnulls("tenant_id", "site_id") <= 1),
    CONSTRAINT "role_binding_once" UNIQUE NULLS NOT DISTINCT ("account_id", "group_id", "builtin", "role_id", "tenant_id", "site_id", "source")
);
CREATE INDEX "role_binding_group_id_idx" ON "role_binding"("group_id");

INSERT INTO "role_binding" ("id", "account_id", "builtin", "tenant_id")
SELECT gen_random_uuid(), "id", "role", "tenant_id" FROM "account";
ALTER TABLE "account" DROP COLUMN "role";
UPDATE "account" SET "break_glass" = true WHERE "name" = 'admin' AND "tenant_id" IS NULL;

-- ---- sessions

-- Named in lists, since the hash is as good as nobody's business.
ALTER TABLE "session" ADD COLUMN "id" UUID NOT NULL DEFAULT gen_random_uuid() UNIQUE;
ALTER TABLE "session" ADD COLUMN "provider_id" UUID REFERENCES "identity_provider"("id") ON DELETE CASCADE;
-- password, passkey, saml, oidc; a second factor after a plus
ALTER TABLE "session" ADD COLUMN "method" TEXT NOT NULL DEFAULT 'password';
-- when its person last proved who they are
ALTER TABLE "session" ADD COLUMN "authenticated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP;
-- no longer than its provider said
ALTER TABLE "session" ADD COLUMN "ends_at" TIMESTAMPTZ(3);
-- where a person of several places works: a tenant, a site, or (both null) the widest that they may
ALTER TABLE "session" ADD COLUMN "tenant_id" UUID REFERENCES "tenant"("id") ON DELETE SET NULL;
ALTER TABLE "session" ADD COLUMN "site_id" UUID REFERENCES "site"("id") ON DELETE SET NULL;

-- What a SAML provider knows a session by.
CREATE TABLE "saml_session" (
    "session_hash" TEXT NOT NULL PRIMARY KEY REFERENCES "session"("hash") ON DELETE CASCADE,
    "provider_id" UUID NOT NULL REFERENCES "identity_provider"("id") ON DELETE CASCADE,
    "name_id" TEXT NOT NULL,
    "name_id_format" TEXT NOT NULL DEFAULT '',
    "name_qualifier" TEXT NOT NULL DEFAULT '',
    "sp_name_qualifier" TEXT NOT NULL DEFAULT '',
    "session_index" TEXT NOT NULL DEFAULT '',
    "authn_context" TEXT NOT NULL DEFAULT '',
    "authn_instant" TIMESTAMPTZ(3) NOT NULL,
    -- providers behind it that had a part in the sign-in
    "authorities" TEXT[] NOT NULL DEFAULT ARRAY[]::TEXT[],
    -- to how many further providers it may be passed on; null: any number
    "proxy_count" INTEGER
);
CREATE INDEX "saml_session_name_idx" ON "saml_session"("provider_id", "name_id");

-- What an OpenID Connect provider knows a session by.
CREATE TABLE "oidc_session" (
    "session_hash" TEXT NOT NULL PRIMARY KEY REFERENCES "session"("hash") ON DELETE CASCADE,
    "provider_id" UUID NOT NULL REFERENCES "identity_provider"("id") ON DELETE CASCADE,
    "subject" TEXT NOT NULL,
    "sid" TEXT,
    -- sealed by the key service; shown to the provider when its own session is to end
    "id_token" BYTEA NOT NULL
);
CREATE INDEX "oidc_session_subject_idx" ON "oidc_session"("provider_id", "subject");

-- ---- credentials

CREATE TABLE "passkey" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "account_id" UUID NOT NULL REFERENCES "account"("id") ON DELETE CASCADE,
    "name" TEXT NOT NULL,
    "public_key" BYTEA NOT NULL,
    "counter" BIGINT NOT NULL,
    "transports" TEXT[] NOT NULL DEFAULT ARRAY[]::TEXT[],
    "backed_up" BOOLEAN NOT NULL DEFAULT false,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "used_at" TIMESTAMPTZ(3)
);
CREATE INDEX "passkey_account_id_idx" ON "passkey"("account_id");

CREATE TABLE "totp" (
    "account_id" UUID NOT NULL PRIMARY KEY REFERENCES "account"("id") ON DELETE CASCADE,
    -- sealed by the key service
    "secret" BYTEA NOT NULL,
    "confirmed_at" TIMESTAMPTZ(3),
    -- the last time step that was used: a code works once
    "last_step" BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE "webauthn_challenge" (
    "challenge" TEXT NOT NULL PRIMARY KEY,
    "account_id" UUID REFERENCES "account"("id") ON DELETE CASCADE,
    "purpose" TEXT NOT NULL CHECK ("purpose" IN ('register', 'sign-in', 'step-up')),
    "expires_at" TIMESTAMPTZ(3) NOT NULL
);

CREATE TABLE "api_token" (
    "id" UUID NOT NULL PRIMARY KEY,
    "account_id" UUID NOT NULL REFERENCES "account"("id") ON DELETE CASCADE,
    "name" TEXT NOT NULL,
    -- SHA-256 of the token: the token itself is shown once and never kept
    "hash" TEXT NOT NULL UNIQUE,
    -- its first characters, by which people tell tokens apart
    "prefix" TEXT NOT NULL,
    "rights" TEXT[] NOT NULL,
    -- confined to this tenant even where its owner is not
    "tenant_id" UUID REFERENCES "tenant"("id") ON DELETE CASCADE,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "used_at" TIMESTAMPTZ(3),
    "used_from" TEXT,
    UNIQUE ("account_id", "name")
);

CREATE TABLE "scim_client" (
    "id" UUID NOT NULL PRIMARY KEY,
    "provider_id" UUID NOT NULL UNIQUE REFERENCES "identity_provider"("id") ON DELETE CASCADE,
    "hash" TEXT NOT NULL UNIQUE,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "used_at" TIMESTAMPTZ(3)
);

-- ---- consoles of VNFs, to which Weft is the identity provider

CREATE TABLE "service_provider" (
    "id" UUID NOT NULL PRIMARY KEY,
    "name" TEXT NOT NULL UNIQUE,
    "display_name" TEXT NOT NULL,
    "tenant_id" UUID REFERENCES "tenant"("id") ON DELETE RESTRICT,
    "state" TEXT NOT NULL DEFAULT 'open' CHECK ("state" IN ('open', 'closed')),
    "entity_id" TEXT NOT NULL UNIQUE,
    "metadata" TEXT NOT NULL,
    "home_url" TEXT,
    -- attributes released to it; nothing unless said
    "release" TEXT[] NOT NULL DEFAULT ARRAY[]::TEXT[],
    "options" JSONB NOT NULL DEFAULT '{}',
    "revision" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

-- Sign-ins that a console waits for, while its person is on the way to be known.
CREATE TABLE "console_request" (
    -- a handle of ours: what the console calls its request is in `asked`
    "id" TEXT NOT NULL PRIMARY KEY,
    "service_provider_id" UUID NOT NULL REFERENCES "service_provider"("id") ON DELETE CASCADE,
    -- SHA-256 of the cookie that binds it to one browser
    "browser_hash" TEXT NOT NULL,
    "asked" JSONB NOT NULL,
    -- how often its person was sent away to sign in, and the session that they had the last time
    "sent" INTEGER NOT NULL DEFAULT 0,
    "session_hash" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL
);
CREATE INDEX "console_request_expires_at_idx" ON "console_request"("expires_at");

-- What a service provider knows an account by, and nobody else does.
CREATE TABLE "pairwise_name" (
    "service_provider_id" UUID NOT NULL REFERENCES "service_provider"("id") ON DELETE CASCADE,
    "account_id" UUID NOT NULL REFERENCES "account"("id") ON DELETE CASCADE,
    "name_id" TEXT NOT NULL,
    PRIMARY KEY ("service_provider_id", "account_id"),
    UNIQUE ("service_provider_id", "name_id")
);

-- Consoles that a session has signed in to.
CREATE TABLE "console_session" (
    "session_hash" TEXT NOT NULL REFERENCES "session"("hash") ON DELETE CASCADE,
    "service_provider_id" UUID NOT NULL REFERENCES "service_provider"("id") ON DELETE CASCADE,
    "name_id" TEXT NOT NULL,
    "session_index" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY ("session_hash", "service_provider_id")
);
CREATE INDEX "console_session_name_idx" ON "console_session"("service_provider_id", "name_id");

-- A single logout on its way from one participant to the next.
CREATE TABLE "logout_run" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "state" JSONB NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL
);

-- ---- keys

CREATE TABLE "key" (
    "id" UUID NOT NULL PRIMARY KEY,
    -- saml-signing, saml-encryption, audit, envelope
    "purpose" TEXT NOT NULL,
    "algorithm" TEXT NOT NULL,
    "state" TEXT NOT NULL CHECK ("state" IN ('next', 'active', 'retiring', 'retired')),
    "certificate" TEXT,
    "public_key" TEXT,
    -- the private or secret key, wrapped; null where it never leaves the token
    "wrapped" BYTEA,
    -- which key wraps it: `master:` and a check value of it, or `token:` and its label there
    "wrapped_by" TEXT,
    -- its label in the PKCS#11 token
    "token_label" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "not_after" TIMESTAMPTZ(3),
    -- of a key that is retiring: when it will be retired
    "retired_at" TIMESTAMPTZ(3),
    CONSTRAINT "key_is_somewhere" CHECK ("state" = 'retired' OR num_nonnulls("wrapped", "token_label") = 1)
);
CREATE UNIQUE INDEX "key_one_active" ON "key"("purpose") WHERE "state" = 'active';
CREATE UNIQUE INDEX "key_one_next" ON "key"("purpose") WHERE "state" = 'next';

CREATE TABLE "key_use" (
    "key_id" UUID NOT NULL REFERENCES "key"("id") ON DELETE CASCADE,
    "day" DATE NOT NULL,
    "operation" TEXT NOT NULL,
    "count" BIGINT NOT NULL,
    PRIMARY KEY ("key_id", "day", "operation")
);

-- ---- audit

ALTER TABLE "audit" ADD COLUMN "actor_id" UUID;
ALTER TABLE "audit" ADD COLUMN "provider" TEXT;
-- why it was refused, as a code
ALTER TABLE "audit" ADD COLUMN "reason" TEXT;
-- as text, octet by octet: they are part of what is hashed
ALTER TABLE "audit" ADD COLUMN "before" JSON;
ALTER TABLE "audit" ADD COLUMN "after" JSON;
-- one chain for each tenant, and one (`operators`) for what is nobody's; null: written before there were chains
ALTER TABLE "audit" ADD COLUMN "chain" TEXT;
ALTER TABLE "audit" ADD COLUMN "sequence" BIGINT;
ALTER TABLE "audit" ADD COLUMN "hash" BYTEA;
CREATE UNIQUE INDEX "audit_chain_sequence_key" ON "audit"("chain", "sequence");
CREATE INDEX "audit_at_idx" ON "audit"("at");

CREATE TABLE "audit_chain" (
    "chain" TEXT NOT NULL PRIMARY KEY,
    "tenant_id" UUID,
    "sequence" BIGINT NOT NULL,
    "hash" BYTEA NOT NULL
);

CREATE TABLE "audit_checkpoint" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "chain" TEXT NOT NULL,
    "tenant_id" UUID,
    "sequence" BIGINT NOT NULL,
    "hash" BYTEA NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "key_id" UUID NOT NULL,
    "signature" BYTEA NOT NULL
);
CREATE INDEX "audit_checkpoint_chain_idx" ON "audit_checkpoint"("chain", "sequence");

-- Why a call was let in or not; kept for some days.
CREATE TABLE "decision" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "account_id" UUID,
    "account" TEXT NOT NULL,
    "tenant_id" UUID,
    "address" TEXT NOT NULL DEFAULT '',
    "procedure" TEXT NOT NULL,
    "right" TEXT NOT NULL,
    "allowed" BOOLEAN NOT NULL,
    -- the binding or token that gave the right, or what was missing
    "because" TEXT NOT NULL
);
CREATE INDEX "decision_at_idx" ON "decision"("at");

-- ---- sites, for those whose rights end at one

-- `weft.sites`: ids with commas between; empty: every site.
CREATE FUNCTION "sees_site"(site uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT coalesce(nullif(current_setting('weft.sites', true), ''), '') = ''
    OR site = ANY (string_to_array(current_setting('weft.sites', true), ',')::uuid[])
$$;

-- ---- who sees what

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO weft_engine;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO weft_app, weft_engine;
REVOKE ALL ON "_prisma_migrations" FROM weft_app, weft_engine;
REVOKE UPDATE, DELETE ON "audit", "audit_checkpoint" FROM weft_app, weft_engine;
-- Every line has its place in a chain, which the engine alone gives it.
REVOKE INSERT ON "audit" FROM weft_app;
REVOKE DELETE ON "audit_chain" FROM weft_app, weft_engine;
GRANT SELECT, INSERT, UPDATE, DELETE ON "identity_provider", "account", "role", "user_group", "group_member", "role_binding", "session",
  "passkey", "totp", "api_token", "scim_client", "service_provider", "console_session", "saml_session", "oidc_session" TO weft_app;
GRANT SELECT ON "audit_chain", "audit_checkpoint", "decision" TO weft_app;

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['identity_provider', 'sign_in_request', 'seen_message', 'role', 'user_group', 'group_member', 'role_binding',
    'saml_session', 'oidc_session', 'passkey', 'totp', 'webauthn_challenge', 'api_token', 'scim_client', 'service_provider', 'pairwise_name',
    'console_request', 'console_session', 'logout_run', 'key', 'key_use', 'audit_chain', 'audit_checkpoint', 'decision'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY engine_all ON %I TO weft_engine, weft_owner USING (true) WITH CHECK (true)', t);
  END LOOP;
  -- Rows of a tenant, or nobody's, which are for those who see all.
  FOREACH t IN ARRAY ARRAY['identity_provider', 'user_group', 'service_provider', 'audit_chain', 'audit_checkpoint', 'decision'] LOOP
    EXECUTE format('CREATE POLICY app_of_tenant ON %I TO weft_app USING (sees(tenant_id)) WITH CHECK (sees(tenant_id))', t);
  END LOOP;
  -- What belongs to an account is seen with the account: the inner query is held to the account's own policy.
  FOREACH t IN ARRAY ARRAY['passkey', 'totp', 'api_token', 'session', 'group_member'] LOOP
    EXECUTE format('DROP POLICY IF EXISTS app_all ON %I', t);
    EXECUTE format('CREATE POLICY app_of_account ON %1$I TO weft_app USING (EXISTS (SELECT 1 FROM account a WHERE a.id = %1$I.account_id))
      WITH CHECK (EXISTS (SELECT 1 FROM account a WHERE a.id = %1$I.account_id))', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['saml_session', 'oidc_session', 'console_session'] LOOP
    EXECUTE format('CREATE POLICY app_of_session ON %1$I TO weft_app USING (EXISTS (SELECT 1 FROM session s WHERE s.hash = %1$I.session_hash))
      WITH CHECK (EXISTS (SELECT 1 FROM session s WHERE s.hash = %1$I.session_hash))', t);
  END LOOP;
END $$;

DROP POLICY app_all ON "account";
CREATE POLICY app_of_tenant ON "account" TO weft_app USING (sees(tenant_id)) WITH CHECK (sees(tenant_id));
-- A group is its tenant's, and so must be both ends of a membership.
CREATE POLICY app_in_group ON "group_member" AS RESTRICTIVE TO weft_app
  USING (EXISTS (SELECT 1 FROM user_group g WHERE g.id = group_id)) WITH CHECK (EXISTS (SELECT 1 FROM user_group g WHERE g.id = group_id));
-- Roles of everybody are read by everybody.
CREATE POLICY app_reads ON "role" FOR SELECT TO weft_app USING (tenant_id IS NULL OR sees(tenant_id));
CREATE POLICY app_inserts ON "role" FOR INSERT TO weft_app WITH CHECK (sees(tenant_id));
CREATE POLICY app_updates ON "role" FOR UPDATE TO weft_app USING (sees(tenant_id)) WITH CHECK (sees(tenant_id));
CREATE POLICY app_deletes ON "role" FOR DELETE TO weft_app USING (sees(tenant_id));
-- A tenant binds its own people to its own tenant, by roles that it may hold itself.
CREATE POLICY app_of_tenant ON "role_binding" TO weft_app USING (sees(tenant_id))
  WITH CHECK (sees(tenant_id) AND (sees_all() OR "builtin" IS NULL OR "builtin" LIKE 'tenant-%')
    AND ("account_id" IS NULL OR EXISTS (SELECT 1 FROM account a WHERE a.id = account_id))
    AND ("group_id" IS NULL OR EXISTS (SELECT 1 FROM user_group g WHERE g.id = group_id)));
CREATE POLICY app_of_provider ON "scim_client" TO weft_app
  USING (EXISTS (SELECT 1 FROM identity_provider p WHERE p.id = provider_id))
  WITH CHECK (EXISTS (SELECT 1 FROM identity_provider p WHERE p.id = provider_id));
