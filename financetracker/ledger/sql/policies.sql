-- Row security of the ledger app, table by table the same: seen in the chosen book, written by owner and editor.
-- History is read only; transactions are voided and never deleted, so the app role holds no DELETE on them.

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['ledger_payee', 'ledger_tag', 'ledger_transaction', 'ledger_transactiontag',
                           'ledger_posting', 'ledger_price', 'ledger_balanceassertion'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY seen ON %I FOR SELECT USING (book_id = (SELECT current_book()))', t);
    EXECUTE format('CREATE POLICY adds ON %I FOR INSERT
                    WITH CHECK (book_id = (SELECT current_book()) AND (SELECT may_write()))', t);
    EXECUTE format('CREATE POLICY changes ON %I FOR UPDATE
                    USING (book_id = (SELECT current_book()) AND (SELECT may_write()))', t);
    EXECUTE format('CREATE POLICY removes ON %I FOR DELETE
                    USING (book_id = (SELECT current_book()) AND (SELECT may_write()))', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['ledger_transactionrevision', 'ledger_postingrevision', 'ledger_revision'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY seen ON %I FOR SELECT USING (book_id = (SELECT current_book()))', t);
    EXECUTE format('REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON %I FROM ft_app', t);
  END LOOP;
END $$;
REVOKE DELETE ON ledger_transaction FROM ft_app;
