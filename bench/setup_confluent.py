# SPDX-License-Identifier: MIT
"""What people write today instead of setup.lua: the same 13 topics with confluent-kafka, created
when missing and verified. usage: setup_confluent.py BOOTSTRAP"""
import sys
import time

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic

TOPICS = {
    "document-received": 6, "workflow-initialized": 3, "chunking-complete": 4,
    "embedding-ready": 4, "ingestion-complete": 3, "field-init-complete": 2,
    "agent-scaling-complete": 2, "extraction-tasks": 8, "extraction-complete": 3,
    "query-received": 4, "rag-query-complete": 3, "structured-query-complete": 3,
    "hybrid-query-complete": 3,
}
CONFIG = {"cleanup.policy": "delete", "retention.ms": "604800000", "segment.ms": "86400000",
          "compression.type": "snappy"}


def config_of(name):
    extra = {"min.insync.replicas": "1"} if name == "document-received" else {}
    return {**CONFIG, **extra}


def create_missing(admin):
    present = admin.list_topics(timeout=5).topics
    missing = [NewTopic(name, partitions, 1, config=config_of(name))
               for name, partitions in TOPICS.items() if name not in present]
    if missing:
        for future in admin.create_topics(missing, operation_timeout=30).values():
            future.result()


def result_of(future):
    """The configuration; None when the broker does not know the topic yet."""
    try:
        return future.result()
    except KafkaException as error:
        if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
            raise
        return None


def differences(admin):
    topics = admin.list_topics(timeout=5).topics
    resources = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in TOPICS]
    for resource, future in admin.describe_configs(resources).items():
        topic, configs = topics.get(resource.name), result_of(future)
        if topic is None or configs is None or len(topic.partitions) != TOPICS[resource.name]:
            yield resource.name
        elif any(partition.leader < 0 for partition in topic.partitions.values()):
            yield resource.name
        elif any(configs[key].value != value for key, value in config_of(resource.name).items()):
            yield resource.name


def main():
    admin = AdminClient({"bootstrap.servers": sys.argv[1]})
    create_missing(admin)
    deadline = time.monotonic() + 30
    while (wrong := list(differences(admin))):
        if time.monotonic() > deadline:
            sys.exit(f"differ: {wrong}")
        time.sleep(0.05)
    print("All 13 topics ready")


main()
