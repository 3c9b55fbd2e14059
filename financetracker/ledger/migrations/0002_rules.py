"""Row security, the rules of transactions and postings, and history."""

from typing import ClassVar

from django.db import migrations

from financetracker.accounts.sql import read
from financetracker.ledger.sql import FOLDER

# Triggers of our functions go wherever they stand, then the functions, then row security.
UNDO = """
DO $$ DECLARE r record; names text[] := ARRAY['check_postings', 'check_removed_postings', 'check_new_transactions',
  'account_in_use', 'commodity_in_use', 'still_named', 'stays_in_book', 'record_transaction', 'record_posting',
  'record_row', 'refuse_new_id', 'residue_of', 'check_transactions', 'lock_transactions',
  'refuse_fixed', 'moment_after_transactions', 'moment_after_rows'];
BEGIN
  FOR r IN SELECT t.tgname, t.tgrelid::regclass AS relation FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
            WHERE p.proname = ANY (names) OR (p.proname = 'references_stay_in_book'
                  AND t.tgrelid::regclass::text LIKE 'ledger\\_%') LOOP
    EXECUTE format('DROP TRIGGER %I ON %s', r.tgname, r.relation);
  END LOOP;
  FOR r IN SELECT p.oid::regprocedure AS signature FROM pg_proc p WHERE p.proname = ANY (names) LOOP
    EXECUTE format('DROP FUNCTION %s', r.signature);
  END LOOP;
  FOR r IN SELECT tablename, policyname FROM pg_policies WHERE tablename LIKE 'ledger\\_%' LOOP
    EXECUTE format('DROP POLICY %I ON %I', r.policyname, r.tablename);
    EXECUTE format('ALTER TABLE %I DISABLE ROW LEVEL SECURITY', r.tablename);
  END LOOP;
END $$;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("ledger", "0001_initial")]
    operations: ClassVar = [
        migrations.RunSQL(
            "".join(read(name, FOLDER) for name in ("policies", "postings", "in_use", "history")), UNDO
        ),
    ]
