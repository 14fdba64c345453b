# SPDX-License-Identifier: MIT
"""Proves that each public header compiles alone, as C17 and as C++17, and that nmos.h includes all of them."""
import pathlib
import shlex
import subprocess
import sys

root = pathlib.Path(__file__).resolve().parent.parent / "include"
headers = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.h"))
bad = []
for flags in ("-x c -std=c17 -Wstrict-prototypes", "-x c++ -std=c++17"):
    for header in headers:
        command = [*shlex.split(sys.argv[1]), *flags.split(), "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only",
                   f"-I{root}", "-"]
        done = subprocess.run(command, input=f"#include <{header}>\n", capture_output=True, text=True, check=False)
        if done.returncode:
            bad.append(f"{header}, {flags}: {done.stderr}")
all_of_it = (root / "nmos" / "nmos.h").read_text()
bad += [f"nmos.h does not include {h}" for h in headers if h != "nmos/nmos.h" and f"#include <{h}>" not in all_of_it]
print("\n".join(bad) or f"{len(headers)} headers ok")
sys.exit(bool(bad))
