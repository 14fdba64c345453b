# SPDX-License-Identifier: MIT
"""Proves that `nmos plan` divides the budget exactly, predicts what its figures imply, and refuses with numbers."""
import ctypes.util
import json
import pathlib
import resource
import signal
import subprocess

import cli
from cli import CliTest

MODEL = pathlib.Path(__file__).resolve().parents[1] / "golden" / "models" / "llama.Q4_K.gguf"
MOE = pathlib.Path(__file__).resolve().parents[2] / "models" / "nano-moe.gguf"
LAPTOP = {"ram_GiB": 16, "disk_GBps": 2, "memory_GBps": 40, "gmacs": 100}


class Plan(CliTest):
    def plan(self, *args):
        hw = self.write("hw.json", json.dumps(LAPTOP))
        return json.loads(self.ok("plan", "-m", MODEL, "--json", "--hw", hw, *args))

    def test_a_model_that_fits_is_bound_by_memory_and_streams_nothing(self):
        plan = self.plan()
        self.assertEqual((plan["streamed_bytes_per_pass"], plan["ring_bytes"], plan["binding"]), (0, 0, "memory"))
        self.assertEqual(plan["budget_bytes"], 16 << 30)
        self.assertAlmostEqual(plan["pass_s"], plan["touched_bytes_per_pass"] / 40e9)
        self.assertEqual({shard["place"] for shard in plan["shards"]}, {"ram"})

    def test_shards_add_up_to_what_is_touched_and_streamed(self):
        plan = self.plan()
        self.assertEqual(sum(shard["bytes"] for shard in plan["shards"]), plan["touched_bytes_per_pass"])
        self.assertAlmostEqual(plan["tok_s"] * plan["pass_s"], 1, 5)

    def test_a_gpu_that_cannot_be_had_is_refused_with_the_reason_and_the_remedy(self):
        if ctypes.util.find_library("cuda"):
            self.skipTest("there is a driver")
        for named, remedy in ((["--vram", "1G"], "--vram 1000000000: .*leave --vram away"),
                              (["--device", "cuda:0"], "--device cuda:0: .*leave it and --vram away"),
                              (["--vram", "1G", "--device", "cuda:7"], "--device cuda:7: .*leave it and --vram away")):
            message = self.fails(1, ["libcuda.so.1", "sim:4GiB@3.2GB/s"], "plan", "-m", MODEL, *named)
            self.assertRegex(message, remedy)

    def test_too_little_memory_is_refused_with_the_amount_that_would_do(self):
        hw = self.write("hw.json", json.dumps(LAPTOP))
        message = self.fails(1, ["--ram 1000000 bytes", "KV"], "plan", "-m", MODEL, "--hw", hw, "--ram", "1M")
        needed = max(int(word.strip(";,.")) for word in message.split() if word.strip(";,.").isdigit())
        self.assertGreater(needed, 1000000)

    def test_a_description_may_say_how_fast_weights_are_computed(self):
        more = {"pinned_GBps": 20, "streamed_GBps": 10, "product_us": 7}
        hw = self.write("hw.json", json.dumps({**LAPTOP, **more}))
        fits = json.loads(self.ok("plan", "-m", MODEL, "--json", "--hw", hw))
        self.assertEqual({key: fits[key] for key in more}, more)
        n_layers = sum(shard["name"].startswith("blk.") for shard in fits["shards"])
        n_products = 4 * n_layers + 1  # q with k and v, output, gate with up, down; the head
        self.assertAlmostEqual(fits["compute_s"], fits["touched_bytes_per_pass"] / 20e9 + n_products * 7e-6)

    def test_a_bad_description_of_a_machine_names_the_field(self):
        for field in ("disk_GBps", "product_us"):
            hw = self.write("hw.json", json.dumps({**LAPTOP, field: 0}))
            self.fails(1, [field, "hw.json"], "plan", "-m", MODEL, "--hw", hw)
        self.fails(1, ["none.json: No such file"], "plan", "-m", MODEL, "--hw", self.dir / "none.json")
        self.fails(1, "hw.json", "plan", "-m", MODEL, "--hw", self.write("hw.json", "{"))

    def measured(self, *args):
        """A plan for this machine, with the cache of this test."""
        return json.loads(self.ok("plan", "-m", MODEL, "--json", *args, env={"XDG_CACHE_HOME": str(self.dir)}))

    def test_bytes_of_experts_are_an_estimate_until_these_have_been_used(self):
        hw = self.write("hw.json", json.dumps(LAPTOP))
        env = {"XDG_CACHE_HOME": str(self.dir)}
        command = ["plan", "-m", MOE, "--hw", hw, "--ctx", "128"]
        least = int(self.fails(1, " make ", *command, "--ram", "1M").split(" make ")[1].split(";")[0])
        command += ["--ram", str(least + 4000000)]
        before = json.loads(self.ok(*command, "--json", env=env))
        self.assertFalse(before["experts_learned"])
        self.assertIn(b"an estimate, as no run has been measured yet", self.ok(*command, env=env))
        self.ok("run", "-m", MOE, "--ctx", "128", "--ram", str(least + 4000000), "-p", "a", "-n", "8", env=env)
        after = json.loads(self.ok(*command, "--json", env=env))
        self.assertTrue(after["experts_learned"])
        self.assertEqual(after["experts_measured_tokens"], 0)
        self.assertIn(b"an estimate, from runs with other sizes of memory", self.ok(*command, env=env))
        self.assertNotEqual(after["streamed_bytes_per_pass"], before["streamed_bytes_per_pass"])
        for plan in (before, after):
            self.assertLessEqual(plan["streamed_bytes_low"], plan["streamed_bytes_per_pass"])
            self.assertGreaterEqual(plan["streamed_bytes_high"], plan["streamed_bytes_per_pass"])
        for plan in (before, after):
            self.assertGreaterEqual(plan["pass_s"], max(plan["disk_s"], plan["compute_s"]))
            self.assertLessEqual(plan["pass_s"], plan["disk_s"] + plan["compute_s"])

    def test_bytes_of_a_prompt_follow_passes_of_as_many_rows(self):
        hw = self.write("hw.json", json.dumps(LAPTOP))
        env = {"XDG_CACHE_HOME": str(self.dir)}
        command = ["-m", MOE, "--ctx", "127"]
        least = int(self.fails(1, " make ", "plan", "--hw", hw, *command, "--ram", "1M").split(" make ")[1].split(";")[0])
        command += ["--ram", str(least + 4000000)]
        before = json.loads(self.ok("plan", "--hw", hw, *command, "--json", env=env))
        tokens = json.loads(self.ok("tokenize", "-m", MOE, stdin=b"What a pass of many rows reads for experts. " * 20))
        text = self.ok("detokenize", "-m", MOE, stdin=json.dumps(tokens[:100]).encode())
        self.ok("run", *command, "-f", self.write("prompt", text), "-n", "2", env=env)
        after = json.loads(self.ok("plan", "--hw", hw, *command, "--json", env=env))
        self.assertEqual((before["prompt_learned"], after["prompt_learned"]), (False, True))
        for plan in (before, after):
            self.assertEqual(plan["prompt_rows"], 127)
            self.assertLessEqual(plan["prompt_bytes"], plan["prompt_bytes_most"])
            # What is read beside the slots is at most all experts, in blocks of 4096 bytes.
            self.assertLess(plan["prompt_bytes_most"], 1.1 * plan["model_bytes"])

    def test_this_machine_is_measured_once_and_anew_on_request(self):
        first = self.measured()
        for figure in ("disk_GBps", "memory_GBps", "pinned_GBps", "streamed_GBps", "gmacs"):
            self.assertGreater(first[figure], 0)
        second = self.measured()
        self.assertEqual((first.pop("measured_now"), second.pop("measured_now")), (True, False))
        self.assertEqual({k: v for k, v in first.items() if k.endswith("GBps")},
                         {k: v for k, v in second.items() if k.endswith("GBps")})
        self.assertTrue(self.measured("--replan")["measured_now"])

    def test_speeds_that_are_damaged_or_not_of_this_boot_are_measured_anew(self):
        path = self.dir / "nmos" / "speeds.json"
        self.measured()
        good = json.loads(path.read_text())
        self.assertEqual([p.name for p in path.parent.iterdir()], ["speeds.json"])
        kernels = list(good["kernels"])[0]
        for bad in ("[{", "x" * 2000000, json.dumps({**good, "boot": "another"}), json.dumps({**good, "disks": 1}),
                    json.dumps({**good, "kernels": {kernels: {"gmacs": 1}}}),
                    json.dumps({**good, "disks": {disk: {"GBps": -1} for disk in good["disks"]}})):
            path.write_text(bad)
            self.assertTrue(self.measured()["measured_now"], bad[:80])
            self.assertEqual(set(json.loads(path.read_text())["disks"]), set(good["disks"]))
            self.assertFalse(self.measured()["measured_now"])

    def test_a_cache_that_cannot_be_written_changes_nothing(self):
        """No folder, and a disk that is full: the same plan, measured every time."""
        for _ in range(2):
            plan = json.loads(self.ok("plan", "-m", MODEL, "--json", env={"XDG_CACHE_HOME": "/dev/null"}))
            self.assertTrue(plan["measured_now"])

        def no_space():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

        done = subprocess.run([cli.NMOS, "plan", "-m", MODEL, "--json"], capture_output=True, check=False, timeout=60,
                              preexec_fn=no_space, restore_signals=False,  # pylint: disable=subprocess-popen-preexec-fn
                              env={"XDG_CACHE_HOME": str(self.dir)})
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertTrue(json.loads(done.stdout)["measured_now"])
        self.assertEqual(list((self.dir / "nmos").iterdir()), [])


if __name__ == "__main__":
    cli.main()
