# A PostgreSQL for clusters that cannot reach Docker Hub: what the component postgres asks of an image is sh,
# openssl and the server's programs under /usr/lib/postgresql, for the user postgres with the number 999.
ARG BASE_IMAGE=debian:trixie-slim@sha256:a29215f6a35e51e22adffa17f89e9d2ef06214e64a2bad10d765c46aea49f11f
FROM ${BASE_IMAGE}
RUN groupadd -r -g 999 postgres && useradd -r -u 999 -g 999 -d /var/lib/postgresql -s /bin/sh postgres \
    && apt-get -q update \
    && DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends postgresql-17 openssl \
    && rm -rf /var/lib/apt/lists/* /var/lib/postgresql/17 && mkdir -p /var/lib/postgresql/data \
    && ln -s /usr/lib/postgresql/17/bin/* /usr/local/bin/
USER 999:999
CMD ["postgres"]
