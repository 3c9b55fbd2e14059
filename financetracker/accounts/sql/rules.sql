-- Rules of the chart of accounts that span rows. Each refuses with SQLSTATE 23514 and the name of the truth it
-- keeps; accounts/errors.py gives the same names to people. Every function runs as the owner of the tables, with
-- a fixed search path, and takes the book from the row: with the caller's rights row security would hide rows
-- from the check itself.

-- Refuse the statement if a row points at a row of another book, or at none.
-- Arguments: constraint name, then pairs of column and table. One query a pair and statement, never one a row.
CREATE FUNCTION references_stay_in_book() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE stray bigint; i int := 1;
BEGIN
  WHILE i < TG_NARGS LOOP
    EXECUTE format('SELECT n.%1$I FROM new_rows n LEFT JOIN %2$I p ON p.id = n.%1$I
                     WHERE n.%1$I IS NOT NULL AND p.book_id IS DISTINCT FROM n.book_id LIMIT 1',
                   TG_ARGV[i], TG_ARGV[i + 1]) INTO stray;
    IF stray IS NOT NULL THEN
      RAISE EXCEPTION 'There is no such % in this book.',
        replace(regexp_replace(TG_ARGV[i], '_id$', ''), '_', ' ')
        USING ERRCODE = '23514', CONSTRAINT = TG_ARGV[0];
    END IF;
    i := i + 2;
  END LOOP;
  RETURN NULL;
END $$;

-- "The book row is the gate" (decision 0002). Whoever writes postings, or a row that others judge by, holds it
-- together with others; whoever narrows what may be written closes it: he waits for the writers who already read
-- the wider rule, and makes later ones wait. What is read after the gate is true only where each statement sees
-- what was committed before it, so writers in another isolation level are refused: their view would be older.
CREATE FUNCTION refuse_old_view() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
    RAISE EXCEPTION 'The books are written in READ COMMITTED alone.'
      USING ERRCODE = '23514', CONSTRAINT = 'writer_reads_what_is_committed';
  END IF;
END $$;
REVOKE ALL ON FUNCTION refuse_old_view() FROM PUBLIC;

CREATE FUNCTION hold_gate(books bigint[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  PERFORM refuse_old_view();
  PERFORM 1 FROM accounts_book WHERE id = ANY (books) ORDER BY id FOR SHARE;
END $$;
REVOKE ALL ON FUNCTION hold_gate(bigint[]) FROM PUBLIC;

CREATE FUNCTION close_gate(books bigint[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  PERFORM refuse_old_view();
  PERFORM 1 FROM accounts_book WHERE id = ANY (books) ORDER BY id FOR NO KEY UPDATE;
END $$;
REVOKE ALL ON FUNCTION close_gate(bigint[]) FROM PUBLIC;

-- What changes a name or a place, or removes a row, keeps the foreign keys of others waiting; those others may hold
-- the gate already. So the gate comes before the rows here, as far as the chosen book tells it. This is only about
-- the order of locks: the rules themselves take the book from the rows.
CREATE FUNCTION gate_before_rows() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE chosen text := current_setting('app.book', true);
BEGIN
  IF chosen <> '' THEN
    PERFORM close_gate(ARRAY[chosen::bigint]);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER account_gate BEFORE UPDATE OF parent_id, name OR DELETE ON accounts_account
  FOR EACH STATEMENT EXECUTE FUNCTION gate_before_rows();
CREATE TRIGGER commodity_gate BEFORE DELETE ON accounts_commodity
  FOR EACH STATEMENT EXECUTE FUNCTION gate_before_rows();

-- Account: the path of names, and no cycle on the way up.
CREATE FUNCTION account_path() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE up bigint := NEW.parent_id; above record; path text := NEW.name; steps int := 0;
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM hold_gate(ARRAY[NEW.book_id]);  -- nobody renames, retypes or moves an account above meanwhile
  END IF;
  WHILE up IS NOT NULL LOOP
    steps := steps + 1;
    IF up = NEW.id OR steps > 100 THEN
      RAISE EXCEPTION 'An account cannot stand below itself.'
        USING ERRCODE = '23514', CONSTRAINT = 'account_tree_has_no_cycle';
    END IF;
    SELECT name, parent_id INTO above FROM accounts_account WHERE id = up AND book_id = NEW.book_id;
    EXIT WHEN NOT FOUND;  -- account_references refuses the statement
    path := above.name || ':' || path;
    up := above.parent_id;
  END LOOP;
  NEW.full_name := path;
  RETURN NEW;
END $$;
CREATE TRIGGER account_path BEFORE INSERT OR UPDATE ON accounts_account
  FOR EACH ROW EXECUTE FUNCTION account_path();

-- Account: type equal to the parent's and the children's, commodities of the same book, and the paths below.
CREATE FUNCTION account_tree() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE odd record; renamed bigint[];
BEGIN
  IF TG_OP = 'UPDATE' THEN
    -- Two people moving two branches below each other at once would each see a tree without the other's move.
    PERFORM close_gate((SELECT array_agg(DISTINCT n.book_id) FROM new_rows n JOIN old_rows o USING (id)
                         WHERE n.parent_id IS DISTINCT FROM o.parent_id OR n.name <> o.name OR n.type <> o.type));
    IF EXISTS (SELECT FROM new_rows n JOIN old_rows o USING (id) WHERE n.book_id <> o.book_id) THEN
      RAISE EXCEPTION 'An account stays in its book.' USING ERRCODE = '23514', CONSTRAINT = 'account_stays_in_book';
    END IF;
  END IF;
  SELECT n.full_name, n.type, p.full_name AS other_name, p.type AS other_type INTO odd
    FROM new_rows n JOIN accounts_account a ON a.id = n.id
    JOIN accounts_account p ON p.id = a.parent_id OR p.parent_id = a.id
   WHERE p.type <> a.type LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION '% is of type %, but % is of type %.',
      odd.full_name, odd.type, odd.other_name, odd.other_type
      USING ERRCODE = '23514', CONSTRAINT = 'account_type_equals_parent';
  END IF;
  SELECT n.full_name INTO odd FROM new_rows n CROSS JOIN unnest(n.commodity_ids) AS c (id)
    LEFT JOIN accounts_commodity k ON k.id = c.id WHERE k.book_id IS DISTINCT FROM n.book_id LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'There is no such commodity in this book.'
      USING ERRCODE = '23514', CONSTRAINT = 'account_references_stay_in_book';
  END IF;
  IF TG_OP = 'INSERT' THEN
    -- A child that the same statement inserted before its parent knows half of its path.
    SELECT array_agg(n.id) INTO renamed FROM new_rows n JOIN accounts_account p ON p.id = n.parent_id
     WHERE n.full_name <> p.full_name || ':' || n.name;
  ELSE
    IF EXISTS (SELECT FROM new_rows n JOIN accounts_book b ON b.rounding_account_id = n.id
                WHERE n.type <> 'equity') THEN
      RAISE EXCEPTION 'The rounding account is an equity account of this book.'
        USING ERRCODE = '23514', CONSTRAINT = 'book_references_stay_in_book';
    END IF;
    SELECT array_agg(n.id) INTO renamed FROM new_rows n JOIN old_rows o USING (id)
     WHERE n.parent_id IS DISTINCT FROM o.parent_id OR n.name <> o.name;
  END IF;
  IF renamed IS NOT NULL THEN
    -- A second look at the tree, now that the gate is closed, and the new paths of everything below.
    WITH RECURSIVE below AS (
      SELECT a.id, ARRAY[a.id] AS way FROM accounts_account a WHERE a.id = ANY (renamed)
      UNION ALL
      SELECT a.id, way || a.id FROM below b JOIN accounts_account a ON a.parent_id = b.id
       WHERE NOT a.id = ANY (way)
    )
    UPDATE accounts_account SET full_name = '' WHERE id IN (SELECT id FROM below);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER account_tree_insert AFTER INSERT ON accounts_account
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION account_tree();
CREATE TRIGGER account_tree_update AFTER UPDATE ON accounts_account
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION account_tree();

CREATE TRIGGER account_references_insert AFTER INSERT ON accounts_account
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
  EXECUTE FUNCTION references_stay_in_book('account_references_stay_in_book', 'parent_id', 'accounts_account');
CREATE TRIGGER account_references_update AFTER UPDATE ON accounts_account
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
  EXECUTE FUNCTION references_stay_in_book('account_references_stay_in_book', 'parent_id', 'accounts_account');

-- Commodity: stays in its book, and no account lists one that is gone.
CREATE FUNCTION commodity_stays() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE holder text;
BEGIN
  IF TG_OP = 'DELETE' THEN
    PERFORM close_gate((SELECT array_agg(DISTINCT book_id) FROM old_rows));
    SELECT a.full_name INTO holder FROM old_rows o JOIN accounts_account a
        ON a.book_id = o.book_id AND o.id = ANY (a.commodity_ids) LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION '% is kept in this commodity.', holder
        USING ERRCODE = '23514', CONSTRAINT = 'account_references_stay_in_book';
    END IF;
  ELSIF EXISTS (SELECT FROM new_rows n JOIN old_rows o USING (id) WHERE n.book_id <> o.book_id) THEN
    RAISE EXCEPTION 'A commodity stays in its book.'
      USING ERRCODE = '23514', CONSTRAINT = 'commodity_stays_in_book';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER commodity_stays_update AFTER UPDATE ON accounts_commodity
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION commodity_stays();
CREATE TRIGGER commodity_stays_delete AFTER DELETE ON accounts_commodity
  REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION commodity_stays();

-- Book: its base commodity and rounding account are its own. Row triggers: books are written one at a time.
CREATE FUNCTION book_references() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM 1 FROM accounts_commodity WHERE id = NEW.base_commodity_id AND book_id = NEW.id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'There is no such base commodity in this book.'
      USING ERRCODE = '23514', CONSTRAINT = 'book_references_stay_in_book';
  END IF;
  IF NEW.rounding_account_id IS NOT NULL THEN
    PERFORM 1 FROM accounts_account WHERE id = NEW.rounding_account_id AND book_id = NEW.id AND type = 'equity';
    IF NOT FOUND THEN
      RAISE EXCEPTION 'The rounding account is an equity account of this book.'
        USING ERRCODE = '23514', CONSTRAINT = 'book_references_stay_in_book';
    END IF;
  END IF;
  RETURN NULL;
END $$;
-- Deferred on insert alone: a book and its base commodity need each other.
CREATE CONSTRAINT TRIGGER book_references_insert AFTER INSERT ON accounts_book DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION book_references();
CREATE TRIGGER book_references_update AFTER UPDATE ON accounts_book
  FOR EACH ROW EXECUTE FUNCTION book_references();

-- Membership: the last owner cannot leave. The book row is locked first, so that two owners cannot leave at once.
CREATE FUNCTION book_keeps_an_owner() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF EXISTS (SELECT FROM new_rows n JOIN old_rows o USING (id)
                WHERE n.book_id <> o.book_id OR n.user_id <> o.user_id) THEN
      RAISE EXCEPTION 'A membership keeps its person and its book.'
        USING ERRCODE = '23514', CONSTRAINT = 'membership_keeps_person_and_book';
    END IF;
  END IF;
  PERFORM close_gate((SELECT array_agg(DISTINCT book_id) FROM old_rows));
  IF EXISTS (SELECT FROM accounts_book b WHERE b.id IN (SELECT book_id FROM old_rows)
                AND NOT EXISTS (SELECT FROM accounts_membership m WHERE m.book_id = b.id AND m.role = 'owner')) THEN
    RAISE EXCEPTION 'A book keeps at least one owner.'
      USING ERRCODE = '23514', CONSTRAINT = 'book_keeps_an_owner';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER book_keeps_an_owner_update AFTER UPDATE ON accounts_membership
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION book_keeps_an_owner();
CREATE TRIGGER book_keeps_an_owner_delete AFTER DELETE ON accounts_membership
  REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION book_keeps_an_owner();
