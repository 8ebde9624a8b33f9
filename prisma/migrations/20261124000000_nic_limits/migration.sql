-- A profile's figures are defaults: an operator may correct them for a NIC.
ALTER TABLE "nic" ADD COLUMN "limits" JSONB NOT NULL DEFAULT '{}';
