#!/usr/bin/env python3
"""Times this engine against PyTorch: the same weights, the same work, both sides in turn, one table of medians and ratios.

  benchmarks/compare-torch.py [--shapes S,M,L] [--tasks train,score,small,large] [--rounds 5] [--threads 2] [--tsv FILE] [--no-build]

PyTorch is Debian's python3-torch, tuned: OpenBLAS with OpenMP (package libopenblas0-openmp), AVX-512 kernels where the machine has
them, no mmap for large blocks, as many threads as this engine. PYTHON names the interpreter that has torch (else the first of python3 and
/usr/bin/python3 that can import it). A repetition in which other processes used more than 4 % of the machine is counted as disturbed and
repeated, at most twice.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
# batch, sequence, steps a repetition of train and score; sampling: small batch, large batch, prompt, new tokens
SHAPES = {
    "S": dict(batch=16, train=3, score=8, small=16, large=128),
    "M": dict(batch=8, sequence=512, train=1, score=2, small=8, large=128),
    "L": dict(batch=4, sequence=512, train=1, score=1, small=4, large=32),
}
PROMPT, NEW = 16, 240
TARGETS = {
    ("S", "train"): 2.2, ("M", "train"): 2.0, ("L", "train"): 1.7, ("S", "score"): 2.2, ("M", "score"): 2.4, ("L", "score"): 1.7,
    ("S", "small"): 10, ("M", "small"): 4.5, ("L", "small"): 3.2, ("S", "large"): 6, ("M", "large"): 4, ("L", "large"): 3,
}


class Side:
    def __init__(self, command, environment):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}, cwd=ROOT)
        self.name = self.process.stdout.readline().strip()

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        if not answer:
            sys.exit(f"'{self.name}' ended on '{line}'")
        return answer

    def measure(self, line):
        """Seconds, value, and whether something else used the machine meanwhile."""
        busy, own = machine_busy(), self.used()
        seconds, value = map(float, self.ask(line).split()[:2])
        busy, own = machine_busy() - busy, self.used() - own
        return seconds, value, busy - own > 0.04 * seconds * os.cpu_count() + 0.02

    def used(self):
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)


def machine_busy():
    with open("/proc/stat") as file:
        values = [int(v) for v in file.readline().split()[1:9]]
    return (sum(values) - values[3] - values[4]) / os.sysconf("SC_CLK_TCK")


def find_python():
    for candidate in filter(None, (os.environ.get("PYTHON"), "python3", "/usr/bin/python3")):
        if subprocess.run([candidate, "-c", "import torch, numpy"], capture_output=True).returncode == 0:
            return candidate
    sys.exit("No python3 can import torch; install Debian's python3-torch and libopenblas0-openmp, or name an interpreter with PYTHON.")


def tuned_environment():
    environment = {"MALLOC_MMAP_MAX_": "0", "PYTHONUNBUFFERED": "1"}
    with open("/proc/cpuinfo") as file:
        if "avx512f" in file.read():
            environment |= {"OPENBLAS_CORETYPE": "SkylakeX", "ATEN_CPU_CAPABILITY": "avx512"}
    openblas = "/usr/lib/x86_64-linux-gnu/openblas-openmp"
    if os.path.isdir(openblas):
        environment["LD_LIBRARY_PATH"] = openblas + ":" + os.environ.get("LD_LIBRARY_PATH", "")
    else:
        print("libopenblas0-openmp is not installed: PyTorch is slower than it could be", file=sys.stderr)
    return environment


def work(shape, task):
    """The command, and how many tokens it handles."""
    s = SHAPES[shape]
    sequence = s.get("sequence", 256)
    if task in ("train", "score"):
        return f"{task} {s['batch']} {sequence} {s[task]}", s["batch"] * sequence * s[task]
    return f"sample {s[task]} {PROMPT} {NEW}", s[task] * NEW


def check(shape, torch, engine):
    """Both sides compute the same: loss on the same weights, and after training steps."""
    batch, sequence = 2, SHAPES[shape].get("sequence", 256)
    line = f"loss {batch} {sequence}"
    theirs, ours = (float(side.ask(line).split()[1]) for side in (torch, engine))
    steps = f"train {batch} {sequence} 4"
    theirs4, ours4 = (float(side.ask(steps).split()[1]) for side in (torch, engine))
    print(f"{shape}: loss {theirs:.6f} / {ours:.6f}, in the fourth training step {theirs4:.6f} / {ours4:.6f} (PyTorch / this engine)", flush=True)
    if abs(theirs - ours) > 1e-4 * theirs or abs(theirs4 - ours4) > 1e-3 * theirs4:
        sys.exit(f"{shape}: the two sides do not compute the same")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", default="S,M,L")
    parser.add_argument("--tasks", default="train,score,small,large")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--tsv", help="also append every repetition to this file")
    parser.add_argument("--no-build", action="store_true")
    options = parser.parse_args()

    project = os.path.join(HERE, "Distributed.Benchmarks")
    if not options.no_build:
        subprocess.run(["dotnet", "build", project, "-c", "Release", "-v", "quiet", "-nologo"], check=True, stdout=sys.stderr)
    program = os.path.join(ROOT, "artifacts/bin/Distributed.Benchmarks/release/Distributed.Benchmarks.dll")
    threads = str(options.threads)
    torch = Side([find_python(), os.path.join(HERE, "torch/reference.py"), threads], tuned_environment())
    engine = Side(["dotnet", program, "serve", threads], {})
    print(f"{torch.name}\n{engine.name}", flush=True)

    rows = []
    for shape in options.shapes.split(","):
        with tempfile.TemporaryDirectory(prefix="distributed-compare-") as folder:
            engine.ask(f"make {shape} {folder}")
            torch.ask(f"load {folder}")
        check(shape, torch, engine)
        for task in options.tasks.split(","):
            command, tokens = work(shape, task)
            speeds, disturbed = {torch: [], engine: []}, 0
            for side in (torch, engine):
                side.ask(command)
            for _ in range(options.rounds):
                for side in (torch, engine):
                    for _ in range(3):
                        time.sleep(0.05)
                        seconds, _, dirty = side.measure(command)
                        if not dirty:
                            break
                    disturbed += dirty
                    speeds[side].append(tokens / seconds)
                    if options.tsv:
                        with open(options.tsv, "a") as file:
                            file.write(f"{shape}\t{task}\t{'torch' if side is torch else 'engine'}\t{tokens / seconds:.1f}\t{int(dirty)}\n")
            rows.append((shape, task, speeds[torch], speeds[engine], disturbed))
            theirs, ours = statistics.median(speeds[torch]), statistics.median(speeds[engine])
            print(f"{shape} {task}: {theirs:,.0f} / {ours:,.0f} = {ours / theirs:.2f}", flush=True)
    torch.close()
    engine.close()

    print("\n| shape | task | PyTorch tuned, tokens/s (range) | this engine, tokens/s (range) | ratio | wanted | disturbed |")
    print("|---|---|---|---|---|---|---|")
    for shape, task, theirs, ours, disturbed in rows:
        name = task if task in ("train", "score") else f"sample, batch {SHAPES[shape][task]}"
        cells = [f"{statistics.median(v):,.0f} ({min(v):,.0f} - {max(v):,.0f})" for v in (theirs, ours)]
        ratio = statistics.median(ours) / statistics.median(theirs)
        print(f"| {shape} | {name} | {cells[0]} | {cells[1]} | {ratio:.2f} | {TARGETS[(shape, task)]} | {disturbed} of {2 * len(ours)} |")


main()
