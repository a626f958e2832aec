# SPDX-License-Identifier: MIT
"""The pipeline of bench/pipeline.lua with FastStream, as its documentation shows it.

usage: pipeline_faststream.py SERVERS IN OUT EVENTS
"""
import asyncio
import sys
import uuid

from faststream import FastStream
from faststream.kafka import KafkaBroker, KafkaMessage

from pipeline_measure import Measure

servers, source, target, events = *sys.argv[1:4], int(sys.argv[4])
broker = KafkaBroker(servers, logger=None)
app = FastStream(broker, logger=None)
measure, handled = Measure(), 0


@broker.subscriber(source, group_id=f"bench-{target}", auto_offset_reset="earliest")
async def handle(data: dict, message: KafkaMessage):
    global handled
    data["status"] = "handled"
    data["chunk_count"] += 1
    await broker.publish(data, target, key=data["document_id"].encode(), headers={
        "ce_specversion": "1.0", "ce_id": str(uuid.uuid4()), "ce_source": "bench/faststream",
        "ce_type": "handled", "ce_causationid": message.message_id})
    handled += 1
    if handled == events:
        app.exit()


asyncio.run(app.run())
measure.finish(handled)
