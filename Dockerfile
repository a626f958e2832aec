# The program, its Lua and the scripts of the document workflow.
#
#   docker build -t docmsg-lua .
#   docker run --rm --network host docmsg-lua docmsg-lua setup.lua
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
RUN apt-get update && \
    apt-get install -y --no-install-recommends \
      ca-certificates libedit2 liblua5.4-0 libmicrohttpd12 librdkafka1 libsqlite3-0 libssl3 \
      libuuid1 lua-cjson && \
    rm -rf /var/lib/apt/lists/* && \
    useradd --system --no-create-home --home-dir /var/lib/docmsg docmsg && \
    install -d -o docmsg -g docmsg /var/lib/docmsg
COPY --from=build /install/ /
# Standard output is read by people: UTF-8 left as it is.
ENV LANG=C.UTF-8 \
    DOCMSG_DATA_DIR=/var/lib/docmsg
WORKDIR /usr/local/share/docmsg-lua
USER docmsg
CMD ["docmsg-lua"]
