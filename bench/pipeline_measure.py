# SPDX-License-Identifier: MIT
"""What the Python peers of the benchmark share: the line they print, as measure.h does."""
import json
import resource
import time


def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Measure:
    """Starts the clocks."""

    def __init__(self):
        self.wall, self.cpu = time.monotonic(), cpu()

    def finish(self, records):
        print(json.dumps({"records": records, "wall_s": time.monotonic() - self.wall,
                          "cpu_s": cpu() - self.cpu}))
