"""What a database is made of, read from PostgreSQL's own catalogue, whoever made it and by whatever route."""

from typing import Any

Key = tuple[str, str, str]  # kind, what it belongs to, its own name
Catalogue = dict[Key, dict[str, Any]]

_NAMED = (
    "JOIN pg_namespace n ON n.oid = {0}namespace AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
)
_OWN = "NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = {0}.oid AND d.deptype = 'e')"  # not an extension's


def _from(table: str, alias: str, prefix: str) -> str:
    """Rows of a catalogue that are ours: neither PostgreSQL's own nor an extension's."""
    return f"{table} {alias} {_NAMED.format(f'{alias}.{prefix}')} AND {_OWN.format(alias)}"


_RELATION = _from("pg_class", "c", "rel")
_FUNCTION = _from("pg_proc", "p", "pro")
_TYPE = _from("pg_type", "t", "typ")
_TABLE = f"{_RELATION} AND c.relkind IN ('r', 'p', 'f')"
_WHO = "JOIN (SELECT oid, rolname FROM pg_roles UNION ALL SELECT 0, 'everybody') who ON who.oid = x.grantee"
_GRANTED = "x.privilege_type || ' to ' || who.rolname AS name"

# Each gives rows with `relation` (what a thing belongs to), `name`, and whatever else describes it.
QUERIES = {
    "schema": f"SELECT '' AS relation, nspname AS name FROM pg_namespace n"
    f" WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' AND {_OWN.format('n')}",
    "extension": "SELECT '' AS relation, extname AS name FROM pg_extension",
    "table": "SELECT c.oid::regclass::text AS relation, '' AS name, c.relkind::text AS kind,"
    " c.relpersistence::text AS persistence, c.relrowsecurity AS secured, c.relforcerowsecurity AS forced,"
    f" pg_get_userbyid(c.relowner) AS owner FROM {_TABLE}",
    "view": "SELECT c.oid::regclass::text AS relation, '' AS name, c.relkind::text AS kind,"
    f" pg_get_viewdef(c.oid) AS definition, c.reloptions::text AS options FROM {_RELATION}"
    " AND c.relkind IN ('v', 'm')",
    "column": "SELECT c.oid::regclass::text AS relation, a.attname AS name,"
    " format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS required,"
    ' pg_get_expr(e.adbin, e.adrelid) AS "default", a.attidentity::text AS identity,'
    " a.attgenerated::text AS generated, CASE WHEN a.attcollation <> t.typcollation"
    " THEN a.attcollation::regcollation::text END AS collation"
    f" FROM {_TABLE} JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
    " JOIN pg_type t ON t.oid = a.atttypid"
    " LEFT JOIN pg_attrdef e ON e.adrelid = c.oid AND e.adnum = a.attnum",
    "constraint": "SELECT c.oid::regclass::text AS relation, k.conname AS name, k.contype::text AS kind,"
    " pg_get_constraintdef(k.oid) AS definition, k.convalidated AS validated,"
    " ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attnum = ANY (k.conkey)) AS columns"
    f" FROM {_TABLE} JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype IN ('c', 'f', 'p', 'u', 'x')",
    "index": "SELECT c.oid::regclass::text AS relation, i.relname AS name, x.indisunique AS unique,"
    " pg_get_indexdef(i.oid) AS definition, x.indisvalid AS valid,"
    " ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attnum = ANY (x.indkey)) AS columns,"
    " 0 = ANY (x.indkey) AS expression"
    f" FROM {_TABLE} JOIN pg_index x ON x.indrelid = c.oid JOIN pg_class i ON i.oid = x.indexrelid"
    " AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.oid)",
    "trigger": "SELECT c.oid::regclass::text AS relation, t.tgname AS name,"
    " pg_get_triggerdef(t.oid) AS definition, t.tgenabled::text AS enabled"
    f" FROM {_RELATION} JOIN pg_trigger t ON t.tgrelid = c.oid AND NOT t.tgisinternal",
    "rule": "SELECT c.oid::regclass::text AS relation, r.rulename AS name, pg_get_ruledef(r.oid) AS definition"
    f" FROM {_RELATION} JOIN pg_rewrite r ON r.ev_class = c.oid AND r.rulename <> '_RETURN'",
    "policy": "SELECT c.oid::regclass::text AS relation, p.polname AS name, p.polcmd::text AS command,"
    " p.polpermissive AS permissive, pg_get_expr(p.polqual, c.oid) AS using,"
    ' pg_get_expr(p.polwithcheck, c.oid) AS "check",'
    " ARRAY(SELECT rolname::text FROM pg_roles WHERE oid = ANY (p.polroles) ORDER BY 1) AS roles"
    f" FROM {_TABLE} JOIN pg_policy p ON p.polrelid = c.oid",
    "sequence": "SELECT c.oid::regclass::text AS relation, '' AS name, s.seqtypid::regtype::text AS type,"
    " s.seqstart AS start, s.seqincrement AS increment, s.seqmin AS least, s.seqmax AS most, s.seqcycle AS cycle,"
    " (SELECT d.refobjid::regclass::text FROM pg_depend d WHERE d.objid = c.oid AND d.deptype IN ('a', 'i')"
    f" AND d.refclassid = 'pg_class'::regclass LIMIT 1) AS owner FROM {_RELATION}"
    " JOIN pg_sequence s ON s.seqrelid = c.oid",
    "function": "SELECT p.oid::regprocedure::text AS relation, '' AS name, p.proname AS short,"
    " p.prokind::text AS kind, pg_get_function_result(p.oid) AS result, p.prosrc AS body,"
    " CASE WHEN p.prokind IN ('f', 'p', 'w') THEN pg_get_functiondef(p.oid) END AS definition,"
    f" pg_get_userbyid(p.proowner) AS owner FROM {_FUNCTION}",
    "type": "SELECT t.oid::regtype::text AS relation, '' AS name, t.typtype::text AS kind,"
    ' format_type(t.typbasetype, t.typtypmod) AS base, t.typnotnull AS required, t.typdefault AS "default",'
    " ARRAY(SELECT enumlabel::text FROM pg_enum WHERE enumtypid = t.oid ORDER BY enumsortorder) AS labels,"
    " ARRAY(SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contypid = t.oid ORDER BY conname) AS checks"
    f" FROM {_TYPE} AND t.typtype IN ('e', 'd', 'r')",
    "right": f"SELECT c.oid::regclass::text AS relation, {_GRANTED} FROM {_RELATION}"
    " AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S') CROSS JOIN LATERAL aclexplode(c.relacl) x"
    f" {_WHO} WHERE x.grantee <> c.relowner"
    f" UNION SELECT c.oid::regclass::text, a.attname || ': ' || {_GRANTED.removesuffix(' AS name')} FROM {_TABLE}"
    " JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped"
    f" CROSS JOIN LATERAL aclexplode(a.attacl) x {_WHO} WHERE x.grantee <> c.relowner"
    f" UNION SELECT p.oid::regprocedure::text, {_GRANTED} FROM {_FUNCTION}"
    " CROSS JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) x"
    f" {_WHO} WHERE x.grantee <> p.proowner"
    f" UNION SELECT 'schema ' || n.nspname, {_GRANTED} FROM pg_namespace n"
    f" CROSS JOIN LATERAL aclexplode(n.nspacl) x {_WHO} WHERE n.nspname !~ '^pg_'"
    " AND n.nspname <> 'information_schema' AND x.grantee <> n.nspowner"
    " UNION SELECT 'new objects of kind ' || f.defaclobjtype::text || ' of ' || pg_get_userbyid(f.defaclrole),"
    f" {_GRANTED} FROM pg_default_acl f CROSS JOIN LATERAL aclexplode(f.defaclacl) x {_WHO}"
    " WHERE x.grantee <> f.defaclrole",
}


def read(found: dict[str, list[dict[str, Any]]]) -> Catalogue:
    """The rows of all queries as one catalogue."""
    return {
        (kind, row["relation"], row["name"]): {
            name: value for name, value in row.items() if name not in ("relation", "name")
        }
        for kind, rows in found.items()
        for row in rows
    }


def called(key: Key) -> str:
    """How a person names a thing: `the column ledger_posting.memo`."""
    kind, relation, name = key
    if kind == "right":
        return f"the right {name} on {relation}"
    if kind == "column":
        return f"the column {relation}.{name}"
    if relation and name:
        return f"the {kind} {name} on {relation}"
    return f"the {kind} {relation or name}"
