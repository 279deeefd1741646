#!/usr/bin/env python3
"""Replay recorded conversations against a fresh server and compare with the numbers kept in ratchet.json.

    run.py --binary PALISADE --dir FOLDER [--engine PYTHON] [--update] [--only NAME ...]

FOLDER holds replay.py, transcripts/*.json and the lists FIRST (these have to be equal to the last step) and NEEDS-ENGINE
(these need an interpreter that has the scan engine and the AWS emulator, see --engine; without it they are left out and
their numbers are not looked at). A catalogue-*.json.gz in FOLDER/../data is imported first.

The server gets a database of its own in a temporary folder and listens on a free port of the loopback. The exit status
is 1 when a conversation has fewer right steps than ratchet.json says, when one of FIRST is not equal, or when something
could not be run. Right are the steps that are equal and those that intended.txt lists as different on purpose. --update
writes the new numbers. Needs Python 3.9.
"""
import argparse
import concurrent.futures
import datetime
import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
RATCHET = os.path.join(HERE, "ratchet.json")
SIDE_BY_SIDE = 8
LONGEST_WAIT = 30  # seconds that a step may wait for its outcome where no engine is at work
LONGEST_ENGINE_WAIT = 240  # the same where one is
DAYS = {"today": 0, "yesterday": -1, "tomorrow": 1}
MOMENT = re.compile(r"\$\{(?:%s)\}T" % "|".join(DAYS))  # replay.py itself takes dates alone for equal
RESULT = re.compile(r"^(\S+): (\d+) of (\d+) steps equal$")


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--binary", required=True)
    args.add_argument("--dir", required=True)
    args.add_argument("--engine", default="", help="interpreter that has the engine and the emulator; may be missing")
    args.add_argument("--update", action="store_true")
    args.add_argument("--only", nargs="*", default=[])
    args = args.parse_args()
    replay = os.path.join(args.dir, "replay.py")
    if not args.dir or not os.path.exists(replay):
        print("the recorded conversations are not here: set CONFORMANCE_DIR to their folder", file=sys.stderr)
        return 2
    first, engine_names = names(args.dir, "FIRST"), names(args.dir, "NEEDS-ENGINE")
    engine = os.path.abspath(args.engine) if args.engine and os.path.exists(args.engine) else ""
    files = sorted(glob.glob(os.path.join(args.dir, "transcripts", "*.json")))
    if args.only:
        files = [file for file in files if name_of(file) in args.only]
    left_out = [name_of(file) for file in files if name_of(file) in engine_names and not engine]
    files = [file for file in files if name_of(file) not in left_out]
    with Stage() as stage:
        base = stage.start(os.path.abspath(args.binary), args.dir, engine)
        found = stage.replay(replay, base, files, engine_names)
        stage.report_errors()
    return judge(found, files, left_out, first, args)


def name_of(file):
    return os.path.splitext(os.path.basename(file))[0]


def names(folder, file):
    path = os.path.join(folder, file)
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as lines:
        return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


class Stage:
    """The server, its emulator and their folder; gone when the with-block ends."""

    def __enter__(self):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        self.folder = tempfile.mkdtemp(prefix="palisade-conformance-")
        self.processes = []
        self.log = os.path.join(self.folder, "server.log")
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.terminate()
        for process in reversed(self.processes):
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, binary, folder, engine):
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PALISADE_", "AWS_"))}
        environment["PALISADE_TOKEN_RATE_LIMIT"] = "off"
        environment.update(PALISADE_SIGN_IN_URL="http://127.0.0.1:3000/sign-in",
                           PALISADE_SAML_CALLBACK_URL="http://127.0.0.1:3000/api/auth/callback/saml")
        if engine:
            port = free_port()
            self.run([engine, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], os.environ, os.devnull)
            wait_for("http://127.0.0.1:%d/moto-api/" % port, self.processes[-1], "the AWS emulator", 120)
            environment.update(PALISADE_PROWLER_PYTHON=engine, PALISADE_ENGINE_PASS_ENV="AWS_ENDPOINT_URL",
                               AWS_ENDPOINT_URL="http://127.0.0.1:%d" % port)
        data = os.path.join(self.folder, "data")
        port = free_port()
        self.run([binary, "serve", "--listen", "127.0.0.1:%d" % port, "--data-dir", data], environment, self.log)
        try:
            wait_for("http://127.0.0.1:%d/health/ready" % port, self.processes[-1], "the server", 300)
        except RuntimeError:
            print_tail(self.log)
            raise
        for catalogue in sorted(glob.glob(os.path.join(folder, "..", "data", "catalogue-*.json.gz"))):
            subprocess.run([binary, "catalogue", "import", catalogue, "--data-dir", data], env=environment, check=True)
        return "http://127.0.0.1:%d/api/v1" % port

    def run(self, command, environment, output):
        with open(output, "wb") as log:
            self.processes.append(subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT))

    def impatient(self, file, patient):
        """A copy of the conversation whose steps wait less long, because what is not built never comes, and are about today."""
        longest = LONGEST_ENGINE_WAIT if name_of(file) in patient else LONGEST_WAIT
        with open(file, encoding="utf-8") as text:
            conversation = json.load(text)
        for step in conversation["steps"]:
            if "wait" in step:
                step["wait"] = min(step["wait"], longest)
            if "expect" in step:
                step["expect"] = of_today(step)
        copy = os.path.join(self.folder, os.path.basename(file))
        with open(copy, "w", encoding="utf-8") as text:
            json.dump(conversation, text)
        return copy

    def replay(self, program, base, files, patient):
        """Replays and prints; returns {name: (equal, compared)}. Conversations share nothing, and many of their steps wait
        for something, so some run side by side."""
        found = {}
        with concurrent.futures.ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            for output in pool.map(lambda file: replay_one(program, base, self.impatient(file, patient)), files):
                for line in output.splitlines():
                    result = RESULT.match(line)
                    if result:
                        found[result.group(1)] = (int(result.group(2)), int(result.group(3)))
                    if not line.endswith(" failed"):
                        print(line, flush=True)
        return found

    def report_errors(self):
        with open(self.log, encoding="utf-8", errors="replace") as lines:
            errors = [line for line in lines if '"level":"ERROR"' in line]
        for line in errors[:10]:
            print("server: " + line[:500], end="" if len(line) <= 500 else "\n")
        if errors:
            print("the server logged %d errors" % len(errors))


def of_today(step):
    """What a step expects, with the day of its replay where the answer repeats a moment of the question's: recorded is the day of
    the recording."""
    expected, query = json.dumps(step["expect"]), step.get("query") or {}
    day = datetime.datetime.now(datetime.timezone.utc).date()
    for name, value in query.items() if isinstance(query, dict) else query:
        if not MOMENT.search(str(value)):
            continue
        form = urllib.parse.quote(name, safe="") + "=" + urllib.parse.quote(value, safe="${}")
        asked = form
        for known, offset in DAYS.items():
            asked = asked.replace("${%s}" % known, str(day + datetime.timedelta(days=offset)))
        recorded = re.sub(r"\\\$\\\{(?:%s)\\\}" % "|".join(DAYS), r"\\d{4}-\\d\\d-\\d\\d", re.escape(form))
        expected = re.sub(recorded, lambda _: asked, expected)
    return json.loads(expected)


def replay_one(program, base, file):
    done = subprocess.run([sys.executable, program, "--base", base, "--intended", os.path.join(HERE, "intended.txt"), file],
                          stdout=subprocess.PIPE, text=True)
    if done.returncode not in (0, 1):
        raise RuntimeError("the replay of %s could not run" % name_of(file))
    return done.stdout


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(url, process, what, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError("%s ended with status %d" % (what, process.returncode))
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError("%s did not get ready" % what)


def print_tail(path):
    with open(path, encoding="utf-8", errors="replace") as log:
        print("".join(log.readlines()[-20:]), file=sys.stderr)


def intended_counts():
    """How many steps of each conversation differ on purpose."""
    steps = set()
    with open(os.path.join(HERE, "intended.txt"), encoding="utf-8") as lines:
        for line in lines:
            if line.strip() and not line.startswith("#"):
                steps.add(tuple(line.split()[:2]))
    counts = {}
    for name, _ in steps:
        counts[name] = counts.get(name, 0) + 1
    return counts


def judge(found, files, left_out, first, args):
    kept, intended = {}, intended_counts()
    if os.path.exists(RATCHET):
        with open(RATCHET, encoding="utf-8") as file:
            kept = json.load(file)
    problems = []
    for name in map(name_of, files):
        equal, compared = found.get(name, (0, 0))
        if equal + intended.get(name, 0) < kept.get(name, 0):
            problems.append("%s: %d steps are right, %d were" % (name, equal + intended.get(name, 0), kept[name]))
        if name in first and (equal < compared or name not in found):
            problems.append("%s: %d of %d steps are equal, and it has to be all" % (name, equal, compared))
    if not args.only:
        for name in kept:
            if name not in found and name not in left_out:
                problems.append("%s: has not been replayed" % name)
    if args.update:
        kept.update({name: equal + intended.get(name, 0) for name, (equal, _) in found.items()})
        with open(RATCHET, "w", encoding="utf-8") as file:
            json.dump(kept, file, indent=1, sort_keys=True)
            file.write("\n")
        problems = [problem for problem in problems if problem.endswith("all")]
    for name in left_out:
        print("%s: left out, there is no engine" % name)
    risen = sum(1 for name, (equal, _) in found.items() if equal + intended.get(name, 0) > kept.get(name, 0))
    if risen and not args.update:
        print("%d conversations have more right steps than kept: make conformance-update" % risen)
    for problem in problems:
        print("FELL " + problem if "were" in problem else "NOT EQUAL " + problem)
    equal, compared = (sum(numbers[i] for numbers in found.values()) for i in (0, 1))
    print("%d passed, %d failed" % (equal, compared - equal))
    return 1 if problems or not found else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (RuntimeError, subprocess.CalledProcessError) as failure:
        print("conformance: %s" % failure, file=sys.stderr)
        sys.exit(1)
