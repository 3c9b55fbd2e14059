"""The rules that the database keeps, as the migrations make them and as they are now.

`sql/shipped.json` holds the first; a test compares it with a database that was just migrated. It reads the same on
PostgreSQL 15 to 18, and after a dump was restored.
"""

import json
from functools import cache
from pathlib import Path

from django.db.backends.base.base import BaseDatabaseWrapper

APP_ROLE = "ft_app"
SHIPPED = Path(__file__).parent / "sql" / "shipped.json"


@cache
def shipped_rules() -> dict[str, str]:
    """Return the rules as the migrations make them, name to definition."""
    rules: dict[str, str] = json.loads(SHIPPED.read_text(encoding="utf-8"))
    return rules


def rules_in_place(connection: BaseDatabaseWrapper) -> dict[str, str]:
    """Return the rules that this database keeps now, in the form of `shipped_rules`."""
    with connection.cursor() as cursor:
        cursor.execute(_RULES, [APP_ROLE])
        return dict(cursor.fetchall())


_RULES = r"""
WITH relation AS (
  SELECT c.* FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
     AND (c.relname ~ '^(accounts|ledger)_' OR c.relname = 'django_migrations' OR EXISTS
          (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'book_id' AND NOT a.attisdropped))
), who AS (SELECT oid, rolname FROM pg_roles UNION ALL SELECT 0, 'everybody'
), rule AS (
  SELECT relname::text AS relation, 'row security' AS name,
         concat(CASE WHEN relrowsecurity THEN 'on' ELSE 'off' END,
                CASE WHEN relforcerowsecurity THEN ', forced' END) AS definition
    FROM relation WHERE relname <> 'django_migrations'
  UNION ALL
  SELECT relname, 'owner', 'not that of accounts_book' FROM relation
   WHERE relowner <> (SELECT relowner FROM pg_class WHERE oid = 'accounts_book'::regclass)
  UNION ALL
  SELECT relname,
         'trigger ' || CASE WHEN t.tgisinternal THEN 'of ' || coalesce(k.conname, t.tgname) ELSE t.tgname END,
         concat(CASE t.tgenabled WHEN 'O' THEN 'on' WHEN 'D' THEN 'off' ELSE 'on in other sessions only' END, ': ',
                CASE WHEN t.tgisinternal THEN 'foreign key' ELSE pg_get_triggerdef(t.oid) END)
    FROM relation c JOIN pg_trigger t ON t.tgrelid = c.oid LEFT JOIN pg_constraint k ON k.oid = t.tgconstraint
   WHERE NOT t.tgisinternal OR t.tgenabled <> 'O'
  UNION ALL
  SELECT relname, 'policy ' || polname,
         concat_ws(' ', CASE WHEN polpermissive THEN 'permissive' ELSE 'restrictive' END, polcmd::text,
           (SELECT string_agg(rolname, ', ' ORDER BY rolname) FROM who WHERE who.oid = ANY (polroles)),
           'USING ' || pg_get_expr(polqual, polrelid), 'CHECK ' || pg_get_expr(polwithcheck, polrelid))
    FROM relation c JOIN pg_policy p ON p.polrelid = c.oid
  UNION ALL
  -- A restored dump casts each word of a list where the original casts the list.
  SELECT relname, 'constraint ' || conname,
         regexp_replace(regexp_replace(regexp_replace(pg_get_constraintdef(k.oid),
           '::(character varying|text)(\[\])?', '', 'g'), '\((''[^'']*'')\)', '\1', 'g'),
           '\(\((ARRAY\[[^]]*\])\)\)', '(\1)', 'g')
    FROM relation c JOIN pg_constraint k ON k.conrelid = c.oid WHERE k.contype IN ('c', 'f', 'p', 'u', 'x')
  UNION ALL
  SELECT c.relname, 'index ' || x.relname,
         concat(CASE WHEN NOT (i.indisvalid AND i.indisready) THEN 'not valid: ' END,
                pg_get_indexdef(i.indexrelid))
    FROM relation c JOIN pg_index i ON i.indrelid = c.oid JOIN pg_class x ON x.oid = i.indexrelid
   WHERE i.indisunique OR NOT (i.indisvalid AND i.indisready)
  UNION ALL
  SELECT relname, 'rule ' || rulename, pg_get_ruledef(r.oid)
    FROM relation c JOIN pg_rewrite r ON r.ev_class = c.oid
  UNION ALL
  SELECT relname, 'rights of ' || rolname,
         string_agg(DISTINCT privilege_type, ', ' ORDER BY privilege_type)
    FROM relation c CROSS JOIN LATERAL (
      SELECT * FROM aclexplode(c.relacl)
      UNION ALL
      SELECT x.* FROM pg_attribute a CROSS JOIN LATERAL aclexplode(a.attacl) x
       WHERE a.attrelid = c.oid AND NOT a.attisdropped) r
    JOIN who ON who.oid = r.grantee WHERE r.grantee <> c.relowner GROUP BY relname, rolname
  UNION ALL
  SELECT 'functions', concat(p.proname, '(', pg_get_function_identity_arguments(p.oid), ')'),
         concat_ws(', ', 'sha256 ' || encode(sha256(convert_to(p.prosrc, 'UTF8')), 'hex'),
           CASE WHEN p.prosecdef THEN 'definer' ELSE 'invoker' END, 'volatility ' || p.provolatile::text,
           array_to_string(p.proconfig, ', '),
           CASE WHEN has_function_privilege(%s, p.oid, 'EXECUTE') THEN 'the app role may run it' END,
           CASE WHEN p.proowner <> (SELECT relowner FROM pg_class WHERE oid = 'accounts_book'::regclass)
                THEN 'not of the owner' END)
    FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.prokind IN ('f', 'p')
     AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
)
SELECT relation || ': ' || name, min(regexp_replace(replace(definition, 'public.', ''), '\s+', ' ', 'g'))
  FROM rule GROUP BY 1
"""
