-- CreateTable
CREATE TABLE "site" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "words" TEXT NOT NULL DEFAULT '',

    CONSTRAINT "site_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "server" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "site_id" UUID NOT NULL,
    "vtep" TEXT NOT NULL,
    "underlay_mtu" INTEGER NOT NULL,

    CONSTRAINT "server_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "nic" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "server_id" UUID NOT NULL,
    "profile" TEXT NOT NULL,

    CONSTRAINT "nic_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "datapath" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "server_id" UUID NOT NULL,
    "nic_id" UUID,
    "role" TEXT NOT NULL,
    "datapath_id" TEXT NOT NULL,
    "bridge" TEXT NOT NULL,
    "ovsdb" TEXT NOT NULL,
    "controller" TEXT NOT NULL,
    "uplink" TEXT,
    "fabric_id" UUID,
    "fabric_port" TEXT,
    "tunnel" TEXT,
    "description" JSONB,
    "description_at" TIMESTAMPTZ(3),

    CONSTRAINT "datapath_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "attachment" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "datapath_id" UUID NOT NULL,
    "port_name" TEXT NOT NULL,
    "mac" TEXT NOT NULL,

    CONSTRAINT "attachment_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "tenant" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "display_name" TEXT NOT NULL,
    "thread" INTEGER NOT NULL,
    "quota_networks" INTEGER NOT NULL,
    "quota_ports" INTEGER NOT NULL,
    "revision" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "tenant_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "network" (
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "vni" INTEGER NOT NULL,
    "mtu" INTEGER NOT NULL,
    "revision" INTEGER NOT NULL DEFAULT 1,

    CONSTRAINT "network_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "subnet" (
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL,
    "network_id" UUID NOT NULL,
    "prefix" TEXT NOT NULL,
    "gateway" TEXT,
    "revision" INTEGER NOT NULL DEFAULT 1,

    CONSTRAINT "subnet_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "port" (
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL,
    "network_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "attachment_id" UUID NOT NULL,
    "mac" TEXT NOT NULL,
    "addresses" TEXT[],
    "vlan" INTEGER,
    "revision" INTEGER NOT NULL DEFAULT 1,

    CONSTRAINT "port_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "vni_reservation" (
    "vni" INTEGER NOT NULL,
    "network_id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL,
    "change_id" UUID,

    CONSTRAINT "vni_reservation_pkey" PRIMARY KEY ("vni")
);

-- CreateTable
CREATE TABLE "intent_revision" (
    "one" BOOLEAN NOT NULL DEFAULT true,
    "revision" BIGINT NOT NULL,

    CONSTRAINT "intent_revision_pkey" PRIMARY KEY ("one")
);

-- CreateTable
CREATE TABLE "change" (
    "id" UUID NOT NULL,
    "number" SERIAL NOT NULL,
    "title" TEXT NOT NULL,
    "reason" TEXT NOT NULL DEFAULT '',
    "state" TEXT NOT NULL DEFAULT 'draft',
    "tenant_id" UUID,
    "actor" TEXT NOT NULL,
    "actor_role" TEXT NOT NULL DEFAULT '',
    "rollback_of" UUID,
    "forced" BOOLEAN NOT NULL DEFAULT false,
    "task_id" UUID,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "reserved_until" TIMESTAMPTZ(3) NOT NULL,
    "previewed_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),
    "outcome" TEXT,
    "mixed_ms" DOUBLE PRECISION,
    "settled_ms" DOUBLE PRECISION,
    "preview" JSONB,

    CONSTRAINT "change_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "change_edit" (
    "change_id" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "object_id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL,
    "operation" TEXT NOT NULL,
    "base_revision" INTEGER,
    "revision" INTEGER NOT NULL,
    "before" JSONB,
    "after" JSONB,

    CONSTRAINT "change_edit_pkey" PRIMARY KEY ("change_id","kind","object_id")
);

-- CreateTable
CREATE TABLE "number_grant" (
    "pool" TEXT NOT NULL,
    "number" BIGINT NOT NULL,
    "key" TEXT NOT NULL,
    "committed" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "number_grant_pkey" PRIMARY KEY ("pool","number")
);

-- CreateTable
CREATE TABLE "number_grant_claim" (
    "key" TEXT NOT NULL,
    "change_id" UUID NOT NULL,

    CONSTRAINT "number_grant_claim_pkey" PRIMARY KEY ("key","change_id")
);

-- CreateTable
CREATE TABLE "provenance" (
    "id" BIGSERIAL NOT NULL,
    "change_id" UUID NOT NULL,
    "because" TEXT NOT NULL,

    CONSTRAINT "provenance_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "program" (
    "datapath_id" UUID NOT NULL,
    "bytes" BYTEA NOT NULL,
    "hash" TEXT NOT NULL,
    "entries" INTEGER NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "pending" BYTEA,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "program_pkey" PRIMARY KEY ("datapath_id")
);

-- CreateTable
CREATE TABLE "change_pending" (
    "change_id" UUID NOT NULL,
    "datapath_id" UUID NOT NULL,

    CONSTRAINT "change_pending_pkey" PRIMARY KEY ("change_id","datapath_id")
);

-- CreateTable
CREATE TABLE "journal" (
    "sequence" BIGSERIAL NOT NULL,
    "change_id" UUID NOT NULL,
    "phase" TEXT NOT NULL,
    "intent_revision" BIGINT NOT NULL,
    "compiler_version" TEXT NOT NULL,
    "prepared_at" TIMESTAMPTZ(3) NOT NULL,
    "deadline_at" TIMESTAMPTZ(3) NOT NULL,
    "waves" TEXT[],
    "waves_done" INTEGER NOT NULL DEFAULT 0,
    "granted" JSONB NOT NULL,
    "released" TEXT[],
    "failure" JSONB,
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "journal_pkey" PRIMARY KEY ("sequence")
);

-- CreateTable
CREATE TABLE "journal_part" (
    "sequence" BIGINT NOT NULL,
    "datapath_id" UUID NOT NULL,
    "hash_before" TEXT NOT NULL,
    "hash_after" TEXT NOT NULL,
    "pending" BOOLEAN NOT NULL,
    "added" INTEGER NOT NULL,
    "removed" INTEGER NOT NULL,
    "replaced" INTEGER NOT NULL,
    "bytes" BYTEA NOT NULL,

    CONSTRAINT "journal_part_pkey" PRIMARY KEY ("sequence","datapath_id")
);

-- CreateTable
CREATE TABLE "account" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "display_name" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "tenant_id" UUID,
    "password_hash" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "account_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "session" (
    "hash" TEXT NOT NULL,
    "account_id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "seen_at" TIMESTAMPTZ(3) NOT NULL,
    "address" TEXT NOT NULL,
    "agent" TEXT NOT NULL,

    CONSTRAINT "session_pkey" PRIMARY KEY ("hash")
);

-- CreateTable
CREATE TABLE "idempotency_key" (
    "scope" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "fingerprint" TEXT NOT NULL,
    "status" INTEGER,
    "headers" JSONB,
    "body" TEXT,
    "claimed_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "idempotency_key_pkey" PRIMARY KEY ("scope","key")
);

-- CreateTable
CREATE TABLE "task" (
    "id" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'queued',
    "done" INTEGER NOT NULL DEFAULT 0,
    "total" INTEGER NOT NULL DEFAULT 0,
    "unit" TEXT NOT NULL DEFAULT '',
    "subject_kind" TEXT,
    "subject_id" UUID,
    "subject_name" TEXT,
    "problem_code" TEXT,
    "problem_detail" TEXT,
    "cancellable" BOOLEAN NOT NULL DEFAULT false,
    "tenant_id" UUID,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "task_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "task_log" (
    "id" BIGSERIAL NOT NULL,
    "task_id" UUID NOT NULL,
    "tenant_id" UUID,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "message" TEXT NOT NULL,

    CONSTRAINT "task_log_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "audit" (
    "id" BIGSERIAL NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "actor" TEXT NOT NULL,
    "address" TEXT NOT NULL DEFAULT '',
    "action" TEXT NOT NULL,
    "outcome" TEXT NOT NULL,
    "subject" TEXT,
    "tenant_id" UUID,
    "change_id" UUID,
    "detail" TEXT NOT NULL DEFAULT '',

    CONSTRAINT "audit_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "site_name_key" ON "site"("name");

-- CreateIndex
CREATE UNIQUE INDEX "server_name_key" ON "server"("name");

-- CreateIndex
CREATE UNIQUE INDEX "server_vtep_key" ON "server"("vtep");

-- CreateIndex
CREATE INDEX "server_site_id_idx" ON "server"("site_id");

-- CreateIndex
CREATE UNIQUE INDEX "nic_server_id_name_key" ON "nic"("server_id", "name");

-- CreateIndex
CREATE UNIQUE INDEX "datapath_name_key" ON "datapath"("name");

-- CreateIndex
CREATE UNIQUE INDEX "datapath_datapath_id_key" ON "datapath"("datapath_id");

-- CreateIndex
CREATE INDEX "datapath_server_id_idx" ON "datapath"("server_id");

-- CreateIndex
CREATE INDEX "datapath_nic_id_idx" ON "datapath"("nic_id");

-- CreateIndex
CREATE INDEX "datapath_fabric_id_idx" ON "datapath"("fabric_id");

-- CreateIndex
CREATE UNIQUE INDEX "attachment_datapath_id_name_key" ON "attachment"("datapath_id", "name");

-- CreateIndex
CREATE UNIQUE INDEX "attachment_datapath_id_port_name_key" ON "attachment"("datapath_id", "port_name");

-- CreateIndex
CREATE UNIQUE INDEX "tenant_name_key" ON "tenant"("name");

-- CreateIndex
CREATE INDEX "network_tenant_id_idx" ON "network"("tenant_id");

-- CreateIndex
CREATE INDEX "subnet_network_id_idx" ON "subnet"("network_id");

-- CreateIndex
CREATE INDEX "subnet_tenant_id_idx" ON "subnet"("tenant_id");

-- CreateIndex
CREATE INDEX "port_network_id_idx" ON "port"("network_id");

-- CreateIndex
CREATE INDEX "port_tenant_id_idx" ON "port"("tenant_id");

-- CreateIndex
CREATE UNIQUE INDEX "vni_reservation_network_id_key" ON "vni_reservation"("network_id");

-- CreateIndex
CREATE INDEX "vni_reservation_change_id_idx" ON "vni_reservation"("change_id");

-- CreateIndex
CREATE UNIQUE INDEX "change_number_key" ON "change"("number");

-- CreateIndex
CREATE INDEX "change_tenant_id_idx" ON "change"("tenant_id");

-- CreateIndex
CREATE INDEX "change_state_idx" ON "change"("state");

-- CreateIndex
CREATE INDEX "change_rollback_of_idx" ON "change"("rollback_of");

-- CreateIndex
CREATE INDEX "change_edit_kind_object_id_idx" ON "change_edit"("kind", "object_id");

-- CreateIndex
CREATE INDEX "change_edit_tenant_id_idx" ON "change_edit"("tenant_id");

-- CreateIndex
CREATE UNIQUE INDEX "number_grant_key_key" ON "number_grant"("key");

-- CreateIndex
CREATE INDEX "number_grant_claim_change_id_idx" ON "number_grant_claim"("change_id");

-- CreateIndex
CREATE INDEX "change_pending_datapath_id_idx" ON "change_pending"("datapath_id");

-- CreateIndex
CREATE INDEX "journal_change_id_idx" ON "journal"("change_id");

-- CreateIndex
CREATE UNIQUE INDEX "account_name_key" ON "account"("name");

-- CreateIndex
CREATE INDEX "account_tenant_id_idx" ON "account"("tenant_id");

-- CreateIndex
CREATE INDEX "session_account_id_idx" ON "session"("account_id");

-- CreateIndex
CREATE INDEX "session_seen_at_idx" ON "session"("seen_at");

-- CreateIndex
CREATE INDEX "idempotency_key_claimed_at_idx" ON "idempotency_key"("claimed_at");

-- CreateIndex
CREATE INDEX "task_tenant_id_idx" ON "task"("tenant_id");

-- CreateIndex
CREATE INDEX "task_log_task_id_idx" ON "task_log"("task_id");

-- CreateIndex
CREATE INDEX "audit_tenant_id_idx" ON "audit"("tenant_id");

-- AddForeignKey
ALTER TABLE "server" ADD CONSTRAINT "server_site_id_fkey" FOREIGN KEY ("site_id") REFERENCES "site"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "nic" ADD CONSTRAINT "nic_server_id_fkey" FOREIGN KEY ("server_id") REFERENCES "server"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "datapath" ADD CONSTRAINT "datapath_server_id_fkey" FOREIGN KEY ("server_id") REFERENCES "server"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "datapath" ADD CONSTRAINT "datapath_nic_id_fkey" FOREIGN KEY ("nic_id") REFERENCES "nic"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "datapath" ADD CONSTRAINT "datapath_fabric_id_fkey" FOREIGN KEY ("fabric_id") REFERENCES "datapath"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "attachment" ADD CONSTRAINT "attachment_datapath_id_fkey" FOREIGN KEY ("datapath_id") REFERENCES "datapath"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "network" ADD CONSTRAINT "network_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenant"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "subnet" ADD CONSTRAINT "subnet_network_id_fkey" FOREIGN KEY ("network_id") REFERENCES "network"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "port" ADD CONSTRAINT "port_network_id_fkey" FOREIGN KEY ("network_id") REFERENCES "network"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "port" ADD CONSTRAINT "port_attachment_id_fkey" FOREIGN KEY ("attachment_id") REFERENCES "attachment"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "change_edit" ADD CONSTRAINT "change_edit_change_id_fkey" FOREIGN KEY ("change_id") REFERENCES "change"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "number_grant_claim" ADD CONSTRAINT "number_grant_claim_key_fkey" FOREIGN KEY ("key") REFERENCES "number_grant"("key") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "journal_part" ADD CONSTRAINT "journal_part_sequence_fkey" FOREIGN KEY ("sequence") REFERENCES "journal"("sequence") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "account" ADD CONSTRAINT "account_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenant"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "session" ADD CONSTRAINT "session_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "account"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "task_log" ADD CONSTRAINT "task_log_task_id_fkey" FOREIGN KEY ("task_id") REFERENCES "task"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- ---- What the schema language cannot say.

-- Uniqueness that holds when a change is finished, not between its edits.
ALTER TABLE "network" ADD CONSTRAINT "network_tenant_id_name_key" UNIQUE ("tenant_id", "name") DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE "network" ADD CONSTRAINT "network_vni_key" UNIQUE ("vni") DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE "subnet" ADD CONSTRAINT "subnet_network_id_prefix_key" UNIQUE ("network_id", "prefix") DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE "port" ADD CONSTRAINT "port_network_id_name_key" UNIQUE ("network_id", "name") DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE "port" ADD CONSTRAINT "port_network_id_mac_key" UNIQUE ("network_id", "mac") DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE "port" ADD CONSTRAINT "port_attachment_id_vlan_key" UNIQUE NULLS NOT DISTINCT ("attachment_id", "vlan") DEFERRABLE INITIALLY DEFERRED;
CREATE INDEX "port_addresses_idx" ON "port" USING gin ("addresses");

-- A row of a tenant's network is that tenant's.
ALTER TABLE "network" ADD CONSTRAINT "network_id_tenant_id_key" UNIQUE ("id", "tenant_id");
ALTER TABLE "subnet" ADD CONSTRAINT "subnet_of_tenant_fkey" FOREIGN KEY ("network_id", "tenant_id") REFERENCES "network" ("id", "tenant_id") DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE "port" ADD CONSTRAINT "port_of_tenant_fkey" FOREIGN KEY ("network_id", "tenant_id") REFERENCES "network" ("id", "tenant_id") DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE "subnet" ALTER CONSTRAINT "subnet_network_id_fkey" DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE "port" ALTER CONSTRAINT "port_network_id_fkey" DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE "tenant" ADD CHECK ("thread" BETWEEN 1 AND 6), ADD CHECK ("quota_networks" >= 0), ADD CHECK ("quota_ports" >= 0);
ALTER TABLE "network" ADD CHECK ("vni" BETWEEN 1 AND 16777215), ADD CHECK ("mtu" BETWEEN 68 AND 65535);
ALTER TABLE "vni_reservation" ADD CHECK ("vni" BETWEEN 1 AND 16777215);
ALTER TABLE "port" ADD CHECK ("vlan" BETWEEN 1 AND 4094);
ALTER TABLE "subnet" ADD CHECK ("prefix"::cidr IS NOT NULL);
ALTER TABLE "datapath" ADD CHECK ("role" IN ('edge', 'fabric'));
ALTER TABLE "intent_revision" ADD CHECK ("one");
ALTER TABLE "change" ADD CHECK ("state" IN ('draft', 'committing', 'undoing', 'pending', 'committed', 'undone', 'discarded'));
ALTER TABLE "change_edit" ADD CHECK ("operation" IN ('create', 'update', 'delete')),
  ADD CHECK (("operation" = 'delete') = ("after" IS NULL)), ADD CHECK (("operation" = 'create') = ("base_revision" IS NULL));
ALTER TABLE "provenance" ADD CHECK ("id" < 281474976710656);
ALTER TABLE "journal" ADD CHECK ("phase" IN ('prepared', 'decided', 'aborting', 'committed', 'undone'));
ALTER TABLE "account" ADD CHECK ("role" IN ('operator', 'auditor', 'tenant-administrator', 'tenant-member'));
ALTER TABLE "task" ADD CHECK ("state" IN ('queued', 'running', 'cancelling', 'done', 'failed', 'cancelled'));
ALTER TABLE "audit" ADD CHECK ("outcome" IN ('done', 'refused', 'failed'));

-- A change has one unfinished journal record at most; a provenance row is found again by what it says.
CREATE UNIQUE INDEX "journal_unfinished_key" ON "journal" ("change_id") WHERE "phase" IN ('prepared', 'decided', 'aborting');
CREATE UNIQUE INDEX "provenance_change_id_because_key" ON "provenance" ("change_id", md5("because"));
-- Compressed already.
ALTER TABLE "journal_part" ALTER COLUMN "bytes" SET STORAGE EXTERNAL;
ALTER TABLE "program" ALTER COLUMN "bytes" SET STORAGE EXTERNAL;

-- ---- The revision of committed intent and facts: one step for each statement that moved a row.

INSERT INTO "intent_revision" ("one", "revision") VALUES (true, 1);

CREATE FUNCTION "intent_moved"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM moved) THEN UPDATE intent_revision SET revision = revision + 1; END IF;
  RETURN NULL;
END $$;

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['site', 'server', 'nic', 'datapath', 'attachment', 'network', 'subnet', 'port'] LOOP
    EXECUTE format('CREATE TRIGGER intent_inserted AFTER INSERT ON %I REFERENCING NEW TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION intent_moved()', t);
    EXECUTE format('CREATE TRIGGER intent_updated AFTER UPDATE ON %I REFERENCING NEW TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION intent_moved()', t);
    EXECUTE format('CREATE TRIGGER intent_deleted AFTER DELETE ON %I REFERENCING OLD TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION intent_moved()', t);
  END LOOP;
END $$;

-- ---- What the scope of a transaction lets it see; its client sets `weft.scope` or `weft.tenant`.

CREATE FUNCTION "sees_all"() RETURNS boolean LANGUAGE sql STABLE AS $$ SELECT current_setting('weft.scope', true) = 'all' $$;
CREATE FUNCTION "sees"(tenant uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT current_setting('weft.scope', true) = 'all' OR tenant = nullif(current_setting('weft.tenant', true), '')::uuid
$$;

-- ---- Intent as a change sees it: committed rows without those that it edits, and those as it leaves them.

CREATE FUNCTION "network_in"(in_change uuid) RETURNS TABLE (id uuid, tenant_id uuid, name text, vni int, mtu int, revision int, drafted boolean)
LANGUAGE sql STABLE AS $$
  SELECT n.id, n.tenant_id, n.name, n.vni, n.mtu, n.revision, false FROM network n
  WHERE NOT EXISTS (SELECT 1 FROM change_edit e WHERE e.change_id = in_change AND e.kind = 'network' AND e.object_id = n.id)
  UNION ALL
  SELECT e.object_id, e.tenant_id, e.after->>'name', (e.after->>'vni')::int, (e.after->>'mtu')::int, e.revision, true
  FROM change_edit e WHERE e.change_id = in_change AND e.kind = 'network' AND e.after IS NOT NULL
$$;

CREATE FUNCTION "subnet_in"(in_change uuid) RETURNS TABLE (id uuid, tenant_id uuid, network_id uuid, prefix text, gateway text, revision int, drafted boolean)
LANGUAGE sql STABLE AS $$
  SELECT s.id, s.tenant_id, s.network_id, s.prefix, s.gateway, s.revision, false FROM subnet s
  WHERE NOT EXISTS (SELECT 1 FROM change_edit e WHERE e.change_id = in_change AND e.kind = 'subnet' AND e.object_id = s.id)
  UNION ALL
  SELECT e.object_id, e.tenant_id, (e.after->>'networkId')::uuid, e.after->>'prefix', e.after->>'gateway', e.revision, true
  FROM change_edit e WHERE e.change_id = in_change AND e.kind = 'subnet' AND e.after IS NOT NULL
$$;

CREATE FUNCTION "port_in"(in_change uuid) RETURNS TABLE (id uuid, tenant_id uuid, network_id uuid, name text, attachment_id uuid, mac text, addresses text[], vlan int, revision int, drafted boolean)
LANGUAGE sql STABLE AS $$
  SELECT p.id, p.tenant_id, p.network_id, p.name, p.attachment_id, p.mac, p.addresses, p.vlan, p.revision, false FROM port p
  WHERE NOT EXISTS (SELECT 1 FROM change_edit e WHERE e.change_id = in_change AND e.kind = 'port' AND e.object_id = p.id)
  UNION ALL
  SELECT e.object_id, e.tenant_id, (e.after->>'networkId')::uuid, e.after->>'name', (e.after->>'attachmentId')::uuid, e.after->>'mac',
    ARRAY(SELECT jsonb_array_elements_text(e.after->'addresses')), (e.after->>'vlan')::int, e.revision, true
  FROM change_edit e WHERE e.change_id = in_change AND e.kind = 'port' AND e.after IS NOT NULL
$$;

-- Committed objects of every kind with their revisions.
CREATE VIEW "intent_object" WITH (security_invoker = true) AS
  SELECT 'network' AS kind, id, revision FROM network UNION ALL SELECT 'subnet', id, revision FROM subnet
  UNION ALL SELECT 'port', id, revision FROM port;

-- Changes whose edits may still become true.
CREATE FUNCTION "is_open"(state text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT state IN ('draft', 'committing', 'undoing') $$;
CREATE INDEX "change_open_idx" ON "change" ("id") WHERE "state" IN ('draft', 'committing', 'undoing');

-- ---- Pools over all tenants: these functions see more than their caller, and say no more than a number or a name that is the caller's.

-- Generation ids with which the engine becomes master of a datapath.
CREATE SEQUENCE "role_generation";

CREATE SEQUENCE "vni_pool" AS int MINVALUE 20001 MAXVALUE 16777215 START 20001 CYCLE;

-- Draws a VNI that nobody has, in one statement: two at once never get the same.
CREATE FUNCTION "draw_vni"(for_network uuid, for_tenant uuid, in_change uuid) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE drawn int;
BEGIN
  FOR attempt IN 1..100000 LOOP
    INSERT INTO vni_reservation (vni, network_id, tenant_id, change_id) VALUES (nextval('vni_pool'), for_network, for_tenant, in_change)
      ON CONFLICT (vni) DO NOTHING RETURNING vni INTO drawn;
    IF drawn IS NOT NULL THEN RETURN drawn; END IF;
  END LOOP;
  RETURN NULL;
END $$;

-- Takes one VNI; null when it was free, else the network that has it.
CREATE FUNCTION "take_vni"(wanted int, for_network uuid, for_tenant uuid, in_change uuid) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE holder uuid;
BEGIN
  INSERT INTO vni_reservation (vni, network_id, tenant_id, change_id) VALUES (wanted, for_network, for_tenant, in_change)
    ON CONFLICT (vni) DO NOTHING;
  IF FOUND THEN RETURN NULL; END IF;
  SELECT network_id INTO holder FROM vni_reservation WHERE vni = wanted;
  RETURN holder;
END $$;

-- Ports of all tenants as they are or may become: committed ones that the change leaves alone, its own, and those of other open changes.
-- Without settings of its own, so that it becomes part of the query that asks and its indexes are used.
CREATE FUNCTION "port_claims"(in_change uuid) RETURNS TABLE (id uuid, tenant_id uuid, name text, attachment_id uuid, vlan int)
LANGUAGE sql STABLE AS $$
  SELECT p.id, p.tenant_id, p.name, p.attachment_id, p.vlan FROM port_in(in_change) p
  UNION ALL
  SELECT e.object_id, e.tenant_id, e.after->>'name', (e.after->>'attachmentId')::uuid, (e.after->>'vlan')::int
  FROM change_edit e JOIN change c ON c.id = e.change_id
  WHERE e.kind = 'port' AND e.after IS NOT NULL AND is_open(c.state) AND e.change_id IS DISTINCT FROM in_change
$$;

-- Objects of one tenant as open changes beside one leave them, whoever made those changes.
CREATE FUNCTION "open_edits"(of_tenant uuid, beside uuid) RETURNS TABLE (kind text, id uuid, operation text, after jsonb)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT e.kind, e.object_id, e.operation, e.after FROM change_edit e JOIN change c ON c.id = e.change_id
  WHERE sees(of_tenant) AND e.tenant_id = of_tenant AND e.after IS NOT NULL AND is_open(c.state) AND e.change_id IS DISTINCT FROM beside
$$;

-- Who is plugged in at an attachment with a VLAN id (null: untagged), beside one port.
CREATE FUNCTION "attachment_holder"(at uuid, with_vlan int, in_change uuid, beside uuid) RETURNS TABLE (id uuid, tenant_id uuid, name text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT c.id, c.tenant_id, c.name FROM port_claims(in_change) c
  WHERE c.attachment_id = at AND c.vlan IS NOT DISTINCT FROM with_vlan AND c.id <> beside LIMIT 1
$$;

-- How many ports are plugged in behind a NIC, beside one.
CREATE FUNCTION "nic_ports"(behind uuid, in_change uuid, beside uuid) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT count(DISTINCT c.id) FROM port_claims(in_change) c JOIN attachment a ON a.id = c.attachment_id
  JOIN datapath d ON d.id = a.datapath_id WHERE d.nic_id = behind AND c.id <> beside
$$;

-- ---- Who may see and write which rows. weft_owner migrates and owns the functions above; weft_app serves requests inside a scope; weft_engine commits.

GRANT USAGE ON SCHEMA public TO weft_app, weft_engine;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO weft_app, weft_engine;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO weft_app, weft_engine;
REVOKE ALL ON "_prisma_migrations" FROM weft_app, weft_engine;
REVOKE UPDATE, DELETE ON "audit" FROM weft_app, weft_engine;
REVOKE ALL ON "number_grant", "number_grant_claim", "journal", "journal_part", "program", "change_pending", "provenance", "vni_reservation", "intent_revision" FROM weft_app;
GRANT SELECT ON "journal", "journal_part", "program", "change_pending", "provenance", "vni_reservation" TO weft_app;
-- A draft that drops a network gives its VNI back.
GRANT DELETE ON "vni_reservation" TO weft_app;
REVOKE INSERT, UPDATE, DELETE ON "network", "subnet", "port" FROM weft_app;
REVOKE ALL ON FUNCTION "port_claims"(uuid) FROM PUBLIC;

DO $$
DECLARE t text;
BEGIN
  -- The engine sees every row of every table; so do the owner's functions over all tenants, and migrations.
  FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> '_prisma_migrations' LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY engine_all ON %I TO weft_engine, weft_owner USING (true) WITH CHECK (true)', t);
  END LOOP;
  -- Rows of a tenant.
  FOREACH t IN ARRAY ARRAY['network', 'subnet', 'port', 'vni_reservation', 'change', 'change_edit', 'task', 'task_log', 'audit'] LOOP
    EXECUTE format('CREATE POLICY app_of_tenant ON %I TO weft_app USING (sees(tenant_id)) WITH CHECK (sees(tenant_id))', t);
  END LOOP;
  -- Everybody reads them, nobody but those who see all writes them.
  FOREACH t IN ARRAY ARRAY['site', 'server', 'nic', 'datapath', 'attachment'] LOOP
    EXECUTE format('CREATE POLICY app_reads ON %I FOR SELECT TO weft_app USING (true)', t);
    EXECUTE format('CREATE POLICY app_inserts ON %I FOR INSERT TO weft_app WITH CHECK (sees_all())', t);
    EXECUTE format('CREATE POLICY app_updates ON %I FOR UPDATE TO weft_app USING (sees_all()) WITH CHECK (sees_all())', t);
    EXECUTE format('CREATE POLICY app_deletes ON %I FOR DELETE TO weft_app USING (sees_all())', t);
  END LOOP;
  -- For those alone who see all.
  FOREACH t IN ARRAY ARRAY['account', 'session', 'idempotency_key', 'journal', 'journal_part', 'program', 'change_pending', 'provenance'] LOOP
    EXECUTE format('CREATE POLICY app_all ON %I TO weft_app USING (sees_all()) WITH CHECK (sees_all())', t);
  END LOOP;
END $$;
-- A tenant sees itself; its quotas are not its own to write.
CREATE POLICY app_reads ON "tenant" FOR SELECT TO weft_app USING (sees("id"));
CREATE POLICY app_inserts ON "tenant" FOR INSERT TO weft_app WITH CHECK (sees_all());
CREATE POLICY app_updates ON "tenant" FOR UPDATE TO weft_app USING (sees_all()) WITH CHECK (sees_all());
CREATE POLICY app_deletes ON "tenant" FOR DELETE TO weft_app USING (sees_all());

