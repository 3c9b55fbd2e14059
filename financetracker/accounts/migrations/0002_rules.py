"""Scope, row security and the rules of the chart of accounts."""

from typing import ClassVar

from django.db import migrations

from financetracker.accounts.sql import read

UNDO = """
DROP TRIGGER account_gate ON accounts_account;
DROP TRIGGER commodity_gate ON accounts_commodity;
DROP TRIGGER account_path ON accounts_account;
DROP TRIGGER account_tree_insert ON accounts_account;
DROP TRIGGER account_tree_update ON accounts_account;
DROP TRIGGER account_references_insert ON accounts_account;
DROP TRIGGER account_references_update ON accounts_account;
DROP TRIGGER commodity_stays_update ON accounts_commodity;
DROP TRIGGER commodity_stays_delete ON accounts_commodity;
DROP TRIGGER book_references_insert ON accounts_book;
DROP TRIGGER book_references_update ON accounts_book;
DROP TRIGGER book_keeps_an_owner_update ON accounts_membership;
DROP TRIGGER book_keeps_an_owner_delete ON accounts_membership;
DROP FUNCTION account_path, account_tree, commodity_stays, book_references, book_keeps_an_owner,
  references_stay_in_book, close_gate, hold_gate, refuse_old_view,
  gate_before_rows;
DO $$ DECLARE p record; BEGIN
  FOR p IN SELECT tablename, policyname FROM pg_policies WHERE tablename LIKE 'accounts\\_%' LOOP
    EXECUTE format('DROP POLICY %I ON %I', p.policyname, p.tablename);
    EXECUTE format('ALTER TABLE %I DISABLE ROW LEVEL SECURITY', p.tablename);
  END LOOP;
END $$;
DROP FUNCTION create_book, current_actor, enter_book, may_write, current_role_in_book, current_book, current_person;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0001_initial")]
    operations: ClassVar = [
        migrations.RunSQL(read("scope") + read("policies") + read("rules"), UNDO),
    ]
