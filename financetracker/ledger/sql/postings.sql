-- Rules of transactions and postings. All are statement triggers over transition tables: one set-based look a
-- statement, nothing deferred, so a refusal comes with the statement that deserves it. The price: whoever writes
-- a transaction writes all its legs in the same statement (journal.py does; decision 0002).
--
-- A writer of postings holds the gate (accounts/sql/rules.sql), then its transactions, and reads lock date, accounts
-- and dates after that.

-- What somebody may read about how far a transaction is off: '12.50 EUR', one a commodity.
CREATE FUNCTION residue_of(id bigint) RETURNS text LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT string_agg(trim_scale(s.residue) || ' ' || c.code, ', ' ORDER BY c.code)
    FROM (SELECT weight_commodity_id, sum(weight) AS residue FROM ledger_posting
           WHERE transaction_id = $1 GROUP BY 1 HAVING sum(weight) <> 0) s
    JOIN accounts_commodity c ON c.id = s.weight_commodity_id
$$;
REVOKE ALL ON FUNCTION residue_of(bigint) FROM PUBLIC;

-- Functions that take arrays of ids are held to one generic plan: the planner takes a guess about an array's length
-- for a better plan than that, and would plan every query of every trigger again at each call.

-- Whoever adds, changes or removes legs has their transactions to himself, locked in the order of their ids.
CREATE FUNCTION lock_transactions(ids bigint[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  PERFORM 1 FROM ledger_transaction WHERE id = ANY (ids) ORDER BY id FOR NO KEY UPDATE;
END $$;
REVOKE ALL ON FUNCTION lock_transactions(bigint[]) FROM PUBLIC;

-- The given transactions, re-read under a lock: weights sum to zero, and legs are left.
CREATE FUNCTION check_transactions(ids bigint[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_generic_plan AS $$
DECLARE broken record;
BEGIN
  PERFORM lock_transactions(ids);
  SELECT p.transaction_id AS id INTO broken FROM ledger_posting p WHERE p.transaction_id = ANY (ids)
   GROUP BY p.transaction_id, p.weight_commodity_id HAVING sum(p.weight) <> 0 LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'The legs do not add up: off by %.', residue_of(broken.id)
      USING ERRCODE = '23514', CONSTRAINT = 'transaction_balances';
  END IF;
  -- A lone leg has weight zero, or the sum above would not be: bonus shares, a split.
  SELECT t.id INTO broken FROM ledger_transaction t WHERE t.id = ANY (ids)
     AND NOT EXISTS (SELECT FROM ledger_posting p WHERE p.transaction_id = t.id) LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'A transaction has at least two legs, or one without weight.'
      USING ERRCODE = '23514', CONSTRAINT = 'transaction_has_postings';
  END IF;
END $$;
REVOKE ALL ON FUNCTION check_transactions(bigint[]) FROM PUBLIC;

-- Refuse the first of the new rows (or of those in `changed`, for an update) that its book, transaction, account or
-- commodity does not allow, and say which. Held to index probes: a plan made while a table was small must not turn
-- an import quadratic.
CREATE FUNCTION check_postings() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan AS $$
DECLARE changed bigint[]; ids bigint[]; bad record;
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM hold_gate((SELECT array_agg(DISTINCT book_id) FROM new_rows));
    -- Else a pair of legs could be added on the old day while another connection moves the transaction.
    PERFORM lock_transactions((SELECT array_agg(DISTINCT transaction_id) FROM new_rows));
    -- Legs that add up by themselves leave every sum as it was; only the others need their transaction re-read.
    SELECT array_agg(DISTINCT s.id) INTO ids FROM
      (SELECT transaction_id AS id FROM new_rows
        GROUP BY transaction_id, weight_commodity_id HAVING sum(weight) <> 0) s;
  ELSE
    SELECT array_agg(n.id) INTO changed FROM new_rows n JOIN old_rows o USING (id)
     WHERE (n.book_id, n.transaction_id, n.account_id, n.date, n.voided, n.amount, n.commodity_id, n.weight,
            n.weight_commodity_id)
        IS DISTINCT FROM
           (o.book_id, o.transaction_id, o.account_id, o.date, o.voided, o.amount, o.commodity_id, o.weight,
            o.weight_commodity_id);
    IF changed IS NULL THEN RETURN NULL; END IF;
    PERFORM hold_gate((SELECT array_agg(DISTINCT book_id) FROM old_rows));
    PERFORM refuse_fixed(array_agg(o.book_id), array_agg(o.account_id), array_agg(o.date), array_agg(o.state::text))
     FROM old_rows o WHERE o.id = ANY (changed);
    SELECT array_agg(DISTINCT s.id) INTO ids FROM
      (SELECT transaction_id AS id FROM old_rows WHERE id = ANY (changed)
        UNION SELECT transaction_id FROM new_rows WHERE id = ANY (changed)) s;
    PERFORM lock_transactions(ids);
    IF EXISTS (SELECT FROM new_rows n JOIN old_rows o USING (id) WHERE n.book_id <> o.book_id) THEN
      RAISE EXCEPTION 'A posting stays in its book.' USING ERRCODE = '23514', CONSTRAINT = 'posting_stays_in_book';
    END IF;
  END IF;

  -- What book, account and commodities allow is asked once for each combination of them: an import has thousands of
  -- postings and a handful of combinations. Only a refusal looks for the posting itself.
  IF EXISTS (
    SELECT FROM
      (SELECT book_id, account_id, commodity_id, weight_commodity_id, min(date) AS first, max(date) AS last,
              max(min_scale(amount)) AS scale, max(min_scale(weight)) AS weight_scale
         FROM new_rows WHERE changed IS NULL OR id = ANY (changed) GROUP BY 1, 2, 3, 4) n
      LEFT JOIN accounts_account a ON a.id = n.account_id
      LEFT JOIN accounts_commodity c ON c.id = n.commodity_id
      LEFT JOIN accounts_commodity w ON w.id = n.weight_commodity_id
      LEFT JOIN accounts_book b ON b.id = n.book_id
     WHERE NOT coalesce(
           a.book_id = n.book_id AND c.book_id = n.book_id AND w.book_id = n.book_id
           AND (b.locked_through IS NULL OR n.first > b.locked_through)
           AND NOT a.placeholder
           AND (a.opened_on IS NULL OR n.first >= a.opened_on) AND (a.closed_on IS NULL OR n.last <= a.closed_on)
           AND (a.commodity_ids = '{}' OR n.commodity_id = ANY (a.commodity_ids))
           AND n.scale <= c.scale AND n.weight_scale <= w.scale, false))
  OR EXISTS (
    SELECT FROM new_rows n LEFT JOIN ledger_transaction t ON t.id = n.transaction_id
     WHERE (changed IS NULL OR n.id = ANY (changed))
       AND NOT coalesce(t.book_id = n.book_id AND t.date = n.date AND t.voided = n.voided, false))
  THEN
    SELECT n.amount, n.weight, n.date, a.full_name, a.opened_on, a.closed_on, c.code, c.scale, w.code AS weight_code,
           w.scale AS weight_scale, b.locked_through,
      CASE
        WHEN t.book_id IS DISTINCT FROM n.book_id OR a.book_id IS DISTINCT FROM n.book_id
          OR c.book_id IS DISTINCT FROM n.book_id OR w.book_id IS DISTINCT FROM n.book_id
          THEN 'posting_references_stay_in_book'
        WHEN t.date <> n.date OR t.voided <> n.voided THEN 'posting_mirrors_transaction'
        WHEN n.date <= b.locked_through THEN 'period_is_open'
        WHEN a.placeholder THEN 'posting_account_is_no_placeholder'
        WHEN n.date < a.opened_on OR n.date > a.closed_on THEN 'posting_account_is_open'
        WHEN a.commodity_ids <> '{}' AND NOT n.commodity_id = ANY (a.commodity_ids)
          THEN 'posting_account_holds_commodity'
        WHEN min_scale(n.amount) > c.scale THEN 'posting_amount_within_scale'
        ELSE 'posting_weight_within_scale'
      END AS rule
      INTO bad
      FROM new_rows n
      LEFT JOIN ledger_transaction t ON t.id = n.transaction_id
      LEFT JOIN accounts_account a ON a.id = n.account_id
      LEFT JOIN accounts_commodity c ON c.id = n.commodity_id
      LEFT JOIN accounts_commodity w ON w.id = n.weight_commodity_id
      LEFT JOIN accounts_book b ON b.id = n.book_id
     WHERE (changed IS NULL OR n.id = ANY (changed))
       AND NOT coalesce(
             t.book_id = n.book_id AND a.book_id = n.book_id AND c.book_id = n.book_id AND w.book_id = n.book_id
             AND t.date = n.date AND t.voided = n.voided
             AND (b.locked_through IS NULL OR n.date > b.locked_through)
             AND NOT a.placeholder
             AND (a.opened_on IS NULL OR n.date >= a.opened_on) AND (a.closed_on IS NULL OR n.date <= a.closed_on)
             AND (a.commodity_ids = '{}' OR n.commodity_id = ANY (a.commodity_ids))
             AND min_scale(n.amount) <= c.scale AND min_scale(n.weight) <= w.scale, false)
     LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION '%', CASE bad.rule
        WHEN 'posting_references_stay_in_book' THEN 'There is no such account, commodity or transaction in this book.'
        WHEN 'posting_mirrors_transaction' THEN 'The legs have the date of their transaction, and are void with it.'
        WHEN 'period_is_open' THEN format('The book is locked through %s.', bad.locked_through)
        WHEN 'posting_account_is_no_placeholder' THEN format('%s only groups other accounts.', bad.full_name)
        WHEN 'posting_account_is_open' THEN format('%s is not open on %s (%s).', bad.full_name, bad.date,
          concat_ws(', ', 'opened ' || bad.opened_on, 'closed ' || bad.closed_on))
        WHEN 'posting_account_holds_commodity' THEN format('%s holds no %s.', bad.full_name, bad.code)
        WHEN 'posting_amount_within_scale' THEN
          format('%s %s has more than %s decimal places.', trim_scale(bad.amount), bad.code, bad.scale)
        ELSE format('%s %s has more than %s decimal places.', trim_scale(bad.weight), bad.weight_code, bad.weight_scale)
        END USING ERRCODE = '23514', CONSTRAINT = bad.rule;
    END IF;
  END IF;
  IF ids IS NOT NULL THEN
    PERFORM check_transactions(ids);
  END IF;
  RETURN NULL;
END $$;

-- What a lock or a reconciled state fixes, asked of the rows as they were.
CREATE FUNCTION refuse_fixed(books bigint[], accounts bigint[], dates date[], states text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE leg record;
BEGIN
  SELECT l.date, b.locked_through INTO leg FROM unnest(books, dates) AS l (book_id, date) JOIN accounts_book b ON b.id = l.book_id
   WHERE l.date <= b.locked_through LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'The book is locked through %.', leg.locked_through
      USING ERRCODE = '23514', CONSTRAINT = 'period_is_open';
  END IF;
  SELECT a.full_name INTO leg FROM unnest(accounts, states) AS l (account_id, state)
    LEFT JOIN accounts_account a ON a.id = l.account_id
   WHERE l.state = 'reconciled' LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'The leg of % is reconciled: its amount, account and date stay.', leg.full_name
      USING ERRCODE = '23514', CONSTRAINT = 'reconciled_posting_is_fixed';
  END IF;
END $$;
REVOKE ALL ON FUNCTION refuse_fixed(bigint[], bigint[], date[], text[]) FROM PUBLIC;

CREATE FUNCTION check_removed_postings() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM hold_gate((SELECT array_agg(DISTINCT book_id) FROM old_rows));
  PERFORM refuse_fixed(array_agg(o.book_id), array_agg(o.account_id), array_agg(o.date), array_agg(o.state::text))
     FROM old_rows o;
  PERFORM check_transactions((SELECT array_agg(DISTINCT transaction_id) FROM old_rows));
  RETURN NULL;
END $$;

CREATE TRIGGER posting_insert AFTER INSERT ON ledger_posting
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION check_postings();
CREATE TRIGGER posting_update AFTER UPDATE ON ledger_posting
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION check_postings();
CREATE TRIGGER posting_delete AFTER DELETE ON ledger_posting
  REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION check_removed_postings();

-- Transactions: legs from the start, names of the same book, and legs that follow date and void.
CREATE FUNCTION check_new_transactions() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  PERFORM hold_gate((SELECT array_agg(DISTINCT book_id) FROM new_rows));
  IF EXISTS (SELECT FROM new_rows n
               LEFT JOIN ledger_payee p ON p.id = n.payee_id LEFT JOIN ledger_transaction r ON r.id = n.reverses_id
              WHERE (n.payee_id IS NOT NULL AND p.book_id IS DISTINCT FROM n.book_id)
                 OR (n.reverses_id IS NOT NULL AND r.book_id IS DISTINCT FROM n.book_id)) THEN
    RAISE EXCEPTION 'There is no such payee or transaction in this book.'
      USING ERRCODE = '23514', CONSTRAINT = 'transaction_references_stay_in_book';
  END IF;
  IF TG_OP = 'INSERT' THEN
    IF EXISTS (SELECT FROM new_rows n
                WHERE NOT EXISTS (SELECT FROM ledger_posting p WHERE p.transaction_id = n.id)) THEN
      RAISE EXCEPTION 'A transaction has at least two legs, or one without weight.'
        USING ERRCODE = '23514', CONSTRAINT = 'transaction_has_postings';
    END IF;
    RETURN NULL;
  END IF;
  IF EXISTS (SELECT FROM new_rows n JOIN old_rows o USING (id)
              WHERE n.book_id <> o.book_id OR n.public_id <> o.public_id) THEN
    RAISE EXCEPTION 'A transaction keeps its book and its public id.'
      USING ERRCODE = '23514', CONSTRAINT = 'transaction_keeps_book_and_id';
  END IF;
  IF EXISTS (SELECT FROM new_rows n JOIN ledger_posting p ON p.transaction_id = n.id
              WHERE p.date <> n.date OR p.voided <> n.voided) THEN
    RAISE EXCEPTION 'The legs have the date of their transaction, and are void with it.'
      USING ERRCODE = '23514', CONSTRAINT = 'posting_mirrors_transaction';
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER transaction_insert AFTER INSERT ON ledger_transaction
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION check_new_transactions();
CREATE TRIGGER transaction_update AFTER UPDATE ON ledger_transaction
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION check_new_transactions();
