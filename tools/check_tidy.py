#!/usr/bin/env python3
"""Fails when clang-tidy finds something in src/ or examples/ that .clang-tidy asks for.

A file that was clean is not looked at again until it, a header of it or .clang-tidy changes: BUILD-DIR/tidy holds an
empty file for each clean state, named by the hash of what the compiler sees. Exit 77: no clang-tidy here.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
NOISE = re.compile(r"^\d+ warnings? generated\.$|^Suppressed|^Use -header-filter", re.M)


def jobs(build, wanted):
    """(path, command that preprocesses it, folder) of each source, once."""
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
        inside = any((ROOT / folder) in path.parents for folder in ("src", "examples"))
        if not inside or (wanted and path not in wanted):
            continue
        words = [w for w in shlex.split(entry["command"]) if w not in ("-c", "-MD", "ccache")]
        for option in ("-o", "-MF", "-MQ"):
            if option in words:
                at = words.index(option)
                del words[at:at + 2]
        found.setdefault(path, (words + ["-E", "-w"], entry["directory"]))
    return sorted((path, *rest) for path, rest in found.items())


def state(job, rules):
    """The hash of what the compiler sees of a file and of what it is asked; None: it does not compile."""
    path, command, folder = job
    seen = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    if seen.returncode:
        return None
    return hashlib.sha256(b"\0".join((rules, str(path).encode(), shlex.join(command).encode(), seen.stdout))).hexdigest()


def check(tidy, build, job, rules):
    """What clang-tidy says of a file; None: it is clean."""
    name = state(job, rules)
    clean = build / "tidy" / name if name else None
    if clean and clean.exists():
        return None
    done = subprocess.run([tidy, "-quiet", f"-p={build}", str(job[0])], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    if done.returncode == 0 and " warning: " not in done.stdout:
        if clean:
            clean.touch()
        return None
    return NOISE.sub("", done.stdout).strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=pathlib.Path, help="holds compile_commands.json")
    parser.add_argument("files", nargs="*", type=pathlib.Path, help="these sources only")
    args = parser.parse_args()
    tidy = shutil.which("clang-tidy")
    if not tidy:
        return 77
    build = args.build.resolve()
    (build / "tidy").mkdir(exist_ok=True)
    rules = (ROOT / ".clang-tidy").read_bytes() + subprocess.run([tidy, "--version"], stdout=subprocess.PIPE).stdout
    todo = jobs(build, {f.resolve() for f in args.files})
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        said = [text for text in pool.map(lambda job: check(tidy, build, job, rules), todo) if text]
    print("\n".join(said) or f"{len(todo)} files are clean")
    return 1 if said or not todo else 0


if __name__ == "__main__":
    sys.exit(main())
