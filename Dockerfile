# One image for every environment: the web, its commands and the programs of a backup.
#
# Builds anywhere: docker buildx build . or buildah bud . with the build argument REVISION, and SOURCE_DATE_EPOCH
# or --timestamp set to one fixed time: two builds of one commit then have one digest, as long as Debian serves
# the same packages, and two commits share the layers that did not change. Behind a proxy with an authority of its own, give that as the secret `ca`.

ARG BASE_IMAGE=debian:trixie-slim@sha256:a29215f6a35e51e22adffa17f89e9d2ef06214e64a2bad10d765c46aea49f11f

# --- The programs: Debian's Python and PostgreSQL client
FROM ${BASE_IMAGE} AS system
RUN apt-get -q update \
    && DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends \
        ca-certificates media-types netbase postgresql-client python3 tzdata

# --- The file system of the image, with what is needed at run time alone: no shell, no package manager
FROM system AS laid-out
COPY deploy/image/layout.py /build/layout.py
RUN python3 /build/layout.py /laid-out

# --- The packages of requirements.txt: wheels alone, each with the hash that was locked
FROM system AS packages
RUN DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends python3-pip python3-venv
COPY requirements.txt /build/requirements.txt
RUN --mount=type=secret,id=ca,target=/run/ca.pem \
    if [ -f /run/ca.pem ]; then export PIP_CERT=/run/ca.pem; fi \
    && python3 -m venv --without-pip /app/venv \
    && python3 -m pip --python /app/venv/bin/python install --no-compile --no-cache-dir --no-input \
        --disable-pip-version-check --require-hashes --only-binary :all: -r /build/requirements.txt \
    && find /app/venv \( -name '*.po' -o -name '*.pot' -o -name '*.pyi' \) -delete \
    # A time stamp in bytecode would differ from build to build.
    && python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash /app/venv/lib

# --- Our own code, its static files collected and compressed
FROM packages AS site
WORKDIR /app
COPY manage.py gunicorn.conf.py ./
COPY financetracker financetracker
# The settings insist on what production needs; nothing of it is kept or asked for here.
RUN SECRET_KEY="$(python3 -c 'import secrets; print(secrets.token_hex(40))')" \
    ALLOWED_HOSTS=build.invalid DATABASE_URL=postgresql://ft_app@localhost/none \
    PYTHONDONTWRITEBYTECODE=1 venv/bin/python manage.py collectstatic --noinput --verbosity 0 \
    && python3 -m compileall -q --invalidation-mode unchecked-hash financetracker manage.py \
    && mkdir /site && mv financetracker manage.py gunicorn.conf.py var /site
# In a file, too: what is only a label of the next stage, some builders take from their cache with the old value.
ARG REVISION=unknown
RUN printf '%s\n' "${REVISION}" > /site/REVISION

# --- The image: one layer that changes with Debian, one with requirements.txt, one with the code
FROM scratch
COPY --from=laid-out /laid-out /
COPY --from=packages /app/venv /app/venv
COPY --from=site /site /app
ARG REVISION=unknown
ARG SOURCE=https://github.com/financetracker/financetracker
LABEL org.opencontainers.image.title="financetracker" \
    org.opencontainers.image.source="${SOURCE}" \
    org.opencontainers.image.revision="${REVISION}"
ENV PATH=/app/venv/bin:/usr/bin:/usr/lib/postgresql/17/bin \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    ENVIRONMENT=production FT_METRICS_PORT=9100 \
    APP_REVISION="${REVISION}"
WORKDIR /app
USER 10001:10001
EXPOSE 8000 9100
CMD ["gunicorn", "financetracker.wsgi"]
