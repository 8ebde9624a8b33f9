-- A program is what was written whole, and what the journal's records have changed in it since.
ALTER TABLE "program" ADD COLUMN "since" BIGINT[] DEFAULT ARRAY[]::BIGINT[];
