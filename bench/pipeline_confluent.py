# SPDX-License-Identifier: MIT
"""The pipeline of bench/pipeline.lua with confluent-kafka and json.

usage: pipeline_confluent.py SERVERS IN OUT EVENTS
"""
import json
import sys
import uuid

from confluent_kafka import Consumer, Producer

from pipeline_measure import Measure

WINDOW = 50_000


def headers(cause):
    return [("ce_specversion", "1.0"), ("ce_id", str(uuid.uuid4())), ("ce_source", "bench/python"),
            ("ce_type", "handled"), ("ce_causationid", cause),
            ("content-type", "application/json")]


def main():
    servers, source, target, events = *sys.argv[1:4], int(sys.argv[4])
    consumer = Consumer({"bootstrap.servers": servers, "group.id": f"bench-{target}",
                         "auto.offset.reset": "earliest", "enable.auto.commit": False})
    producer = Producer({"bootstrap.servers": servers, "enable.idempotence": True,
                         "queue.buffering.max.messages": 200_000})
    failed = []
    consumer.subscribe([source])
    measure, handled = Measure(), 0
    while handled < events:
        for message in consumer.consume(1000, 1.0):
            if message.error():
                sys.exit(str(message.error()))
            data = json.loads(message.value())
            data["status"] = "handled"
            data["chunk_count"] += 1
            cause = f"{message.topic()}/{message.partition()}/{message.offset()}"
            producer.produce(target, json.dumps(data).encode(), data["document_id"],
                             headers=headers(cause),
                             on_delivery=lambda error, _: error and failed.append(error))
            handled += 1
            if handled % WINDOW == 0 or handled == events:
                producer.flush()
                consumer.commit(asynchronous=False)
        producer.poll(0)
    consumer.close()
    if failed:
        sys.exit(str(failed[0]))
    measure.finish(handled)


main()
