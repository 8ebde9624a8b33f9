-- Whoever works at a site sees and writes the hardware of that site; tokens count where they were made for; what belongs to a
-- tenant holds nothing outside of it.

-- ---- tokens

-- Confined to this site even where its owner is not.
ALTER TABLE "api_token" ADD COLUMN "site_id" UUID REFERENCES "site"("id") ON DELETE CASCADE;
ALTER TABLE "api_token" ADD CONSTRAINT "api_token_place" CHECK (num_nonnulls("tenant_id", "site_id") <= 1);

-- ---- roles: also for those who see all. Otherwise a tenant's administrators, or its identity provider, could become whatever
-- one of its people, groups or roles is elsewhere.

CREATE POLICY app_within_tenant ON "role_binding" AS RESTRICTIVE FOR INSERT TO weft_app WITH CHECK (
  ("account_id" IS NULL OR EXISTS (SELECT 1 FROM account a WHERE a.id = account_id
    AND (a.tenant_id IS NULL OR a.tenant_id IS NOT DISTINCT FROM role_binding.tenant_id)))
  AND ("group_id" IS NULL OR EXISTS (SELECT 1 FROM user_group g WHERE g.id = group_id
    AND (g.tenant_id IS NULL OR g.tenant_id IS NOT DISTINCT FROM role_binding.tenant_id)))
  AND ("role_id" IS NULL OR EXISTS (SELECT 1 FROM role r WHERE r.id = role_id
    AND (r.tenant_id IS NULL OR r.tenant_id IS NOT DISTINCT FROM role_binding.tenant_id))));
CREATE POLICY app_within_tenant ON "group_member" AS RESTRICTIVE FOR INSERT TO weft_app WITH CHECK (
  EXISTS (SELECT 1 FROM account a, user_group g WHERE a.id = account_id AND g.id = group_id
    AND (a.tenant_id IS NULL OR a.tenant_id IS NOT DISTINCT FROM g.tenant_id)));

-- ---- sites

-- Whether the scope ends at no site: everybody's, or a tenant's, whose ports may be anywhere.
CREATE FUNCTION "every_site"() RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT coalesce(current_setting('weft.sites', true), '') = ''
$$;
-- Whether the scope runs the hardware of a site: all of it, or that one's.
CREATE FUNCTION "runs_site"(site uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT current_setting('weft.scope', true) = 'all'
    OR site = ANY (string_to_array(nullif(current_setting('weft.sites', true), ''), ',')::uuid[])
$$;

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['site', 'server', 'nic', 'datapath', 'attachment'] LOOP
    EXECUTE format('DROP POLICY app_reads ON %I', t);
    EXECUTE format('DROP POLICY app_inserts ON %I', t);
    EXECUTE format('DROP POLICY app_updates ON %I', t);
    EXECUTE format('DROP POLICY app_deletes ON %I', t);
  END LOOP;
END $$;

-- The setting is read once for a query: lists of a hundred thousand rows must not pay for it with each row.
CREATE POLICY app_reads ON "site" FOR SELECT TO weft_app USING ((SELECT every_site()) OR runs_site("id"));
CREATE POLICY app_inserts ON "site" FOR INSERT TO weft_app WITH CHECK (sees_all());
CREATE POLICY app_updates ON "site" FOR UPDATE TO weft_app USING (runs_site("id")) WITH CHECK (runs_site("id"));
CREATE POLICY app_deletes ON "site" FOR DELETE TO weft_app USING (sees_all());

CREATE POLICY app_reads ON "server" FOR SELECT TO weft_app USING ((SELECT every_site()) OR runs_site("site_id"));
CREATE POLICY app_inserts ON "server" FOR INSERT TO weft_app WITH CHECK (runs_site("site_id"));
CREATE POLICY app_updates ON "server" FOR UPDATE TO weft_app USING (runs_site("site_id")) WITH CHECK (runs_site("site_id"));
CREATE POLICY app_deletes ON "server" FOR DELETE TO weft_app USING (sees_all());

-- What is on a server is its site's.
DO $$
DECLARE
  t text;
  mine text;
BEGIN
  FOREACH t IN ARRAY ARRAY['nic', 'datapath', 'attachment'] LOOP
    mine := CASE t WHEN 'attachment'
      THEN 'EXISTS (SELECT 1 FROM datapath d JOIN server s ON s.id = d.server_id WHERE d.id = attachment.datapath_id AND runs_site(s.site_id))'
      ELSE format('EXISTS (SELECT 1 FROM server s WHERE s.id = %I.server_id AND runs_site(s.site_id))', t) END;
    EXECUTE format('CREATE POLICY app_reads ON %I FOR SELECT TO weft_app USING ((SELECT every_site()) OR %s)', t, mine);
    EXECUTE format('CREATE POLICY app_inserts ON %I FOR INSERT TO weft_app WITH CHECK ((SELECT sees_all()) OR %s)', t, mine);
    EXECUTE format('CREATE POLICY app_updates ON %1$I FOR UPDATE TO weft_app USING ((SELECT sees_all()) OR %2$s)
      WITH CHECK ((SELECT sees_all()) OR %2$s)', t, mine);
    EXECUTE format('CREATE POLICY app_deletes ON %I FOR DELETE TO weft_app USING (sees_all())', t);
  END LOOP;
END $$;

-- How full a switch is, whoever runs it sees.
CREATE POLICY app_of_site ON "program" FOR SELECT TO weft_app USING (NOT (SELECT every_site())
  AND EXISTS (SELECT 1 FROM datapath d JOIN server s ON s.id = d.server_id WHERE d.id = program.datapath_id AND runs_site(s.site_id)));

-- Long work on hardware is seen by whoever runs its site.
ALTER TABLE "task" ADD COLUMN "site_id" UUID REFERENCES "site"("id") ON DELETE SET NULL;
CREATE POLICY app_of_site ON "task" TO weft_app USING ("site_id" IS NOT NULL AND runs_site("site_id"))
  WITH CHECK ("site_id" IS NOT NULL AND runs_site("site_id"));
CREATE POLICY app_of_site ON "task_log" FOR SELECT TO weft_app USING (NOT (SELECT every_site())
  AND EXISTS (SELECT 1 FROM task t WHERE t.id = task_id));
