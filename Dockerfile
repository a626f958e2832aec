# The program, its Lua and the scripts of the document workflow: as the gateway unless told otherwise.
# Everything together: docker compose up. Alone:
#
#   docker build -t docmsg-lua .
#   docker run --rm --network host -e KAFKA_BOOTSTRAP_SERVERS=localhost:9092 docmsg-lua docmsg-lua setup.lua
#   docker run --rm -it docmsg-lua docmsg-lua --embedded        a session
#   docker run --rm -v "$PWD/my.lua:/usr/local/share/docmsg-lua/my.lua:ro" docmsg-lua docmsg-lua my.lua

FROM debian:bookworm-slim AS build
WORKDIR /src
COPY tools/bootstrap tools/lib.sh tools/
RUN tools/bootstrap && rm -rf /var/lib/apt/lists/*
COPY . .
RUN cmake --preset release && \
    cmake --build --preset release && \
    DESTDIR=/install cmake --install build/release --strip

FROM debian:bookworm-slim
# poppler-utils and catdoc read pdf and doc in the pipeline.
RUN apt-get update && \
    apt-get install -y --no-install-recommends \
      ca-certificates catdoc libedit2 libjemalloc2 liblua5.4-0 libmicrohttpd12 librdkafka1 \
      libsqlite3-0 libssl3 libuuid1 lua-cjson poppler-utils && \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/lib/dpkg/*-old /var/log/apt /var/log/*.log && \
    useradd --system --no-create-home --home-dir /var/lib/docmsg docmsg && \
    install -d -o docmsg -g docmsg /var/lib/docmsg
COPY --from=build /install/ /
# Standard output is read by people: UTF-8 left as it is.
ENV LANG=C.UTF-8 \
    DOCMSG_DATA_DIR=/var/lib/docmsg
WORKDIR /usr/local/share/docmsg-lua
USER docmsg
EXPOSE 8001
HEALTHCHECK --interval=10s --timeout=10s --start-period=60s \
  CMD ["docmsg-lua", "health", ":8001", "--live"]
# It is reached from outside of the container, so it wants --token-file, or DOCMSG_GATEWAY_OPEN=1.
CMD ["docmsg-lua", "gateway", "--host", "0.0.0.0"]
