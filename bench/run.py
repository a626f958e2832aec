# SPDX-License-Identifier: MIT
"""Compares docmsg-lua with its peers on one broker, each pair in turn (A B A B ...), and prints the
median ratios beside their limits. Started by tools/bench, which prepares everything.

usage: run.py --program DOCMSG_LUA --peers DIR --bootstrap ADDRESS [--rounds N] [--json] [NAME...]
"""
import argparse
import functools
import http.client
import json
import os
import pty
import select
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import uuid

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RECORDS, BYTES = 1_000_000, 200


def run(command, **environment):
    """Runs to the end; returns wall seconds, CPU seconds and standard output."""
    before, start = os.times(), time.monotonic()
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, text=True,
                          stdout=subprocess.PIPE, check=False)
    wall, after = time.monotonic() - start, os.times()
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit {done.returncode}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, cpu, done.stdout


def reported(command):
    """What a program of the benchmark says of itself."""
    return json.loads(run(command)[2].splitlines()[-1])


def topic(options, partitions=3):
    """Makes a topic of its own for one benchmark. Brokers make the two indexes of a partition as large as
    they may become. Where the kernel reads ahead by megabytes, the first touch of each takes 15 ms for its
    zeros, while either side waits: here they are small."""
    name = f"bench-{uuid.uuid4()}"
    code = (f"local a <close> = assert(kafka.admin {{}}); local r = assert(a:create_topics "
            f"{{ {{ name = '{name}', partitions = {partitions}, "
            f"config = {{ ['segment.index.bytes'] = '262144' }} }} }}); "
            f"assert(not r['{name}'].error)")
    run([options.program, "-l", "kafka=docmsg.kafka", "-e", code],
        KAFKA_BOOTSTRAP_SERVERS=options.bootstrap)
    return name


class Pair:
    """Two commands and what is compared: [(what, figure of a result, limit, 'max' or 'min')]. 'warm' rounds
    are not counted."""

    def __init__(self, ours, peer, compare, before=None, warm=1):
        self.ours, self.peer, self.compare, self.before, self.warm = ours, peer, compare, before, warm

    def measure(self, rounds):
        ratios = {what: [] for what, *_ in self.compare}
        for i in range(self.warm + rounds):
            results = []
            for side in (self.ours, self.peer):
                if self.before:
                    self.before()
                results.append(side())
            for what, figure, *_ in self.compare if i >= self.warm else []:
                ratios[what].append(figure(results[0]) / figure(results[1]))
        return {what: statistics.median(found) for what, found in ratios.items()}


def cpu_per_record(result):
    return result["cpu_s"] / result["records"]


def rate(result):
    return result["records"] / result["wall_s"]


def wall(result):
    return result[0]


def produce(options):
    name = topic(options)
    arguments = [options.bootstrap, name, str(RECORDS), str(BYTES)]
    return Pair(lambda: reported([options.program, "bench/produce.lua", *arguments]),
                lambda: reported([f"{options.peers}/bench-produce", *arguments]),
                [("CPU per record / plain C", cpu_per_record, 1.5, "max"),
                 ("rate / plain C", rate, 0.8, "min")])


def consume(options):
    name = topic(options)
    reported([f"{options.peers}/bench-produce", options.bootstrap, name, str(RECORDS), str(BYTES)])
    arguments = [options.bootstrap, name, str(RECORDS)]
    return Pair(lambda: reported([options.program, "bench/consume.lua", *arguments]),
                lambda: reported([f"{options.peers}/bench-consume", *arguments]),
                [("CPU per record / plain C", cpu_per_record, 1.6, "max")])


def delete_topics(options):
    """Deletes the workflow's topics and waits until the broker no longer lists them."""
    code = ("local a <close> = assert(kafka.admin {}); local names = {} "
            "for name in pairs(assert(a:describe_topics())) do "
            "if not name:find('^bench') then names[#names + 1] = name end end "
            "if #names > 0 then assert(a:delete_topics(names)) end "
            "repeat local left = 0 for name in pairs(assert(a:describe_topics())) do "
            "if not name:find('^bench') then left = left + 1 end end until left == 0")
    run([options.program, "-l", "kafka=docmsg.kafka", "-e", code],
        KAFKA_BOOTSTRAP_SERVERS=options.bootstrap)


def ours_setup(options):
    return run([options.program, "scripts/setup.lua"], KAFKA_BOOTSTRAP_SERVERS=options.bootstrap)


def setup(options):
    return Pair(lambda: ours_setup(options),
                lambda: run([sys.executable, "bench/setup_confluent.py", options.bootstrap]),
                [("wall / confluent-kafka", wall, 0.7, "max")], lambda: delete_topics(options))


def setup_again(options):
    ours_setup(options)
    return Pair(lambda: ours_setup(options),
                lambda: run(["kcat", "-L", "-b", options.bootstrap]),
                [("wall / kcat -L", wall, 3.0, "max")])


def plan(options):
    """The plan of the workflow's topics, which exist, by a process that starts cold."""
    ours_setup(options)
    return Pair(lambda: run([options.program, "topics", "plan", "scripts/topics.lua"],
                            KAFKA_BOOTSTRAP_SERVERS=options.bootstrap),
                lambda: run(["kcat", "-L", "-b", options.bootstrap]),
                [("wall / kcat -L", wall, 3.0, "max")])


MANY = ("for i = 1, 1000 do topic('bench-many-' .. i) "
        "{ partitions = 10, config = { ['retention.ms'] = days(7) } } end")


def plan_many(options):
    """Seconds for the plan of 1,000 topics with 10,000 partitions, which exist."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as table:
        table.write(MANY)
        table.flush()
        command = [options.program, "topics", "apply", table.name, "--timeout", "60s", "--wait", "5m"]
        run(command, KAFKA_BOOTSTRAP_SERVERS=options.bootstrap)
        command = [options.program, "topics", "plan", table.name]
        seconds = [run(command, KAFKA_BOOTSTRAP_SERVERS=options.bootstrap)[0] for _ in range(5)]
    return {"plan-many: seconds": (statistics.median(seconds), 5, "max")}


def lines(path):
    """A file of RECORDS lines of BYTES bytes each."""
    with open(path, "w", encoding="ascii") as file:
        for i in range(RECORDS):
            file.write(f"{i:010d}" * (BYTES // 10) + "\n")


def to_file(command, **environment):
    """Runs with standard output going to a file, as a shell does it."""
    with tempfile.NamedTemporaryFile() as out:
        return run(["sh", "-c", 'out=$1; shift; exec "$@" >"$out"', "sh", out.name, *command],
                   **environment)


def cat_pair(options, words, limit):
    name = topic(options)
    with tempfile.NamedTemporaryFile() as file:
        lines(file.name)
        run([options.program, "put", name, file.name, "-H", "kind=paid"],
            KAFKA_BOOTSTRAP_SERVERS=options.bootstrap)
    return Pair(lambda: to_file([options.program, "cat", name, "-e", *words],
                                KAFKA_BOOTSTRAP_SERVERS=options.bootstrap),
                lambda: to_file(["kcat", "-C", "-e", "-q", "-b", options.bootstrap, "-t", name]),
                [("wall / kcat -C -e -q", wall, limit, "max")])


def cat(options):
    return cat_pair(options, [], 1.0)


def cat_where(options):
    return cat_pair(options, ["--where", 'header "kind" == "paid"'], 2.0)


def put(options):
    name = topic(options)
    file = tempfile.NamedTemporaryFile(suffix=".txt")  # as long as there are those who read it
    lines(file.name)
    return Pair(lambda: run([options.program, "put", name, file.name],
                            KAFKA_BOOTSTRAP_SERVERS=options.bootstrap),
                lambda: run(["kcat", "-P", "-l", "-b", options.bootstrap, "-t", name, file.name]),
                [("wall / kcat -P -l", wall, 1.0, "max")])


EVENTS, FEW_EVENTS = 300_000, 50_000
REQUESTS = 150_000


def fill(options, name, events):
    """Sends that many events of about 250 bytes."""
    run([options.program, "bench/pipeline_fill.lua", options.bootstrap, name, str(events)])


@functools.cache
def warm_up(program, bootstrap):
    """A broker that has just started compiles its code, on the processors that both sides want, until each
    part has run some ten thousand times. Many small requests get it there sooner than large ones."""
    name = topic(argparse.Namespace(program=program, bootstrap=bootstrap))
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.writelines(f"{i}\n" for i in range(REQUESTS))
        file.flush()
        run(["kcat", "-P", "-l", "-b", bootstrap, "-t", name, "-X", "linger.ms=0",
             "-X", "batch.num.messages=1", "-X", f"queue.buffering.max.messages={REQUESTS}", file.name])


def pipeline_peer(options, command, workers, compare, events=EVENTS, warm=4):
    """Our pipeline against another, each with a topic of its own for every run."""
    warm_up(options.program, options.bootstrap)
    source = topic(options, 6)
    fill(options, source, events)

    def side(words, *more):
        return lambda: reported([*words, options.bootstrap, source, topic(options, 6), str(events),
                                 *more])
    return Pair(side([options.program, "bench/pipeline.lua"], str(workers)), side(command), compare,
                warm=warm)


def franz(options, workers, limit):
    return pipeline_peer(options, [f"{options.peers}/bench-franz"], workers,
                         [("events per second / franz-go", rate, limit, "min"),
                          ("CPU per event / franz-go", cpu_per_record, 1.5, "max")])


def confluent(options):
    return pipeline_peer(options, [sys.executable, "bench/pipeline_confluent.py"], 0,
                         [("events per second / confluent-kafka", rate, 2, "min")])


def faststream(options):
    return pipeline_peer(options, [sys.executable, "bench/pipeline_faststream.py"], 0,
                         [("events per second / FastStream", rate, 40, "min")], FEW_EVENTS, warm=1)


UPLOADS = 2_000


def answers(port, path):
    """Whether a server answers there with 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def free_port():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return unused.getsockname()[1]


def upload(command, path, **environment):
    """Starts a gateway, uploads to it by 16 connections, and ends it."""
    port = free_port()
    server = subprocess.Popen([*command, str(port)], cwd=ROOT, env={**os.environ, **environment},
                              stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while not answers(port, path):
            if server.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"{' '.join(command)}: it does not answer at {path}")
            time.sleep(0.1)
        return reported([sys.executable, "bench/gateway_load.py", str(port), str(server.pid),
                         str(UPLOADS), "16", "1024"])
    finally:
        server.terminate()
        server.wait()


def fresh_topics(options):
    """The workflow's topics without records, which a gateway would read first."""
    delete_topics(options)
    ours_setup(options)


PROBES, CHEAP_S, PATIENCE_S = 200, 100e-6, 400


def seconds_per_file(folder):
    """CPU time that a new file takes there."""
    before = time.process_time()
    for _ in range(PROBES):
        os.close(tempfile.mkstemp(dir=folder)[0])
    return (time.process_time() - before) / PROBES


def await_cheap_files(folder):
    """For minutes after files were removed, ext4 without a journal looks at each inode that was given free
    before it makes a file: that would be most of what both sides do."""
    deadline = time.monotonic() + PATIENCE_S
    while seconds_per_file(folder) > CHEAP_S and time.monotonic() < deadline:
        print("    waiting: many files were removed lately, which makes new ones slow", file=sys.stderr)
        time.sleep(20)


def gateway(options):
    """Files of 1 KB, each on disk and in Kafka before it is answered. All files stay until the end, see
    await_cheap_files."""
    kept = tempfile.TemporaryDirectory()
    await_cheap_files(kept.name)

    def ours():
        return upload([options.program, "gateway", "--port"], "/readyz",
                      DOCMSG_DATA_DIR=tempfile.mkdtemp(dir=kept.name),
                      KAFKA_BOOTSTRAP_SERVERS=options.bootstrap)

    def peer():
        return upload([sys.executable, "bench/gateway_fastapi.py", options.bootstrap,
                       tempfile.mkdtemp(dir=kept.name)], "/openapi.json")
    return Pair(ours, peer, [("CPU per upload / FastAPI", cpu_per_record, 1 / 3, "max"),
                             ("uploads per second / FastAPI", rate, 1, "min"),
                             ("p99 / FastAPI", lambda result: result["p99_ms"], 1, "max")],
                lambda: fresh_topics(options))


BENCHMARKS = {"produce": produce, "consume": consume, "setup": setup, "setup-again": setup_again,
              "plan": plan, "cat": cat, "cat-where": cat_where, "put": put,
              "franz": lambda options: franz(options, 0, 1.1),
              "franz-worker": lambda options: franz(options, 1, 0.9),
              "confluent": confluent, "faststream": faststream,
              "gateway": gateway}


def start_up(options):
    """Milliseconds over lua5.4, and the memory of an idle program."""
    ours, plain = [], []
    for _ in range(20):
        ours.append(run([options.program, "-e", ""])[0])
        plain.append(run(["lua5.4", "-e", ""])[0])
    over = (statistics.median(ours) - statistics.median(plain)) * 1000
    code = "for line in io.lines('/proc/self/status') do if line:find('VmRSS') then print(line:match('%d+')) end end"
    resident = int(run([options.program, "-e", code])[2]) / 1024
    return {"start: ms over lua5.4": (over, 10, "max"), "start: resident MB": (resident, 12, "max")}


class Prompt:
    """A session on a terminal of its own."""

    def __init__(self, options):
        self.started = time.monotonic()
        environment = {**os.environ, "KAFKA_BOOTSTRAP_SERVERS": options.bootstrap, "TERM": "xterm", "DOCMSG_HISTORY": ""}
        self.child, self.terminal = pty.fork()
        if self.child == 0:
            os.execve(options.program, [options.program], environment)

    def wait(self, text, patience=10):
        """Whether the text is written."""
        start, seen = time.monotonic(), b""
        while text not in seen and time.monotonic() - start < patience:
            if select.select([self.terminal], [], [], 0.05)[0]:
                seen += os.read(self.terminal, 4096)
        return text in seen

    def press(self, keys):
        os.write(self.terminal, keys)

    def close(self):
        os.kill(self.child, signal.SIGKILL)
        os.waitpid(self.child, 0)
        os.close(self.terminal)


def first_prompt(options):
    prompt = Prompt(options)
    try:
        if not prompt.wait(b"> "):
            sys.exit("no prompt within 10 s")
        return (time.monotonic() - prompt.started) * 1000
    finally:
        prompt.close()


def tab_times(options, name, count):
    """Milliseconds from TAB to the rest of a topic's name, once the session knows it."""
    prompt, found = Prompt(options), []
    try:
        prompt.wait(b"> ")
        while len(found) <= count:  # the first waits for the background
            typed = f"x = '{name[:-4]}".encode()
            prompt.press(typed)
            prompt.wait(typed)
            start = time.monotonic()
            prompt.press(b"\t")
            if prompt.wait(name[-4:].encode(), 0.5):
                found.append((time.monotonic() - start) * 1000)
            prompt.press(b"\x03")
            prompt.wait(b"> ")
    finally:
        prompt.close()
    return found[1:]


def prompt_times(options):
    """How long one waits for the first prompt, and for TAB."""
    first = [first_prompt(options) for _ in range(20)]
    return {"prompt: ms to the first": (statistics.median(first), 30, "max"),
            "prompt: ms from TAB to a name": (statistics.median(tab_times(options, topic(options), 20)), 50, "max")}


def engine(options):
    """The settlement engine by itself: medians of what it says."""
    rounds = [reported([f"{options.peers}/bench-engine"]) for _ in range(options.rounds)]
    figures = [("keys_1000", "million pairs/s, 1,000 keys", 5, "min"),
               ("keys_1000000", "million pairs/s, 1,000,000 keys", 2, "min"),
               ("retries", "million pairs/s, 1 in 10 retried", 1, "min"),
               ("stuck", "cost behind a stuck head / none", 1.5, "max"),
               ("backlog", "cost with 1,000,000 queued / 1,000", 2, "max")]
    return {f"engine: {what}": (statistics.median(result[name] for result in rounds), limit, kind)
            for name, what, limit, kind in figures}


def pipeline_cpu(options):
    """CPU time of one event, consumed, handled inline and emitted."""
    warm_up(options.program, options.bootstrap)
    source = topic(options, 6)
    fill(options, source, EVENTS)
    rounds = [reported([options.program, "bench/pipeline.lua", options.bootstrap, source,
                        topic(options, 6), str(EVENTS), "0"]) for _ in range(options.rounds)]
    found = statistics.median(map(cpu_per_record, rounds)) * 1e6
    return {"pipeline: us of CPU per event": (found, 11, "max")}


# These have no peer to take turns with.
ALONE = {"pipeline": pipeline_cpu, "engine": engine, "start": start_up, "prompt": prompt_times, "plan-many": plan_many}


def holds(value, limit, kind):
    return value <= limit if kind == "max" else value >= limit


def measure_all(options):
    results = {}
    for name in options.names or [*BENCHMARKS, *ALONE]:
        print(f"==> {name}", file=sys.stderr)
        if name in ALONE:
            results.update(ALONE[name](options))
            continue
        pair = BENCHMARKS[name](options)
        medians = pair.measure(options.rounds)
        for what, _, limit, kind in pair.compare:
            results[f"{name}: {what}"] = (medians[what], limit, kind)
    return results


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--peers", required=True)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("names", nargs="*", choices=[[], *BENCHMARKS, *ALONE])
    options = parser.parse_args()
    results = measure_all(options)
    if options.json:
        print(json.dumps({what: value for what, (value, *_) in results.items()}, indent=2))
    else:
        for what, (value, limit, kind) in results.items():
            mark = "" if holds(value, limit, kind) else "   over the limit"
            print(f"{what:45} {value:8.2f}   {kind} {limit:g}{mark}")
    sys.exit(0 if all(holds(*result) for result in results.values()) else 3)


main()
