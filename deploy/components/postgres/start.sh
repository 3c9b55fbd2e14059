#!/bin/sh
# Makes the data once, gives the roles the passwords of their secrets at each start, and becomes the server.
# A changed secret therefore needs a restart of this pod and of those that use it, and nothing else.
set -eu
umask 077
data=/var/lib/postgresql/data
export PGDATA="$data/pg"
PATH="$PATH:$(echo /usr/lib/postgresql/*/bin)"

say() { echo "database: $1" >&2; }

for role in owner app auditor; do
    [ -s "/run/secrets/database-$role/password" ] || { say "the secret database-$role has no password"; exit 78; }
done

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    rm -rf "$data/pg.new" # what an interrupted first start left
    initdb -D "$data/pg.new" -U postgres -E UTF8 --locale=C --auth-local=peer --auth-host=scram-sha-256 \
        --data-checksums --no-instructions
    # The server's own certificate: the wire is closed to listeners; nobody but the node reaches the socket.
    openssl req -x509 -newkey rsa:2048 -nodes -days 7300 -subj /CN=database \
        -keyout "$data/pg.new/server.key" -out "$data/pg.new/server.crt" 2>/dev/null
    mv "$data/pg.new" "$PGDATA"
fi
cat >"$PGDATA/pg_hba.conf" <<'HBA'
local   all             postgres                                peer map=server
hostssl financetracker  ft_owner,ft_app,ft_auditor  all         scram-sha-256
HBA
# Whatever name the image gives the user of this process, it is the superuser on the socket and nobody else.
echo "server $(id -un 2>/dev/null || id -u) postgres" >"$PGDATA/pg_ident.conf"

set -- -c "unix_socket_directories=/tmp" -c ssl=on -c max_connections=200 -c log_checkpoints=off

pg_ctl -D "$PGDATA" -w -t 300 -o "-c listen_addresses='' -c unix_socket_directories=/tmp" -s start
psql -qX -v ON_ERROR_STOP=1 -h /tmp -U postgres -d postgres \
    -v owner="$(cat /run/secrets/database-owner/password)" \
    -v app="$(cat /run/secrets/database-app/password)" \
    -v auditor="$(cat /run/secrets/database-auditor/password)" <<'SQL'
SET password_encryption = 'scram-sha-256';
SELECT 'CREATE ROLE ' || name FROM unnest(ARRAY['ft_owner', 'ft_app', 'ft_auditor']) AS name
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec
ALTER ROLE ft_owner LOGIN PASSWORD :'owner';
ALTER ROLE ft_app LOGIN PASSWORD :'app';
ALTER ROLE ft_auditor LOGIN BYPASSRLS PASSWORD :'auditor';
ALTER ROLE ft_auditor SET default_transaction_read_only = on;
SELECT 'CREATE DATABASE financetracker OWNER ft_owner'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'financetracker') \gexec
SQL
pg_ctl -D "$PGDATA" -w -m fast -s stop
say "ready to serve"
exec postgres -c "listen_addresses=*" "$@"
