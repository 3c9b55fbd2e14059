-- Row security of the accounts app. ENABLED, not FORCED: the owner role migrates, backs up and runs the definer
-- functions; the app role sees the rows of the chosen book and writes them if its person may.

ALTER TABLE accounts_book ENABLE ROW LEVEL SECURITY;
ALTER TABLE accounts_membership ENABLE ROW LEVEL SECURITY;
ALTER TABLE accounts_commodity ENABLE ROW LEVEL SECURITY;
ALTER TABLE accounts_account ENABLE ROW LEVEL SECURITY;

-- A person's own memberships are seen before a book is chosen: that is how he chooses one.
CREATE POLICY seen ON accounts_membership FOR SELECT
  USING (user_id = (SELECT current_person())
         OR book_id = nullif(current_setting('app.book', true), '')::bigint);
CREATE POLICY adds ON accounts_membership FOR INSERT
  WITH CHECK (book_id = (SELECT current_book()) AND (SELECT current_role_in_book()) = 'owner');
CREATE POLICY changes ON accounts_membership FOR UPDATE
  USING (book_id = (SELECT current_book()) AND (SELECT current_role_in_book()) = 'owner');
CREATE POLICY removes ON accounts_membership FOR DELETE
  USING (book_id = (SELECT current_book()) AND (SELECT current_role_in_book()) = 'owner');

CREATE POLICY seen ON accounts_book FOR SELECT
  USING (id IN (SELECT book_id FROM accounts_membership WHERE user_id = (SELECT current_person())));
CREATE POLICY changes ON accounts_book FOR UPDATE
  USING (id = (SELECT current_book()) AND (SELECT current_role_in_book()) = 'owner');

CREATE POLICY seen ON accounts_commodity FOR SELECT USING (book_id = (SELECT current_book()));
CREATE POLICY adds ON accounts_commodity FOR INSERT
  WITH CHECK (book_id = (SELECT current_book()) AND (SELECT may_write()));
CREATE POLICY changes ON accounts_commodity FOR UPDATE
  USING (book_id = (SELECT current_book()) AND (SELECT may_write()));
CREATE POLICY removes ON accounts_commodity FOR DELETE
  USING (book_id = (SELECT current_book()) AND (SELECT may_write()));

CREATE POLICY seen ON accounts_account FOR SELECT USING (book_id = (SELECT current_book()));
CREATE POLICY adds ON accounts_account FOR INSERT
  WITH CHECK (book_id = (SELECT current_book()) AND (SELECT may_write()));
CREATE POLICY changes ON accounts_account FOR UPDATE
  USING (book_id = (SELECT current_book()) AND (SELECT may_write()));
CREATE POLICY removes ON accounts_account FOR DELETE
  USING (book_id = (SELECT current_book()) AND (SELECT may_write()));
