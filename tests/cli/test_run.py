# SPDX-License-Identifier: MIT
"""Proves that `nmos run` gives the same text however the work is done, and ends, fails and counts as documented."""
import json
import os
import pathlib
import re
import signal
import subprocess

import cli
from cli import CliTest, nmos

MODELS = pathlib.Path(__file__).resolve().parents[1] / "golden" / "models"
MODEL = MODELS / "llama.Q4_K.gguf"
DRAFT = MODELS / "llama.IQ1_S.gguf"  # the same vocabulary
PROMPT = "hello world"
STATS = set("""prompt_tokens generated_tokens passes rows accepted_per_pass prefill_s decode_s tok_s ttft_s pass_s
    bytes_read read_GBps stall_s stall_max_s compute_s late_shards shrinks resident_bytes touched_bytes_per_pass streamed_bytes_per_pass
    efficiency peak_rss_bytes budget_bytes ctx kv_bytes io_backend cpu_isa threads kv_pages kv_spilled_bytes spec
    accept guessed_tokens accepted_draft accepted_ngram accepted_depth passes_unguessed binding""".split())


class Run(CliTest):
    def run_text(self, *args):
        return self.ok("run", "-m", MODEL, "-p", PROMPT, *args)

    def greedy(self, *args):
        return self.run_text("--temp", 0, "-n", 24, *args)

    def stats(self, *args):
        """Output, the notices before the statistics, and the statistics."""
        done = nmos("run", "-m", MODEL, "-p", PROMPT, "--stats", *args)
        self.assertEqual(done.returncode, 0, done.stderr)
        *notices, line = done.stderr.decode().splitlines()
        return done.stdout, notices, json.loads(line)

    def test_the_same_command_gives_the_same_text(self):
        text = self.greedy()
        self.assertEqual(self.greedy(), text)
        self.assertTrue(text.endswith(b"\n"))
        self.assertGreater(len(text), 20)
        self.assertEqual(self.run_text("-n", 24, "--seed", 5), self.run_text("-n", 24, "--seed", 5))
        self.assertNotEqual(self.run_text("-n", 24, "--seed", 5), self.run_text("-n", 24, "--seed", 6))

    def test_text_does_not_depend_on_threads_or_instructions(self):
        text = self.greedy()
        for threads in (1, 2):
            self.assertEqual(self.greedy("--threads", threads), text)
        for cpu in ("scalar", "avx2", "avx512"):
            done = nmos("run", "-m", MODEL, "-p", PROMPT, "--temp", "0", "-n", "24", "--cpu", cpu)
            if b"this processor has no" not in done.stderr:
                self.assertEqual((done.returncode, done.stdout), (0, text), cpu)

    def test_text_does_not_depend_on_memory(self):
        command = ["run", "-m", MODELS / "llama-ropefreqs.gguf", "-p", PROMPT, "--temp", 0, "-n", 24, "--stats"]
        resident = nmos(*command)
        least = 1
        for _ in range(60):  # what the program itself holds differs from run to run, most under sanitizers
            streamed = nmos(*command, "--ram", least)
            if streamed.returncode != 0:
                least = int(re.search(r"make (\d+)", streamed.stderr.decode())[1])
                continue
            stats = json.loads(streamed.stderr)
            if stats["streamed_bytes_per_pass"]:
                break
            least -= 50000
        self.assertGreater(stats["streamed_bytes_per_pass"], 0)
        self.assertGreater(stats["bytes_read"], 20 * stats["streamed_bytes_per_pass"])
        self.assertEqual(json.loads(resident.stderr)["streamed_bytes_per_pass"], 0)
        self.assertEqual(streamed.stdout, resident.stdout)

    def test_a_stop_text_ends_the_answer_and_is_not_shown(self):
        whole = self.greedy()
        stop = re.search(rb"[a-z]{2,}", whole[4:])[0]
        text = self.greedy("--stop", stop.decode())
        self.assertEqual(text, whole[:whole.index(stop)] + b"\n")
        self.assertEqual(self.greedy("--stop", "never in it", "--stop", stop.decode()), text)

    def test_n_counts_tokens(self):
        self.assertEqual(self.run_text("-n", 0), b"\n")
        text, _, stats = self.stats("--temp", 0, "-n", 1)
        self.assertEqual((stats["generated_tokens"], stats["passes"]), (1, 1))
        self.assertTrue(self.greedy().startswith(text[:1]))

    def test_a_bias_forces_a_token(self):
        self.assertEqual(self.run_text("-n", 3, "--logit-bias", "64=1000"), b"aaa\n")
        self.assertNotEqual(self.greedy("--logit-bias", "64=1000", "--logit-bias", "65=2000")[:3], b"aaa")
        self.fails(2, "--logit-bias 64", "run", "-m", MODEL, "-p", PROMPT, "--logit-bias", "64")
        self.fails(2, "99999", "run", "-m", MODEL, "-p", PROMPT, "--logit-bias", "99999=1")

    def test_json_holds_the_same_text_and_how_it_ended(self):
        *pieces, end = map(json.loads, self.greedy("--json").splitlines())
        self.assertEqual("".join(piece["text"] for piece in pieces) + "\n", self.greedy().decode("utf-8", "replace"))
        self.assertEqual((end["end"], end["generated_tokens"]), ("limit", 24))
        self.assertEqual(end["prompt_tokens"], self.stats("-n", 1)[2]["prompt_tokens"])

    def test_an_interrupt_ends_with_130_and_the_text_so_far(self):
        command = [cli.NMOS, "run", "-m", MODEL, "-p", PROMPT, "--temp", "0", "-n", "480"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            first = process.stdout.read(1)
            process.send_signal(signal.SIGINT)
            rest, message = process.communicate()
        self.assertIn((process.returncode, message), [(130, b""), (0, b"")])  # 0: it was faster than the signal
        self.assertTrue(self.run_text("--temp", 0, "-n", 480).startswith((first + rest).rstrip(b"\n")))

    def interrupted(self, *args, said):
        """Runs, and interrupts once stderr has said something; stdout."""
        with subprocess.Popen([cli.NMOS, *map(str, args)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env={"HOME": str(self.dir)}) as process:
            self.assertIn(said, process.stderr.readline())
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130)
        return output

    def test_an_interrupt_ends_the_reading_of_a_long_prompt(self):
        metadata, tensors = cli.tiny_llama()
        metadata["llama.context_length"] = 1 << 17
        model = self.write("m.gguf", cli.gguf(metadata, tensors))
        common = ["-m", model, "--ctx", 1 << 17, "--threads", 1, "-v"]
        prompt = self.write("prompt", "a" * 130000)  # minutes, were it read to the end
        self.assertEqual(self.interrupted("run", "-f", prompt, *common, said=b"weights are read by"), b"")
        out = self.dir / "out.f32"
        tokens = ",".join(["1"] * 60000)
        self.interrupted("logits", "--tokens", tokens, "-o", out, "--chunk", 4096, *common, said=b"weights are read by")
        self.assertFalse(out.exists())

    def test_an_interrupt_ends_the_wait_for_a_prompt(self):
        for command in (["run", "-f", "-"], ["perplexity", "-f", "-"], ["plan", "--replan"]):
            read, write = os.pipe()
            with subprocess.Popen([cli.NMOS, *command], stdin=read, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
                os.close(read)
                self.assertIn(b"bundled", process.stderr.readline())  # past the start of the program
                process.send_signal(signal.SIGINT)
                process.communicate(timeout=60)
            os.close(write)
            self.assertEqual(process.returncode, 130, command)

    def test_what_cannot_be_run_is_refused(self):
        self.fails(2, "prompt is empty", "run", "-m", MODEL, "-p", "")
        self.fails(2, "no prompt", "run", "-m", MODEL)
        self.fails(2, "-p and -f", "run", "-m", MODEL, "-p", "a", "-f", self.write("prompt", "a"))
        self.fails(1, "missing.gguf", "run", "-m", self.dir / "missing.gguf", "-p", PROMPT)

    def test_parts_that_are_not_there_are_refused(self):
        self.fails(1, "--vram", "run", "-m", MODEL, "-p", "a", "-n", "1", "--vram", "1G")

    def test_guessing_changes_the_speed_only(self):
        for temp in (0, 0.7, 1.2):
            want = self.run_text("--temp", temp, "-n", 60, "--spec", "off")
            for mode in ("auto", "ngram", "chain", "tree"):
                self.assertEqual(self.run_text("--temp", temp, "-n", 60, "--spec", mode, "--draft", DRAFT), want, mode)
        _, _, stats = self.stats("--temp", 0, "-n", 60, "--spec", "chain", "--draft", MODEL)
        self.assertGreater(stats["accepted_per_pass"], 1.5)  # the draft is the model itself
        self.assertEqual(stats["accepted_draft"], stats["guessed_tokens"])

    def test_json_statistics_tell_what_each_pass_guessed(self):
        for mode in ("tree", "ngram"):
            _, _, stats = self.stats("--temp", 0.7, "-n", 60, "--json", "--spec", mode, "--draft", DRAFT)
            guessed, depth, draft, ngram = (stats["pass_" + name] for name in
                                            ("guessed", "depth", "accepted_draft", "accepted_ngram"))
            self.assertEqual(len(guessed), min(256, stats["passes"] - 1))  # the first pass reads the prompt
            self.assertEqual(sum(guessed), stats["guessed_tokens"])
            self.assertEqual((sum(draft), sum(ngram)), (stats["accepted_draft"], stats["accepted_ngram"]))
            self.assertEqual(depth, [a + b for a, b in zip(draft, ngram)])
            self.assertEqual(max(depth), stats["accepted_depth"])
        self.assertNotIn("pass_guessed", self.stats("-n", 2)[2])

    def test_rejection_is_for_chains_and_repeats_itself(self):
        for mode in ("ngram", "tree"):
            self.fails(2, ["--accept rejection", "--spec " + mode], "run", "-m", MODEL, "-p", "a", "--spec", mode,
                       "--accept", "rejection", "--draft", DRAFT)
        chain = ("-n", 60, "--accept", "rejection", "--draft", DRAFT)
        want = self.run_text("--temp", 0, "-n", 60, "--spec", "off")
        self.assertEqual(self.run_text("--temp", 0, "--spec", "chain", *chain), want)
        text = self.run_text("--temp", 1, "--spec", "chain", *chain)
        self.assertEqual(self.run_text("--temp", 1, "--spec", "auto", "--threads", 1, *chain), text)
        _, _, stats = self.stats("--temp", 1, *chain)
        self.assertEqual(stats["accept"], "rejection")
        self.assertGreater(stats["accepted_draft"], 0)
        self.assertLess(stats["accepted_draft"], stats["guessed_tokens"])
        plain = self.run_text("--temp", 1, "-n", 60, "--accept", "rejection")  # nothing to guess with
        self.assertEqual(plain, self.run_text("--temp", 1, "-n", 60, "--spec", "off"))

    def test_a_bound_beyond_the_machine_takes_nothing_away(self):
        _, notices, stats = self.stats("-n", 4, "--ram", "1000000G")
        self.assertEqual((notices, stats["streamed_bytes_per_pass"], stats["shrinks"]), ([], 0, 0))

    def test_a_stand_in_larger_than_memory_is_refused(self):
        device = ("-m", MODEL, "--device", "sim:1000000GiB", "--vram", "900000G")
        for command in (("run", "-p", "a", "-n", 1), ("plan", "--hw", self.write("hw.json", json.dumps(
                {"ram_GiB": 16, "disk_GBps": 2, "memory_GBps": 20, "gmacs": 100})))):
            self.fails(1, ["the memory that is safely free, 0 bytes is too little", "make "], *command, *device)

    def test_a_refusal_for_want_of_memory_says_what_would_do(self):
        command = ["run", "-m", MODEL, "-p", PROMPT, "-n", 4, "--kv", "f32"]
        for option, words in (("--kv-ram", r"(\d+) bytes in all"), ("--ram", r"make (\d+)|at least (\d+) are")):
            n_bytes, done = 1, None
            for _ in range(8):  # what the program itself holds differs a little from run to run
                done = nmos(*command, option, n_bytes, *(("-d", DRAFT) if option == "--ram" else ()))
                if done.returncode == 0:
                    break
                found = re.search(words, done.stderr.decode())
                self.assertTrue(found, done.stderr)
                n_bytes = int(found[1] or found[2])
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_scout_that_is_none_is_refused_by_commands_without_a_use_for_it(self):
        for command in (("run", "-p", "a", "-n", 1), ("logits", "--tokens", "1", "-o", self.dir / "out"), ("plan",)):
            self.fails(1, "missing.gguf", *command, "-m", MODEL, "--scout", self.dir / "missing.gguf")
        self.assertEqual(self.run_text("-n", 5, "--scout", DRAFT), self.run_text("-n", 5))

    def test_a_split_model_may_be_named_by_a_link(self):
        first = MODELS / "split" / "llama.IQ1_S-metafirst-00001-of-00003.gguf"
        link = self.dir / "a link.gguf"
        link.symlink_to(first)
        command = ("-p", PROMPT, "-n", 8)
        self.assertEqual(self.ok("run", "-m", link, *command), self.ok("run", "-m", first, *command))

    def test_a_draft_that_cannot_be_used_is_refused(self):
        self.fails(1, "missing.gguf", "run", "-m", MODEL, "-p", "a", "--draft", self.dir / "missing.gguf")
        self.fails(2, "--draft", "run", "-m", MODEL, "-p", "a", "--spec", "chain")

    def test_a_prompt_begins_as_the_metadata_says_and_goes_on(self):
        metadata, tensors = cli.tiny_llama()
        text = self.write("text", "hello hello")

        def results(adds_bos, adds_eos):
            metadata.update({"tokenizer.ggml.add_bos_token": adds_bos, "tokenizer.ggml.add_eos_token": adds_eos})
            model = self.write("m.gguf", cli.gguf(metadata, tensors))
            end = json.loads(self.ok("run", "-m", model, "-p", "hello", "-n", 5, "--json").splitlines()[-1])
            scored = json.loads(self.ok("perplexity", "-m", model, "-f", text, "--json"))
            return end["prompt_tokens"], self.ok("run", "-m", model, "-p", "hello", "-n", 5), scored
        plain, with_bos = results(False, False), results(True, False)
        self.assertEqual((with_bos[0], with_bos[2]["tokens"]), (plain[0] + 1, plain[2]["tokens"] + 1))
        self.assertEqual(results(False, True), plain)
        self.assertEqual(results(True, True), with_bos)

    def test_a_prompt_may_come_from_a_file(self):
        self.assertEqual(self.ok("run", "-m", MODEL, "-f", self.write("prompt", PROMPT), "--temp", 0, "-n", 24),
                         self.greedy())

    def test_a_prompt_longer_than_the_context_is_refused_with_numbers(self):
        n_tokens = len(json.loads(self.ok("tokenize", "-m", MODEL, stdin=PROMPT.encode() * 40)))
        self.fails(1, [f"{n_tokens} tokens", "64 positions"], "run", "-m", MODEL, "-p", PROMPT * 40, "--ctx", 64)

    def test_a_full_context_ends_the_answer_with_a_notice(self):
        text, notices, stats = self.stats("--temp", 0, "-n", 100, "--ctx", 16)
        self.assertEqual(len(notices), 1)
        self.assertIn("context is full", notices[0])
        self.assertEqual(stats["generated_tokens"] + stats["prompt_tokens"], 17)  # the last one is drawn, not fed
        whole = self.run_text("--temp", 0, "-n", stats["generated_tokens"])
        self.assertEqual(text, whole)

    def test_statistics_are_one_line_with_every_field(self):
        _, notices, stats = self.stats("-n", 10)
        self.assertEqual(notices, [])
        self.assertEqual(set(stats), STATS)
        self.assertEqual((stats["generated_tokens"], stats["ctx"], stats["spec"]), (10, 512, "auto"))
        self.assertEqual(stats["rows"], stats["prompt_tokens"] + stats["passes"] - 1 + stats["guessed_tokens"])
        _, _, stats = self.stats("-n", 10, "--spec", "off")
        self.assertEqual((stats["spec"], stats["guessed_tokens"], stats["accepted_per_pass"]), ("off", 0, 1.0))
        self.assertEqual(stats["rows"], stats["prompt_tokens"] + stats["generated_tokens"] - 1)
        self.assertTrue(0 < stats["efficiency"] <= 1 or stats["binding"] == "disk", stats["efficiency"])
        self.assertGreater(stats["peak_rss_bytes"], 1 << 20)
        self.assertLess(stats["peak_rss_bytes"], stats["budget_bytes"])


if __name__ == "__main__":
    cli.main()
