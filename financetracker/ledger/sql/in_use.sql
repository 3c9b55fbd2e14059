-- What an account, commodity, payee or transaction owes to the rows that name it. These stand in for the foreign
-- keys that Posting and Transaction do without. Each closes the gate before it looks: no writer is in between.

CREATE FUNCTION account_in_use() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE ids bigint[]; bad record;
BEGIN
  SELECT array_agg(n.id) INTO ids FROM new_rows n JOIN old_rows o USING (id)
   WHERE (n.type, n.commodity_ids, n.placeholder, n.opened_on, n.closed_on)
      IS DISTINCT FROM (o.type, o.commodity_ids, o.placeholder, o.opened_on, o.closed_on);
  IF ids IS NULL THEN RETURN NULL; END IF;
  PERFORM close_gate((SELECT array_agg(DISTINCT book_id) FROM new_rows));
  SELECT n.full_name, n.opened_on, n.closed_on, p.date, c.code,
    CASE
      WHEN n.type <> o.type THEN 'account_type_is_fixed'
      WHEN n.placeholder THEN 'account_with_postings_is_no_placeholder'
      WHEN n.commodity_ids <> '{}' AND NOT p.commodity_id = ANY (n.commodity_ids) THEN 'account_commodity_is_fixed'
      ELSE 'account_is_open_on_posting_dates'
    END AS rule
    INTO bad
    FROM new_rows n JOIN old_rows o USING (id)
    JOIN ledger_posting p ON p.account_id = n.id
    JOIN accounts_commodity c ON c.id = p.commodity_id
   WHERE n.id = ANY (ids)
     AND (n.type <> o.type OR n.placeholder
          OR (n.commodity_ids <> '{}' AND NOT p.commodity_id = ANY (n.commodity_ids))
          OR (NOT p.voided AND (p.date < n.opened_on OR p.date > n.closed_on)))
   LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION '%', CASE bad.rule
      WHEN 'account_type_is_fixed' THEN format('%s has postings: its type stays.', bad.full_name)
      WHEN 'account_with_postings_is_no_placeholder' THEN format('%s has postings of its own.', bad.full_name)
      WHEN 'account_commodity_is_fixed' THEN format('%s has postings in %s.', bad.full_name, bad.code)
      ELSE format('%s has a posting on %s, outside the days it would be open.', bad.full_name, bad.date)
      END USING ERRCODE = '23514', CONSTRAINT = bad.rule;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER account_in_use_update AFTER UPDATE ON accounts_account
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION account_in_use();

CREATE FUNCTION commodity_in_use() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE bad record;
BEGIN
  IF NOT EXISTS (SELECT FROM new_rows n JOIN old_rows o USING (id) WHERE n.scale < o.scale) THEN RETURN NULL; END IF;
  PERFORM close_gate((SELECT array_agg(DISTINCT book_id) FROM new_rows));
  SELECT n.code, n.scale INTO bad FROM new_rows n JOIN ledger_posting p ON p.book_id = n.book_id
   WHERE (p.commodity_id = n.id AND min_scale(p.amount) > n.scale)
      OR (p.weight_commodity_id = n.id AND min_scale(p.weight) > n.scale) LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'The books hold amounts of % with more than % decimal places.', bad.code, bad.scale
      USING ERRCODE = '23514', CONSTRAINT = 'commodity_scale_holds_postings';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER commodity_in_use_update AFTER UPDATE ON accounts_commodity
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION commodity_in_use();

-- Refuse to remove a row that is still named. Arguments: constraint name, the table that names it, its columns.
CREATE FUNCTION still_named() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE named bigint; i int := 2;
BEGIN
  PERFORM close_gate((SELECT array_agg(DISTINCT book_id) FROM old_rows));
  WHILE i < TG_NARGS LOOP
    EXECUTE format('SELECT o.id FROM old_rows o WHERE EXISTS (SELECT FROM %1$I r WHERE r.%2$I = o.id) LIMIT 1',
                   TG_ARGV[1], TG_ARGV[i]) INTO named;
    IF named IS NOT NULL THEN
      RAISE EXCEPTION 'It is still used and cannot be removed.' USING ERRCODE = '23514', CONSTRAINT = TG_ARGV[0];
    END IF;
    i := i + 1;
  END LOOP;
  RETURN NULL;
END $$;
CREATE TRIGGER account_still_named AFTER DELETE ON accounts_account
  REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT
  EXECUTE FUNCTION still_named('posting_references_stay_in_book', 'ledger_posting', 'account_id');
CREATE TRIGGER commodity_still_named AFTER DELETE ON accounts_commodity
  REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT
  EXECUTE FUNCTION still_named('posting_references_stay_in_book', 'ledger_posting',
                               'commodity_id', 'weight_commodity_id');
CREATE TRIGGER transaction_still_named AFTER DELETE ON ledger_transaction
  REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT
  EXECUTE FUNCTION still_named('posting_references_stay_in_book', 'ledger_posting', 'transaction_id');
CREATE TRIGGER transaction_still_reversed AFTER DELETE ON ledger_transaction
  REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT
  EXECUTE FUNCTION still_named('transaction_references_stay_in_book', 'ledger_transaction', 'reverses_id');
CREATE TRIGGER payee_still_named AFTER DELETE ON ledger_payee
  REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT
  EXECUTE FUNCTION still_named('transaction_references_stay_in_book', 'ledger_transaction', 'payee_id');

-- Rows that carry a book stay in it, and what they name is in it too.
CREATE FUNCTION stays_in_book() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM new_rows n JOIN old_rows o USING (id) WHERE n.book_id <> o.book_id) THEN
    RAISE EXCEPTION 'A row stays in its book.' USING ERRCODE = '23514', CONSTRAINT = TG_ARGV[0];
  END IF;
  RETURN NULL;
END $$;
DO $$
DECLARE r record;
BEGIN
  FOR r IN SELECT * FROM (VALUES
    ('payee', ''), ('tag', ''),
    ('transactiontag', '''transaction_id'', ''ledger_transaction'', ''tag_id'', ''ledger_tag'''),
    ('price', '''commodity_id'', ''accounts_commodity'', ''quote_id'', ''accounts_commodity'''),
    ('balanceassertion', '''account_id'', ''accounts_account'', ''commodity_id'', ''accounts_commodity''')
  ) AS v (name, pairs) LOOP
    EXECUTE format('CREATE TRIGGER %1$s_stays AFTER UPDATE ON ledger_%1$s
      REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT
      EXECUTE FUNCTION stays_in_book(''%1$s_stays_in_book'')', r.name);
    IF r.pairs <> '' THEN
      EXECUTE format('CREATE TRIGGER %1$s_references_insert AFTER INSERT ON ledger_%1$s
        REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
        EXECUTE FUNCTION references_stay_in_book(''%1$s_references_stay_in_book'', %2$s)', r.name, r.pairs);
      EXECUTE format('CREATE TRIGGER %1$s_references_update AFTER UPDATE ON ledger_%1$s
        REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
        EXECUTE FUNCTION references_stay_in_book(''%1$s_references_stay_in_book'', %2$s)', r.name, r.pairs);
    END IF;
  END LOOP;
END $$;
