# SPDX-License-Identifier: MIT
"""The peer of the gateway: FastAPI and aiokafka, doing the same with a file: on disk under a name of its
own, synced with its folder, announced with acks=all by an idempotent producer, told of in the same two lines
of the log, then answered.

usage: gateway_fastapi.py BOOTSTRAP FOLDER PORT
"""
import asyncio
import concurrent.futures
import contextlib
import hashlib
import json
import logging
import os
import sys
import time
import uuid

import uvicorn
from aiokafka import AIOKafkaProducer
from fastapi import FastAPI, Form, HTTPException, UploadFile

BOOTSTRAP, FOLDER, PORT = sys.argv[1], sys.argv[2], int(sys.argv[3])
LOG = logging.getLogger("gateway")
TYPES = {"txt": "text", "md": "text", "pdf": "pdf"}


def store(name, content):
    """Writes and syncs a file and its folder; returns the content's hash."""
    path = os.path.join(FOLDER, name)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o640)
    try:
        os.write(file, content)
        os.fsync(file)
    finally:
        os.close(file)
    folder = os.open(FOLDER, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return hashlib.sha256(content).hexdigest()


@contextlib.asynccontextmanager
async def lifespan(application):
    """Keeps the producer for as long as the server runs."""
    # As many files are synced at a time as there may be clients, as the gateway does.
    asyncio.get_running_loop().set_default_executor(concurrent.futures.ThreadPoolExecutor(64))
    application.state.producer = AIOKafkaProducer(
        bootstrap_servers=BOOTSTRAP, acks="all", enable_idempotence=True, request_timeout_ms=10000)
    await application.state.producer.start()
    yield
    await application.state.producer.stop()


app = FastAPI(lifespan=lifespan)


@app.post("/api/v1/upload")
async def upload(file: UploadFile, user_id: str = Form("default_user")):
    """Takes a file in."""
    extension = (file.filename or "").rsplit(".", 1)[-1].lower()
    if extension not in TYPES:
        raise HTTPException(415)
    content = await file.read()
    document_id, now = str(uuid.uuid4()), time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    name = f"{document_id}.{extension}"
    digest = await asyncio.to_thread(store, name, content)
    metadata = {"document_id": document_id, "filename": os.path.basename(file.filename),
                "file_type": TYPES[extension], "upload_timestamp": now, "user_id": user_id,
                "file_size": len(content)}
    parsed = {"document_id": document_id, "page_count": 1, "extracted_images": [], "tables": [],
              "content_ref": {"path": name, "sha256": digest, "bytes": len(content)},
              "metadata": metadata}
    event = {"document_id": document_id, "parsed_document": parsed, "timestamp": now}
    headers = [("ce_specversion", b"1.0"), ("ce_id", str(uuid.uuid4()).encode()),
               ("ce_source", b"fastapi"), ("ce_type", b"document-received"),
               ("content-type", b"application/json")]
    record = await app.state.producer.send_and_wait(
        "document-received", json.dumps(event).encode(), key=document_id.encode(), headers=headers)
    LOG.info("Published to %s:%d:%d", record.topic, record.partition, record.offset)
    LOG.info("Document received event sent: %s", document_id)
    return {"document_id": document_id, "filename": metadata["filename"], "status": "uploaded",
            "message": "stored and announced", "file_size": len(content), "upload_timestamp": now}


logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
uvicorn.run(app, host="127.0.0.1", port=PORT, log_level="warning")
