# SPDX-License-Identifier: MIT
"""Proves that `nmos render` writes exactly the prompt, takes template, BOS and EOS from the model, and ends with exit 1
and the template's own words where the template refuses the messages."""
import json

import cli
from cli import CliTest

USER = {"messages": [{"role": "user", "content": "Hi"}]}
CHATML = ("{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
          "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}")


class Render(CliTest):
    def render(self, template, context, *args):
        path = self.write("t.jinja", template)
        return self.ok("render", "--chat-template", path, *args, stdin=json.dumps(context).encode()).decode()

    def model(self, template):
        metadata, _ = cli.tiny_llama()
        metadata["tokenizer.ggml.tokens"][256] = "<s>"
        metadata["tokenizer.ggml.bos_token_id"] = 256
        if template is not None:
            metadata["tokenizer.chat_template"] = template
        return self.write("m.gguf", cli.gguf(metadata))

    def test_the_prompt_is_written_byte_for_byte(self):
        self.assertEqual(self.render(CHATML, USER), "<|im_start|>user\nHi<|im_end|>\n")
        self.assertEqual(self.render(CHATML, {**USER, "add_generation_prompt": True}),
                         "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n")
        self.assertEqual(self.render("", USER), "")
        self.assertEqual(self.render("{{ messages[0].content }}", {"messages": [{"content": "a\0\r\né"}]}), "a\0\r\né")

    def test_what_is_not_given_has_a_default(self):
        template = "{{ tools }}|{{ add_generation_prompt }}|{{ bos_token }}|{{ eos_token }}|{{ documents is defined }}"
        self.assertEqual(self.render(template, USER), "None|False|||False")
        self.assertRegex(self.render("{{ strftime_now('%Y') }}", USER), r"^20\d\d$")

    def test_other_members_are_variables_in_their_order(self):
        template = "{{ enable_thinking }} {{ extra | tojson }}"
        context = {**USER, "enable_thinking": False, "extra": {"b": 1, "a": [1.0, None, "é"]}}
        self.assertEqual(self.render(template, context), 'False {"b": 1, "a": [1.0, null, "é"]}')

    def test_template_and_tokens_come_from_the_model(self):
        path = self.model("{{ bos_token }}{{ messages[0].content }}{{ eos_token }}")
        stdin = json.dumps(USER).encode()
        self.assertEqual(self.ok("render", "-m", path, stdin=stdin), b"<s>Hi<|end|>")
        own = self.write("own.jinja", "[{{ bos_token }}]")
        self.assertEqual(self.ok("render", "-m", path, "--chat-template", own, stdin=stdin), b"[<s>]")
        stdin = json.dumps({**USER, "bos_token": "B", "eos_token": ""}).encode()
        self.assertEqual(self.ok("render", "-m", path, stdin=stdin), b"BHi")

    def test_a_model_without_a_template_points_to_the_option(self):
        self.fails(1, ["no chat template", "--chat-template"], "render", "-m", self.model(None), stdin=b"{}")

    def test_no_template_at_all_is_wrong_usage(self):
        self.fails(2, "--chat-template", "render", stdin=b"{}")

    def test_a_template_that_raises_ends_with_its_words_and_exit_1(self):
        path = self.write("t.jinja", "{{ raise_exception('System role not supported') }}")
        message = self.fails(1, [], "render", "--chat-template", path, stdin=json.dumps(USER).encode())
        self.assertEqual(message, "nmos: System role not supported\n")

    def test_faults_are_named_with_their_line(self):
        stdin = json.dumps(USER).encode()
        for template, words in (("\n{% include 'x' %}", ["line 2", "include", "--chat-template"]),
                                ("\n\n{{ x | frobnicate }}", ["line 3", "frobnicate", "--chat-template"]),
                                ("{{ x is frob }}", ["frob", "--chat-template"]),
                                ("{% if x %}", ["line 1", "elif"]),
                                ("a\n{{ nope.x }}", ["line 2", "'nope' is undefined"]),
                                ("{{ messages[0].x.y }}", ["'dict object' has no attribute 'x'"]),
                                ("{{ [].append(1) }}", ["unsafe"]),
                                (b"\xff", ["UTF-8"])):
            path = self.write("t.jinja", template)
            self.fails(1, words, "render", "--chat-template", path, stdin=stdin)

    def test_input_that_is_no_conversation_is_refused(self):
        path = self.write("t.jinja", CHATML)
        for stdin, word in ((b"", "JSON"), (b"[1", "JSON"), (b"[]", "messages"), (b"{}", "messages"),
                            (b'{"messages": 5}', "messages"), (b'{"messages": [], "strftime_now": "x"}', "strftime_now"),
                            (b'{"messages": ["\xff"]}', "JSON"), (b'{"messages":' + b"[" * 200 + b"]" * 200 + b"}", "deep")):
            self.fails(1, word, "render", "--chat-template", path, stdin=stdin)
        self.fails(1, "cannot open", "render", "--chat-template", self.dir / "absent", stdin=b"{}")

    def test_hostile_templates_end_in_an_error(self):
        stdin = json.dumps(USER).encode()
        for template in ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
                         "{% set ns = namespace(x='a' * 1000) %}{% for a in range(99999) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
                         "{{ 'a' * 999999999999 }}", "{{ [1] * 999999999999 }}", "{{ range(99999999999) }}",
                         "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "{{ " + "(" * 100000, "{{ " + "not " * 100000 + "x }}",
                         "{{ 1" + " + 1" * 100000 + " }}", "{% if 1 %}" * 1000, "{{ '%999999999d' % 1 }}", "{{ 10 ** 10 ** 10 }}",
                         "{% set ns = namespace(x=[]) %}{% for a in range(999) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}",
                         "{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}", "{{ 'x'.center(99999999999) }}",
                         "{% set ns = namespace(x=[]) %}{% for a in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x == ns.x }}"
                         "{{ ns.x | tojson }}", "{{ strftime_now('%9999d') }}", "{{ 'x' | indent(99999999999) }}",
                         "{{ range(99999) | map('string') | join('x' * 99999) }}"):
            path = self.write("t.jinja", template)
            self.fails(1, [], "render", "--chat-template", path, stdin=stdin)


if __name__ == "__main__":
    cli.main()
