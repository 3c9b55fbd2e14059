-- History: every change of every row of a book, whoever makes it, written by these triggers alone. Typed columns
-- for transactions and postings, JSON for the rest (decision 0003). The moment is the statement's: a test or a
-- request that sends several statements in one database transaction can tell them apart, and all rows of one
-- statement share it. A statement that waited for another is not allowed to date itself before it: whoever sums
-- changes up to a moment would find one that was never true.

-- One moment for a transaction and its legs: a leg that was cleared meanwhile must not carry another than the
-- amendment that waited for it.
CREATE FUNCTION moment_after_transactions(transactions bigint[]) RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN greatest(statement_timestamp(),
    (SELECT max(recorded_at) FROM ledger_transactionrevision WHERE transaction_id = ANY (transactions)),
    (SELECT max(recorded_at) FROM ledger_postingrevision
      WHERE coalesce(new_transaction_id, old_transaction_id) = ANY (transactions)));
END $$;
CREATE FUNCTION moment_after_rows(relation text, ids bigint[]) RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN greatest(statement_timestamp(), (SELECT max(recorded_at) FROM ledger_revision
    WHERE "table" = relation AND row_id = ANY (ids)));
END $$;
REVOKE ALL ON FUNCTION moment_after_transactions(bigint[]), moment_after_rows(text, bigint[]) FROM PUBLIC;

CREATE FUNCTION record_transaction() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  who bigint := current_actor();
  door text := coalesce(current_setting('app.source', true), '');
  why text := coalesce(current_setting('app.reason', true), '');
  moment timestamptz := statement_timestamp();
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO ledger_transactionrevision (book_id, operation, actor_id, source, reason, recorded_at,
      transaction_id, public_id,
      new_date, new_payee_id, new_narration, new_notes, new_code, new_flag, new_metadata, new_version,
      new_voided, new_reverses_id)
    SELECT n.book_id, 'insert', who, door, why, moment, n.id, n.public_id,
      n.date, n.payee_id, n.narration, n.notes, n.code, n.flag, n.metadata, n.version, n.voided, n.reverses_id
      FROM new_rows n;
  ELSIF TG_OP = 'UPDATE' THEN
    moment := moment_after_transactions((SELECT array_agg(id) FROM new_rows));
    INSERT INTO ledger_transactionrevision (book_id, operation, actor_id, source, reason, recorded_at,
      transaction_id, public_id,
      old_date, old_payee_id, old_narration, old_notes, old_code, old_flag, old_metadata, old_version,
      old_voided, old_reverses_id, new_date, new_payee_id, new_narration, new_notes, new_code, new_flag,
      new_metadata, new_version, new_voided, new_reverses_id)
    SELECT n.book_id, 'update', who, door, why, moment, n.id, n.public_id,
      o.date, o.payee_id, o.narration, o.notes, o.code, o.flag, o.metadata, o.version, o.voided, o.reverses_id,
      n.date, n.payee_id, n.narration, n.notes, n.code, n.flag, n.metadata, n.version, n.voided, n.reverses_id
      FROM new_rows n JOIN old_rows o USING (id)
     WHERE (n.*) IS DISTINCT FROM (o.*);
  ELSE
    moment := moment_after_transactions((SELECT array_agg(id) FROM old_rows));
    INSERT INTO ledger_transactionrevision (book_id, operation, actor_id, source, reason, recorded_at,
      transaction_id, public_id,
      old_date, old_payee_id, old_narration, old_notes, old_code, old_flag, old_metadata, old_version,
      old_voided, old_reverses_id)
    SELECT o.book_id, 'delete', who, door, why, moment, o.id, o.public_id,
      o.date, o.payee_id, o.narration, o.notes, o.code, o.flag, o.metadata, o.version, o.voided, o.reverses_id
      FROM old_rows o;
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION record_posting() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  who bigint := current_actor();
  door text := coalesce(current_setting('app.source', true), '');
  why text := coalesce(current_setting('app.reason', true), '');
  moment timestamptz := statement_timestamp();
BEGIN
  IF TG_OP = 'INSERT' THEN
    moment := moment_after_transactions((SELECT array_agg(DISTINCT transaction_id) FROM new_rows));
    INSERT INTO ledger_postingrevision (book_id, operation, actor_id, source, reason, recorded_at, posting_id,
      new_transaction_id, new_position, new_account_id, new_date, new_voided, new_amount, new_commodity_id,
      new_weight, new_weight_commodity_id, new_state, new_memo, new_metadata)
    SELECT n.book_id, 'insert', who, door, why, moment, n.id,
      n.transaction_id, n.position, n.account_id, n.date, n.voided, n.amount, n.commodity_id, n.weight,
      n.weight_commodity_id, n.state, n.memo, n.metadata
      FROM new_rows n;
  ELSIF TG_OP = 'UPDATE' THEN
    moment := moment_after_transactions((SELECT array_agg(DISTINCT id) FROM (
      SELECT transaction_id AS id FROM new_rows UNION ALL SELECT transaction_id FROM old_rows) touched));
    INSERT INTO ledger_postingrevision (book_id, operation, actor_id, source, reason, recorded_at, posting_id,
      old_transaction_id, old_position, old_account_id, old_date, old_voided, old_amount, old_commodity_id,
      old_weight, old_weight_commodity_id, old_state, old_memo, old_metadata, new_transaction_id, new_position,
      new_account_id, new_date, new_voided, new_amount, new_commodity_id, new_weight, new_weight_commodity_id,
      new_state, new_memo, new_metadata)
    SELECT n.book_id, 'update', who, door, why, moment, n.id,
      o.transaction_id, o.position, o.account_id, o.date, o.voided, o.amount, o.commodity_id, o.weight,
      o.weight_commodity_id, o.state, o.memo, o.metadata, n.transaction_id, n.position, n.account_id, n.date,
      n.voided, n.amount, n.commodity_id, n.weight, n.weight_commodity_id, n.state, n.memo, n.metadata
      FROM new_rows n JOIN old_rows o USING (id)
     WHERE (n.*) IS DISTINCT FROM (o.*);
  ELSE
    moment := moment_after_transactions((SELECT array_agg(DISTINCT transaction_id) FROM old_rows));
    INSERT INTO ledger_postingrevision (book_id, operation, actor_id, source, reason, recorded_at, posting_id,
      old_transaction_id, old_position, old_account_id, old_date, old_voided, old_amount, old_commodity_id,
      old_weight, old_weight_commodity_id, old_state, old_memo, old_metadata)
    SELECT o.book_id, 'delete', who, door, why, moment, o.id,
      o.transaction_id, o.position, o.account_id, o.date, o.voided, o.amount, o.commodity_id, o.weight,
      o.weight_commodity_id, o.state, o.memo, o.metadata
      FROM old_rows o;
  END IF;
  RETURN NULL;
END $$;

-- Any other table. Argument: the column that holds the book. Derived columns (full_name) are no news.
CREATE FUNCTION record_row() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  who bigint := current_actor();
  door text := coalesce(current_setting('app.source', true), '');
  why text := coalesce(current_setting('app.reason', true), '');
  moment timestamptz := statement_timestamp();
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO ledger_revision (book_id, operation, actor_id, source, reason, recorded_at, "table", row_id, new)
    SELECT (r.j ->> TG_ARGV[0])::bigint, 'insert', who, door, why, moment, TG_TABLE_NAME, r.id, r.j
      FROM (SELECT n.id, to_jsonb(n) - 'full_name' AS j FROM new_rows n) r;
  ELSIF TG_OP = 'UPDATE' THEN
    moment := moment_after_rows(TG_TABLE_NAME, (SELECT array_agg(id) FROM new_rows));
    INSERT INTO ledger_revision (book_id, operation, actor_id, source, reason, recorded_at, "table", row_id, old, new)
    SELECT (r.j ->> TG_ARGV[0])::bigint, 'update', who, door, why, moment, TG_TABLE_NAME, r.id, r.was, r.j
      FROM (SELECT n.id, to_jsonb(n) - 'full_name' AS j, to_jsonb(o) - 'full_name' AS was
              FROM new_rows n JOIN old_rows o USING (id)) r
     WHERE r.j IS DISTINCT FROM r.was;
  ELSE
    moment := moment_after_rows(TG_TABLE_NAME, (SELECT array_agg(id) FROM old_rows));
    INSERT INTO ledger_revision (book_id, operation, actor_id, source, reason, recorded_at, "table", row_id, old)
    SELECT (r.j ->> TG_ARGV[0])::bigint, 'delete', who, door, why, moment, TG_TABLE_NAME, r.id, r.j
      FROM (SELECT o.id, to_jsonb(o) - 'full_name' AS j FROM old_rows o) r;
  END IF;
  RETURN NULL;
END $$;

-- A row that changed its id would be another row to every rule that compares old with new; one that changed its
-- public id would be another to every export.
CREATE FUNCTION refuse_new_id() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'A row keeps its id.' USING ERRCODE = '23514', CONSTRAINT = 'id_is_fixed';
END $$;

DO $$
DECLARE r record;
BEGIN
  FOR r IN SELECT * FROM (VALUES
    ('ledger_transaction', 'record_transaction()'), ('ledger_posting', 'record_posting()'),
    ('accounts_book', 'record_row(''id'')'), ('accounts_membership', 'record_row(''book_id'')'),
    ('accounts_commodity', 'record_row(''book_id'')'), ('accounts_account', 'record_row(''book_id'')'),
    ('ledger_payee', 'record_row(''book_id'')'), ('ledger_tag', 'record_row(''book_id'')'),
    ('ledger_transactiontag', 'record_row(''book_id'')'), ('ledger_price', 'record_row(''book_id'')'),
    ('ledger_balanceassertion', 'record_row(''book_id'')')
  ) AS v (relation, call) LOOP
    EXECUTE format('CREATE TRIGGER history_insert AFTER INSERT ON %I REFERENCING NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION %s', r.relation, r.call);
    EXECUTE format('CREATE TRIGGER history_update AFTER UPDATE ON %I
                    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION %s', r.relation, r.call);
    EXECUTE format('CREATE TRIGGER history_delete AFTER DELETE ON %I REFERENCING OLD TABLE AS old_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION %s', r.relation, r.call);
    EXECUTE format('CREATE TRIGGER id_is_fixed BEFORE UPDATE OF id ON %I FOR EACH ROW
                    WHEN (NEW.id IS DISTINCT FROM OLD.id) EXECUTE FUNCTION refuse_new_id()', r.relation);
  END LOOP;
  FOR r IN SELECT unnest(ARRAY['accounts_book', 'accounts_account']) AS relation LOOP
    EXECUTE format('CREATE TRIGGER public_id_is_fixed BEFORE UPDATE OF public_id ON %I FOR EACH ROW
                    WHEN (NEW.public_id IS DISTINCT FROM OLD.public_id) EXECUTE FUNCTION refuse_new_id()', r.relation);
  END LOOP;
END $$;

-- Whoever may execute a trigger function may hang it on a temporary table of his own, named and filled as he likes:
-- record_row() would write history for him. Firing a trigger needs no such right.
DO $$
DECLARE f regprocedure;
BEGIN
  FOR f IN SELECT oid::regprocedure FROM pg_proc
            WHERE pronamespace = 'public'::regnamespace AND prorettype = 'trigger'::regtype AND prosecdef LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
  END LOOP;
END $$;
