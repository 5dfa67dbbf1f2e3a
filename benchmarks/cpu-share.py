#!/usr/bin/env python3
"""Processor time of a local cluster that goes into the engines, and what the rest costs.

    benchmarks/cpu-share.py [--fabric http|akka] [--nodes rollout=2,scorer=1] [--from-step 5] [--to-step 25] [RECIPE]

Starts `distributed train --nodes` and reads /proc between two steps of the run, when everything is loaded and compiled: of each process all processor time
and that of the engine's threads, which are named. What is left is messages, weights, environments, checkpoints, logs, heartbeats and the
run time's own threads. Linux only. The program has to be built (./distributed --version).
"""
import argparse
import collections
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = pathlib.Path(os.environ.get("PROGRAM", ROOT / "artifacts/bin/Distributed.Node/release/Distributed.Node.dll"))
TICK = os.sysconf("SC_CLK_TCK")
ENGINE = ("engine", "compute-")


def stat(path):
    """Name and processor seconds in a stat file of /proc; None if the thread is gone."""
    try:
        text = path.read_text()
    except OSError:
        return None
    name, fields = text[text.index("(") + 1 : text.rindex(")")], text[text.rindex(")") + 2 :].split()
    return name, (int(fields[11]) + int(fields[12])) / TICK


def look(pids):
    """(process, thread) -> (name, seconds), and process -> seconds."""
    threads, processes = {}, {}
    for pid in pids:
        process = pathlib.Path(f"/proc/{pid}")
        processes[pid] = stat(process / "stat")[1]
        for task in (process / "task").iterdir():
            if (seen := stat(task / "stat")) is not None:
                threads[pid, task.name] = seen
    return threads, processes


def role_of(pid):
    words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    return words[words.index("--name") + 1] if "--name" in words else "learner"


def children(parent):
    text = pathlib.Path(f"/proc/{parent}/task/{parent}/children").read_text()
    return [int(pid) for pid in text.split()]


def steps(run):
    ledger = run / "ledger.jsonl"
    return ledger.read_bytes().count(b"\n") if ledger.exists() else 0


def until(run, step, program):
    while steps(run) < step:
        if program.poll() is not None:
            sys.exit(f"the run ended at step {steps(run)}; its logs are in {run}/nodes")
        time.sleep(0.1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", nargs="?", default=str(ROOT / "recipes/search-qa.yaml"))
    parser.add_argument("--fabric", default="http", choices=["http", "akka"])
    parser.add_argument("--nodes", default="rollout=2,scorer=1")
    parser.add_argument("--from-step", type=int, default=5)
    parser.add_argument("--to-step", type=int, default=25)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = pathlib.Path(folder) / "run"
        program = subprocess.Popen(
            ["dotnet", str(PROGRAM), "train", given.recipe, "--nodes", given.nodes, "--fabric", given.fabric, "--out", str(run),
             "--set", f"steps={given.to_step + 5}", "--set", "evaluation.every_steps=0", "--set", "evaluation.untrained=false"],
            stdout=subprocess.DEVNULL, env={**os.environ, "DISTRIBUTED_HOME": str(ROOT)})
        try:
            until(run, given.from_step, program)
            nodes = children(program.pid)
            pids, began = [program.pid, *nodes], time.time()
            names = {program.pid: "launcher", **{pid: role_of(pid) for pid in nodes}}
            before_threads, before = look(pids)
            until(run, given.to_step, program)
            after_threads, after = look(pids)
            elapsed = time.time() - began
        finally:
            program.send_signal(signal.SIGINT)
            program.wait()
    report(given, names, elapsed, before_threads, before, after_threads, after)


def report(given, names, elapsed, before_threads, before, after_threads, after):
    print(f"fabric {given.fabric}, {given.nodes}, steps {given.from_step} to {given.to_step}: {elapsed:.1f} s\n")
    print("| process | processor time, s | engine, s | outside, s | share outside |\n|---|---|---|---|---|")
    rest, all_time, all_engine = collections.Counter(), 0.0, 0.0
    for pid, name in names.items():
        total, engine = after[pid] - before[pid], 0.0
        for (of, thread), (thread_name, seconds) in after_threads.items():
            if of != pid:
                continue
            spent = seconds - before_threads.get((of, thread), (thread_name, 0.0))[1]
            if thread_name.startswith(ENGINE):
                engine += spent
            else:
                rest[name.split("-")[0], thread_name] += spent
        all_time, all_engine = all_time + total, all_engine + engine
        print(f"| {name} | {total:.2f} | {engine:.2f} | {total - engine:.2f} | {(total - engine) / max(total, 1e-9):.1%} |")
    print(f"| all | {all_time:.2f} | {all_engine:.2f} | {all_time - all_engine:.2f} | {(all_time - all_engine) / all_time:.1%} |")
    print("\nmost of the rest, s of processor time: " + ", ".join(f"{role} {thread} {seconds:.2f}" for (role, thread), seconds in rest.most_common(14)))


if __name__ == "__main__":
    main()
