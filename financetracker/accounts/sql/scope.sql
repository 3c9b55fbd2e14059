-- Who is asking, and in which book. Three transaction-local settings say it; enter_book() alone sets them.
-- After the first transaction of a connection an unset custom setting reads '' and not NULL, hence the nullif().

CREATE FUNCTION current_person() RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF coalesce(current_setting('app.user', true), '') = '' THEN
    RAISE EXCEPTION 'no person is chosen' USING ERRCODE = '42501';
  END IF;
  RETURN current_setting('app.user')::bigint;
END $$;

CREATE FUNCTION current_book() RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF coalesce(current_setting('app.book', true), '') = '' THEN
    RAISE EXCEPTION 'no book is chosen' USING ERRCODE = '42501';
  END IF;
  RETURN current_setting('app.book')::bigint;
END $$;

-- What the person may do in the chosen book: 'owner', 'editor', 'viewer', or '' where no book is chosen.
CREATE FUNCTION current_role_in_book() RETURNS text LANGUAGE sql STABLE AS
$$ SELECT coalesce(current_setting('app.role', true), '') $$;

CREATE FUNCTION may_write() RETURNS boolean LANGUAGE sql STABLE AS
$$ SELECT current_setting('app.role', true) IN ('owner', 'editor') $$;

-- Choose a person and a book for the rest of the transaction. Refuses who is not a member; returns the role.
CREATE FUNCTION enter_book(person bigint, book bigint, source text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE granted text;
BEGIN
  IF book IS NOT NULL THEN
    SELECT m.role INTO granted FROM accounts_membership m JOIN users_user u ON u.id = m.user_id AND u.is_active
     WHERE m.user_id = person AND m.book_id = book;
    IF granted IS NULL THEN
      RAISE EXCEPTION 'not a member of this book' USING ERRCODE = '42501';
    END IF;
  ELSIF person IS NOT NULL THEN
    PERFORM 1 FROM users_user WHERE id = person AND is_active;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'this person cannot log in' USING ERRCODE = '42501';
    END IF;
  END IF;
  PERFORM set_config('app.user', coalesce(person::text, ''), true),
          set_config('app.book', coalesce(book::text, ''), true),
          set_config('app.role', coalesce(granted, ''), true),
          set_config('app.source', coalesce(source, ''), true),
          set_config('app.reason', '', true);
  RETURN granted;
END $$;

-- The person whom history names. Only the owner role may write without one: migrations and repairs.
CREATE FUNCTION current_actor() RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE person text := current_setting('app.user', true);
BEGIN
  IF coalesce(person, '') <> '' THEN RETURN person::bigint; END IF;
  IF session_user <> current_user AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = session_user) THEN
    RAISE EXCEPTION 'no person is chosen' USING ERRCODE = '42501';
  END IF;
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION current_actor() FROM PUBLIC;

-- Make a book with its base commodity, and the person who asks its owner.
-- A plain INSERT cannot: before there is a membership the new row is not visible to its own RETURNING.
CREATE FUNCTION create_book(book_name text, zone text, base_code text, base_name text, base_places int)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  person bigint := current_person();
  new_book bigint := nextval(pg_get_serial_sequence('accounts_book', 'id'));
  base bigint := nextval(pg_get_serial_sequence('accounts_commodity', 'id'));
BEGIN
  PERFORM 1 FROM users_user WHERE id = person AND is_active;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'this person cannot log in' USING ERRCODE = '42501';
  END IF;
  INSERT INTO accounts_book (id, public_id, name, base_commodity_id, time_zone)
  VALUES (new_book, gen_random_uuid(), book_name, base, zone);
  INSERT INTO accounts_commodity (id, book_id, code, name, kind, places, scale, metadata)
  VALUES (base, new_book, base_code, base_name, 'currency', base_places, base_places, '{}');
  INSERT INTO accounts_membership (book_id, user_id, role) VALUES (new_book, person, 'owner');
  RETURN new_book;
END $$;
