-- Certificates by which switches prove who they are. Each is entered here, and bound to the datapaths of one switch.

CREATE TABLE "switch_certificate" (
    "id" UUID NOT NULL PRIMARY KEY,
    "server_id" UUID NOT NULL REFERENCES "server"("id"),
    -- what its holder may be
    "datapath_ids" UUID[] NOT NULL CHECK (cardinality("datapath_ids") BETWEEN 1 AND 64),
    "subject" TEXT NOT NULL,
    -- SHA-256, hexadecimal in lower case
    "fingerprint" TEXT NOT NULL,
    "pem" TEXT NOT NULL,
    "not_before" TIMESTAMPTZ(3) NOT NULL,
    "not_after" TIMESTAMPTZ(3) NOT NULL,
    "enrolled_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "enrolled_by" TEXT NOT NULL,
    "revoked_at" TIMESTAMPTZ(3),
    "revoked_by" TEXT
);
CREATE UNIQUE INDEX "switch_certificate_fingerprint_key" ON "switch_certificate"("fingerprint");
CREATE INDEX "switch_certificate_server_id_idx" ON "switch_certificate"("server_id");

ALTER TABLE "switch_certificate" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "switch_certificate" FORCE ROW LEVEL SECURITY;
CREATE POLICY engine_all ON "switch_certificate" TO weft_engine, weft_owner USING (true) WITH CHECK (true);
-- Whoever runs the hardware of a site sees and enters them there. None is removed, and what one is bound to stays.
GRANT SELECT, INSERT, UPDATE, DELETE ON "switch_certificate" TO weft_engine;
GRANT SELECT, INSERT ON "switch_certificate" TO weft_app;
GRANT UPDATE ("revoked_at", "revoked_by") ON "switch_certificate" TO weft_app;
CREATE POLICY app_of_site ON "switch_certificate" TO weft_app
  USING (EXISTS (SELECT 1 FROM server s WHERE s.id = server_id AND runs_site(s.site_id)))
  WITH CHECK (EXISTS (SELECT 1 FROM server s WHERE s.id = server_id AND runs_site(s.site_id)));
