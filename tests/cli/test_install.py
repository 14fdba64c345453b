# SPDX-License-Identifier: MIT
"""Proves that what is installed can be used: program, models, and the library by way of pkg-config.

test_install.py BUILD_FOLDER
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "tests" / "golden" / "models" / "llama.Q4_K.gguf"
BUILD = ""


def output_of(*command, env=None):
    done = subprocess.run(command, capture_output=True, timeout=120, check=False, env=os.environ | (env or {}))
    if done.returncode:
        raise AssertionError(f"{command} ended with {done.returncode}: {done.stderr.decode()}")
    return done.stdout


class Installed(unittest.TestCase):
    def test_program_models_and_library_work_where_they_were_installed(self):
        with tempfile.TemporaryDirectory() as folder:
            output_of("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", folder)
            package = next(pathlib.Path(folder).rglob("nmos.pc"))
            program = next(pathlib.Path(folder).rglob("bin/nmos"))
            flags = output_of("pkg-config", "--cflags", "--libs", "nmos",
                              env={"PKG_CONFIG_PATH": package.parent, "PKG_CONFIG_SYSROOT_DIR": folder})
            complete = pathlib.Path(folder) / "complete"
            output_of("cc", "-o", complete, ROOT / "examples" / "complete.c", *flags.decode().split())
            text = output_of(complete, MODEL, "a river", "4")
            self.assertEqual(text, b"a river" + output_of(program, "run", "-m", MODEL, "-p", "a river", "-n",
                                                          "4").removesuffix(b"\n"))
            models = {path.name for path in pathlib.Path(folder).rglob("*.gguf")}
            self.assertEqual(models, {"nano-oracle.gguf", "nano-draft.gguf", "nano-moe.gguf"})


if __name__ == "__main__":
    BUILD = sys.argv.pop(1)
    unittest.main(verbosity=1)
