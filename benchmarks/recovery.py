#!/usr/bin/env python3
"""Time from SIGKILL of a node of a local cluster until the cluster works as before.

    benchmarks/recovery.py [--fabric http|akka] [--rounds 3] [--nodes rollout=2,scorer=1] [RECIPE]

Kills a rollout node, the scorer and the learner in turn, each `--rounds` times, and waits until the next step after that is done and the process that was started in place
of the killed one has computed (its engine's threads have used processor time). The launcher's pause is in it. Linux only; the program has to be built
(./distributed --version).
"""
import argparse
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = pathlib.Path(os.environ.get("PROGRAM", ROOT / "artifacts/bin/Distributed.Node/release/Distributed.Node.dll"))
LIMIT = 120.0


def nodes(program):
    """Name -> process id of the nodes that run."""
    found = {}
    # A process started again is the child of whichever thread started it.
    for pid in [pid for children in pathlib.Path(f"/proc/{program.pid}/task").glob("*/children") for pid in words_of(children)]:
        try:
            words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
        except OSError:
            continue
        if "node" in words:
            found[words[words.index("--name") + 1] if "--name" in words else "learner"] = int(pid)
    return found


def words_of(path):
    try:
        return path.read_text().split()
    except OSError:
        return []


def computed(pid):
    """Whether a process's engine threads have used processor time."""
    try:
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            text = (task / "stat").read_text()
            name, fields = text[text.index("(") + 1 : text.rindex(")")], text[text.rindex(")") + 2 :].split()
            if name.startswith(("engine", "compute-")) and int(fields[11]) > 1:
                return True
    except OSError:
        pass
    return False


def steps(run):
    ledger = run / "ledger.jsonl"
    return ledger.read_bytes().count(b"\n") if ledger.exists() else 0


def until(holds, program, what):
    began = time.monotonic()
    while not holds():
        if program.poll() is not None:
            sys.exit(f"the cluster ended while waiting until {what}")
        if time.monotonic() - began > LIMIT:
            sys.exit(f"not within {LIMIT:.0f} s: {what}")
        time.sleep(0.02)
    return time.monotonic() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", nargs="?", default=str(ROOT / "recipes/chaos.yaml"))
    parser.add_argument("--fabric", default="http", choices=["http", "akka"])
    parser.add_argument("--nodes", default="rollout=2,scorer=1")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = pathlib.Path(folder) / "run"
        program = subprocess.Popen(
            ["dotnet", str(PROGRAM), "train", given.recipe, "--nodes", given.nodes, "--fabric", given.fabric, "--out", str(run)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "DISTRIBUTED_HOME": str(ROOT)})
        try:
            until(lambda: steps(run) >= 3 and all(computed(pid) for pid in nodes(program).values()), program, "the first steps are done")
            print("| killed | to the next step, s | until it has worked again, s |\n|---|---|---|")
            for victim in ("rollout-1", "scorer-1", "learner"):
                to_step, to_work = [], []
                for _ in range(given.rounds):
                    old, done, began = nodes(program)[victim], steps(run), time.monotonic()
                    os.kill(old, signal.SIGKILL)
                    until(lambda: steps(run) > done, program, f"a step is done after {victim} was killed")
                    to_step.append(time.monotonic() - began)
                    until(lambda: nodes(program).get(victim, old) != old and computed(nodes(program)[victim]), program, f"{victim} works again")
                    to_work.append(time.monotonic() - began)
                    time.sleep(3)
                print(f"| {victim} | {words(to_step)} | {words(to_work)} |", flush=True)
        finally:
            program.send_signal(signal.SIGINT)
            program.wait()


def words(seconds):
    return f"{statistics.median(seconds):.1f} ({', '.join(f'{second:.1f}' for second in sorted(seconds))})"


if __name__ == "__main__":
    main()
