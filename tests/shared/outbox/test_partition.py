"""The relay puts a key where every other Kafka client does: district systems write their own consumers."""

from aiokafka.partitioner import DefaultPartitioner

from shared.ids import new_id
from shared.outbox.relay import _partition


def test_a_key_goes_to_the_partition_of_every_client() -> None:
    theirs = DefaultPartitioner()
    for partitions in ([0], list(range(6)), list(range(7))):
        for _ in range(200):
            key = str(new_id()).encode()
            assert _partition(key, partitions, []) == theirs(key, partitions, [])
            assert _partition(key, partitions, []) == theirs(key, partitions, [])
