#!/usr/bin/env python3
"""Writes tests/golden/chat/cases.jsonl: small templates with what Jinja2 makes of them (needs Debian's python3-jinja2).

A case is a template and, where it needs one, a context. What Jinja2 refuses is stored as rendered: null; the tests then
demand a failure, not its words.
"""
import copy
import datetime
import json
import pathlib

from jinja2.exceptions import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

NOW = "2024-07-26T12:00:00"
MESSAGES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi  "},
            {"role": "assistant", "content": "<think>\nhm\n</think>\n\nHello", "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": {"a": 1, "b": [True, None]}}}]},
            {"role": "tool", "content": {"ok": 1.5}}, {"role": "user", "content": [{"type": "text", "text": "é?"}]}]


def environment():
    """Jinja2 as transformers sets it up for chat templates."""
    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"])

    def raise_exception(message):
        raise TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = lambda f: datetime.datetime.fromisoformat(NOW).strftime(f)
    return env


def render(env, template, context):
    """The text, or None and the reason when Jinja2 fails."""
    variables = {"messages": MESSAGES, "tools": None, "add_generation_prompt": False, "bos_token": "<s>",
                 "eos_token": "</s>", **context}
    try:
        return env.from_string(template).render(**copy.deepcopy(variables)), None
    except Exception as error:  # whatever Python raises, the case is "it fails"
        return None, f"{type(error).__name__}: {error}"


CASES = {
    "white space": [
        "a\n  {% if true %}\n  b\n  {% endif %}\nc\n", "a {%- if true -%}  b  {%- endif %} c", "a\n{{- 'x' -}}\n b",
        "  {{ 'x' }}  \n  {{ 'y' }}\n\n", "{% if true %}\n\n  x\n{% endif %}\n\n", "a\n  {#- c -#}\n b", "a\n  {# c #}\nb",
        "a\n  {%+ if true %}b{% endif %}", "a {% if true +%}\nb{% endif %}\n", "x{% raw %} {{ y }} {% z {% endraw %} w",
        "a\n  {% raw -%}\n b {%- endraw %}\nc", "\r\na\r\n{% if true %}\r\nb\r{% endif %}", "a\n", "a\n\n", "\n", "",
        "{{ 'a\nb\r\nc' }}", "a\n\t {% set x = 1 %}\n\t{{ x }}", "{% set x = 1 %} \n{{ x }}", "{{ '{{' }}{{ '%}' }}",
        "{{ {'a': {'b': 1}}}}", "{{ {'a': {'b': 1}}.a.b}}", "{#-#}a{##}b{#--#}c", "  {%- set x = 1 -%}  {{ x }}",
        "a{# {{ x }} {% y #}b", "{{\n1\n+\n2\n}}", "\u00a0{%- if true %}\u3000\n{% endif %}x", "line {{ 1 -}}\n\n  next",
        "{% for i in [1,2] %}\n  - {{ i }}\n{% endfor %}\nend", "{% for i in [1,2] -%}\n  - {{ i }}\n{%- endfor %}\nend",
    ],
    "literals": [
        "{{ 1 }} {{ 1_000 }} {{ 0x1F }} {{ 0b101 }} {{ 0o17 }} {{ 1.5 }} {{ 1e3 }} {{ 1.5e-7 }} {{ 2E+2 }}",
        "{{ 'a' \"b\" 'c' }}", r"{{ 'a\tb\n\\ \' \x41 \u00e9 \U0001f600 \101 \q' }}", "{{ true }}{{ True }}{{ none }}{{ None }}",
        "{{ [1, 'a', none, 2.0, [true], (1,), (), {}] }}", "{{ {'a': 1, 2: 'b', none: [1], 'x y': \"it's\"} }}",
        "{{ (1, 2) }} {{ 1, 2 }} {{ (1) }} {{ () }}", "{{ 'it\\'s' ~ [\"it's\", 'q\"', 'both\\'\"'] }}",
        "{{ ['\\n\\t\\r\\\\', '\\x00\\x7f\\u00a0\\u200b', 'é😀'] }}", "{{ 1.0 }} {{ 1e16 }} {{ 1e15 }} {{ 0.0001 }} {{ 0.00001 }}",
        "{{ 0.1 + 0.2 }} {{ 1/3 }} {{ 100.0 }} {{ 1e100 }} {{ -0.0 }} {{ 123456789012345.6 }}", "{{ [1,2,] }}{{ {'a':1,} }}",
        "{{ 9223372036854775807 }} {{ -9223372036854775807 }}", "{{ 00 }}", "{{ '' }}|{{ \"\" }}",
        "{% set naïve = 'ü' %}{{ naïve }}", "{{ x\u00a0}}",
    ],
    "operators": [
        "{{ 7 // 2 }} {{ -7 // 2 }} {{ 7 % -3 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 4 / 2 }} {{ 2 ** 10 }} {{ 2 ** -1 }}",
        "{{ 7.5 // 2 }} {{ -7.5 % 2 }} {{ 7.5 % -2 }} {{ 2.5 * 2 }} {{ 1 - 0.5 }} {{ 2 ** 0.5 }} {{ 0.0 // 3 }}",
        "{{ 2 ** 3 ** 2 }} {{ -2 ** 2 }} {{ -1|abs }} {{ 2 + 3 * 4 - 1 }} {{ (2 + 3) * 4 }} {{ 1 + 2 ~ 3 + 4 }}",
        "{{ 'a' + 'b' * 3 }} {{ 3 * 'ab' }} {{ [1] + [2] }} {{ [0] * 3 }} {{ (1,) + (2,) }} {{ 'x' * 0 }}{{ 'x' * -1 }}",
        "{{ 1 ~ 'a' ~ none ~ true ~ 1.5 ~ [1] ~ nope }}", "{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 3 > 2 >= 2 != 1 }}",
        "{{ 1 == 1.0 }} {{ true == 1 }} {{ '1' == 1 }} {{ [1, 2] == [1.0, 2] }} {{ (1,) == [1] }} {{ {'a': 1} == {'a': 1.0} }}",
        "{{ 'a' in 'abc' }} {{ 'd' not in 'abc' }} {{ 1 in [1.0] }} {{ 'a' in {'a': 1} }} {{ 2 in (1, 2) }} {{ '' in 'a' }}",
        "{{ not 1 in [1] }} {{ not true or true }} {{ true and 0 }} {{ '' or 'x' }} {{ 0 or none or [] }} {{ 1 and 2 }}",
        "{{ 'a' < 'b' }} {{ 'Z' < 'a' }} {{ 'é' > 'z' }} {{ [1, 2] < [1, 3] }} {{ (1,) <= (1, 0) }} {{ 1 < 1.5 }}",
        "{{ 1 if true else 2 }} {{ 1 if false }}|{{ 'a' if false else 'b' if false else 'c' }} {{ (1 if false) is defined }}",
        "{{ 1 < '2' }}", "{{ 'a' + 1 }}", "{{ 1 + 'a' }}", "{{ none + 1 }}", "{{ 1 / 0 }}", "{{ 1 % 0 }}", "{{ [1] + (2,) }}",
        "{{ -'a' }}", "{{ 1 in 5 }}", "{{ 1 in 'abc' }}", "{{ - 5 }} {{ + 5 }} {{ - - 5 }} {{ not not 5 }} {{ -true }}",
        "{{ 1.5 // 0 }}", "{{ true + true }} {{ true * 3 }} {{ 3 - false }}", "{{ 10 // 3.0 }} {{ 7 // -2.0 }}",
    ],
    "undefined": [
        "[{{ nope }}]", "{{ nope.x }}", "{{ nope['x'] }}", "{{ nope + 1 }}", "{{ nope() }}", "{{ nope == nope2 }} {{ nope == none }}",
        "{% for x in nope %}x{% else %}empty{% endfor %}", "{{ nope is defined }} {{ nope is undefined }} {{ nope is none }}",
        "{{ messages[0].nope is defined }} {{ messages[0]['nope'] }}|{{ messages[99] }}|{{ messages[99] is defined }}",
        "{{ nope|length }} {{ nope|list }} {{ nope|default('d') }} {{ nope|upper }}|{{ nope|trim }}|{{ nope|join }}|{{ nope|string }}",
        "{{ not nope }} {{ nope and 1 }}|{{ nope or 1 }} {{ 1 in nope }} {{ nope|first is defined }}", "{{ nope < 1 }}", "{{ nope|int }}",
        "{{ nope is string }} {{ nope is mapping }} {{ nope is iterable }} {{ nope is sequence }} {{ nope is number }}",
        "{{ nope|tojson }}", "{{ messages[0].content.nope.x }}", "{{ nope[1:] }}", "{{ 'x' ~ nope }} {{ nope ~ nope }}|", "{{ -nope }}",
        "{{ [nope] }}", "{{ {'a': nope} }}", "{{ nope|items|list }}", "{{ nope.strip() }}", "{{ none.x }}|{{ none['x'] is defined }}", "{{ none.x.y }}",
    ],
    "attributes and slices": [
        "{{ messages[0].role }} {{ messages[0]['role'] }} {{ messages[-1].role }} {{ messages.0.role }} {{ messages[0]['ro' ~ 'le'] }}",
        "{{ {'items': 1}.items is callable }} {{ {'items': 1}['items'] }} {{ {'a': 1}['items'] is callable }}",
        "{{ [1,2,3,4,5][1:3] }} {{ [1,2,3][::-1] }} {{ [1,2,3][-2:] }} {{ [1,2,3][:-1] }} {{ [1,2,3,4][::2] }} {{ [1,2,3][5:] }}",
        "{{ 'héllo'[1] }} {{ 'héllo'[-1] }} {{ 'héllo'[1:3] }} {{ 'héllo'[::-1] }} {{ 'héllo'[::2] }} {{ 'abc'[5:] }}| {{ 'abc'[:100] }}",
        "{{ 'abcdef'[4:1:-1] }} {{ [1,2,3,4,5][4:1:-2] }} {{ [1,2,3][none:none] }} {{ range(10)[2:5] }} {{ range(10)[::-3] | list }}",
        "{{ (1,2,3)[1:] }} {{ 'abc'[1.0] }}|{{ 'abc'[9] }}|{{ [1]['x'] }}|{{ 'abc'['x'] }}", "{{ [1][::0] }}", "{% set d = {'a': 1} %}{{ d[1:] }}", "{% set n = none %}{{ n[1:] }}",
        "{{ messages[2].tool_calls[0].function.arguments.b[0] }}", "{{ messages[1:]|length }} {{ messages[1:][0]['content'] }}",
        "{{ [].append(1) }}", "{{ {}.update({'a': 1}) }}", "{{ ''.__class__ }}", "{{ messages.append is defined }}", "{{ 1 }}",
        "{{ {1: 'a', true: 'b', 1.0: 'c'} }}", "{{ {'a': 1}.get('a') }} {{ {'a': 1}.get('b') }} {{ {'a': 1}.get('b', 2) }}",
        "{{ {'a': 1, 'b': 2}.keys() }} {{ {'a': 1}.values() | list }} {{ {'a': 1}.items() }} {{ {'a': 1}.items() | list }}",
        "{{ {'a': 1}.keys() | length }} {{ 'a' in {'a': 1}.keys() }} {{ {}.items() is iterable }} {{ {}.items() is sequence }}", "{{ {(1, 2): 3}[1, 2] }}",
        "{{ [1, 2, 1].count(1) }} {{ [1, 2].index(2) }} {{ {'a': 1}.copy() }}", "{{ [1].index(3) }}", "{{ {'a': 1} | attr('a') is defined }}",
        "{% set ns = namespace(a=1) %}{{ ns['a'] }} {{ ns.b is defined }} {{ ns }}", "{{ {[1]: 2} }}", "{{ [1,2,3][true] }}", "{{ messages['0'] }}|",
    ],
    "for": [
        "{% for m in messages %}{{ loop.index }}{{ loop.index0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.revindex }}{{ loop.revindex0 }} {% endfor %}",
        "{% for m in messages if m.role == 'user' %}{{ loop.index }}/{{ loop.length }}{{ m.role }}{% else %}none{% endfor %}",
        "{% for m in messages if m.role == 'x' %}a{% else %}none{% endfor %}", "{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}={{ v }};{% endfor %}",
        "{% for a, (b, c) in [(1, (2, 3)), (4, [5, 6])] %}{{ a }}{{ b }}{{ c }} {% endfor %}", "{% for a, b in [(1,)] %}x{% endfor %}", "{% for a, b in [(1,2,3)] %}x{% endfor %}",
        "{% for i in range(3) %}{{ loop.previtem }}<{{ i }}>{{ loop.nextitem }} {% endfor %}", "{% for c in 'héy' %}{{ c }}.{% endfor %}", "{% for k in {'a': 1} %}{{ k }}{% endfor %}",
        "{% for i in range(10) %}{% if i == 2 %}{% continue %}{% endif %}{% if i == 5 %}{% break %}{% endif %}{{ i }}{% endfor %}",
        "{% set x = 1 %}{% for i in [1, 2] %}{% set x = x + i %}{{ x }} {% endfor %}{{ x }}", "{% for i in [1] %}{% endfor %}{{ i is defined }} {{ loop is defined }}",
        "{% for i in [1, 2] %}{% if loop.first %}{% set y = 5 %}{% endif %}[{{ y }}]{% endfor %}", "{% for i in [1,2] %}{% for j in 'ab' %}{{ loop.index }}{{ j }}{% endfor %}{{ loop.index }} {% endfor %}",
        "{% for i in [3,1,2]|sort %}{{ i }}{% endfor %}", "{% for i in 5 %}x{% endfor %}", "{% for i in none %}x{% endfor %}", "{% for x in [1,2,3,4] %}{{ loop.cycle('a', 'b') }}{% endfor %}",
        "{% for x in [1,1,2,2] %}{{ loop.changed(x) }} {% endfor %}", "{% for i in [[1, [2, [3]]], 4] recursive %}{% if i is iterable %}({{ loop(i) }}{{ loop.depth }}){% else %}{{ i }}{% endif %}{% endfor %}",
        "{% set ns = namespace(n=0) %}{% for i in [1,2,3,4] if ns.n < 3 %}{% set ns.n = ns.n + i %}{{ i }}{% endfor %}", "{% for i in [] %}{% else %}{% set z = 1 %}{{ z }}{% endfor %}{{ z }}",
        "{% for i in [1,2,3] if i != 2 %}{{ i }}{{ loop.last }}{{ loop.nextitem }} {% endfor %}", "{% for i in [1,2] | reverse %}{{ i }}{{ loop.length }}{% endfor %}", "{% for i in 1, 2 %}{{ i }}{% endfor %}", "{% for i in [1] %}{% continue %}{% else %}e{% endfor %}{% for i in [1] %}{% break %}{% else %}f{% endfor %}",
        "{% for m in messages %}{% if loop.first and m.role == 'system' %}S{% elif not loop.last %}M{% else %}L{% endif %}{% endfor %}",
    ],
    "set, with, if": [
        "{% set a, b = 1, 2 %}{{ a }}{{ b }}", "{% set t = 1, 2 %}{{ t }}", "{% set x %}\n a {{ 1 }}\n{% endset %}[{{ x }}]", "{% set x | upper | trim %} ab {% endset %}[{{ x }}]",
        "{% set ns = namespace(x=1, y='a') %}{% set ns.x = ns.x + 1 %}{% set ns.z = 3 %}{{ ns.x }}{{ ns.y }}{{ ns.z }}", "{% set d = {} %}{% set d.x = 1 %}", "{% set (a, b) = [1, 2] %}{{ a }}{{ b }}",
        "{% with a = 1, b = 2 %}{{ a }}{{ b }}{% endwith %}{{ a is defined }}", "{% set a = 1 %}{% with %}{% set a = 2 %}{{ a }}{% endwith %}{{ a }}", "{% with a = 1 %}{% with a = 2, b = a %}{{ a }}{{ b }}{% endwith %}{% endwith %}",
        "{% if false %}a{% elif 0 %}b{% elif [] %}c{% elif {} %}d{% elif '' %}e{% elif 0.0 %}f{% elif none %}g{% else %}h{% endif %}", "{% if true %}{% set q = 1 %}{% endif %}{{ q }}",
        "{% if not nope is defined %}u{% endif %}{% if nope is not defined %}v{% endif %}", "{% if messages[0]['role'] == 'system' and messages[0].content is string %}y{% endif %}", "{% set x = 1 if false %}{{ x is defined }}",
        "{% filter upper %}a{{ 'b' }}{% endfilter %}", "{% filter trim | upper %} x {% endfilter %}", "{% filter replace('a', 'b') %}aa{% endfilter %}", "{% print 1 + 1 %}", "{% block b %}{{ 1 }}{% endblock %}{% block c %}x{% endblock c %}",
        "{% set x = namespace() %}{% set x.a = [1] %}{% set x.a = x.a + [2] %}{{ x.a }}", "{% set loop = 5 %}{{ loop }}", "{% set x, y = 'ab' %}{{ y }}{{ x }}", "{% set bos_token = 'B' %}{{ bos_token }}", "{% if 1 %}{% endif %}x{% if x: %}a{% endif %}",
        "{% set ns = namespace({'a': 1}, b=2) %}{{ ns.a + ns.b }}", "{% set x = 1 %}{% if true %}{% set x = x + 1 %}{% if true %}{% set x = x + 1 %}{% endif %}{% endif %}{{ x }}", "{{ namespace(a=1).a }}",
    ],
    "macros": [
        "{% macro f(a, b=2, c=a) %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ f(1) }} {{ f(1, c=3) }} {{ f(b=5, a=4) }}", "{% macro f(a) %}[{{ a }}]{% endmacro %}{{ f() }}", "{% macro f(a) %}{{ a.x }}{% endmacro %}{{ f() }}",
        "{% macro f(a) %}{% endmacro %}{{ f(1, 2) }}", "{% macro f(a) %}{% endmacro %}{{ f(b=2) }}", "{% macro f() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ f(1, 2, x=3) }}", "{% macro f(n) %}{{ n }}{% if n > 0 %},{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(5) }}",
        "{% macro f(x) %}<{{ caller(x, 2) }}>{% endmacro %}{% call(a, b) f(1) %}{{ a }}-{{ b }}{% endcall %}", "{% macro f() %}{{ caller() }}{% endmacro %}{% call f() %}x{% endcall %}{% set v = 3 %}{% call f() %}{{ v }}{% endcall %}",
        "{% macro f() %}a{% endmacro %}{% call f() %}x{% endcall %}", "{% macro f() %}{{ caller is defined }}{{ caller }}{% endmacro %}{{ f() }}", "{% set x = 1 %}{% macro f() %}{{ x }}{% endmacro %}{% set x = 2 %}{{ f() }}",
        "{% macro f() %}{% set x = 5 %}{{ x }}{% endmacro %}{{ f() }}{{ x is defined }}", "{% macro f(a) -%}\n  {{ a }}\n{%- endmacro %}[{{ f('x') }}]", "{{ f(1) }}{% macro f(a) %}{{ a }}{% endmacro %}", "{% macro f(a) %}{{ a }}{% endmacro %}{{ f(1) | upper ~ f('b') | upper }}",
        "{% macro f(a, b) %}{{ a }}{{ b }}{% endmacro %}{{ f(*[1, 2]) }}{{ f(**{'a': 3, 'b': 4}) }}{{ f(1, *[2]) }}", "{% macro f(messages) %}{% for m in messages %}{{ m }}{% endfor %}{% endmacro %}{{ f([1, 2]) }}", "{% macro f(a) %}{{ a }}{% endmacro %}{{ f.name }} {{ f.arguments }} {{ f }}",
        "{% macro f(spec) %}{%- if spec.type == 'array' -%}{{ f(spec['items']) }}[]{%- elif spec.type is sequence and spec.type is not string -%}{{ spec.type | join(' | ') }}{%- else -%}{{ spec.type }}{%- endif -%}{% endmacro %}{{ f({'type': 'array', 'items': {'type': ['a', 'null']}}) }}",
        "{% for i in [1,2] %}{% macro g() %}{{ i }}{% endmacro %}{{ g() }}{% endfor %}", "{% macro f(a='x' ~ 1) %}{{ a }}{% endmacro %}{{ f() }}{{ f(a=none) }}", "{% macro f() %}x{% endmacro %}{{ f() + 'y' }} {{ f() is string }} {{ f() | length }}",
        "{% macro outer() %}{% macro inner(x) %}({{ x }}){% endmacro %}{{ inner(1) }}{{ caller() }}{% endmacro %}{% call outer() %}c{% endcall %}", "{% macro f(a, b) %}{% endmacro %}{{ f(1, a=2) }}",
    ],
    "filters on text": [
        "{{ '  a b '|trim }}|{{ 'xxaxx'|trim('x') }}|{{ 5|trim }}|{{ 'ab'|upper }}{{ 'AB'|lower }}{{ 'aB cD'|capitalize }}|{{ 'aB c-d (e'|title }}", "{{ 'aaa'|replace('a', 'b') }} {{ 'aaa'|replace('a', 'b', 2) }} {{ 123|replace('2', 'x') }} {{ 'abc'|replace('', '-') }}",
        "{{ 'a\nb\n\nc'|indent }}|{{ 'a\nb'|indent(2, true) }}|{{ 'a\n\nb'|indent(2, blank=true) }}|{{ 'a\nb'|indent('> ') }}|{{ 'a\n'|indent(2) }}|{{ ''|indent }}|{{ 'a\nb'|indent(width=1, first=true) }}", "{{ 'ab'|center(6) }}|{{ 'abc'|center(6) }}|{{ 'ab'|center(7) }}",
        "{{ 'the quick brown fox jumps'|truncate(12) }}|{{ 'the quick brown'|truncate(9, true) }}|{{ 'abc'|truncate(2, true, '') }}|{{ 'the quick brown fox'|truncate(10, leeway=0, end='!') }}", "{{ 'a b-c_d'|wordcount }}", "{{ '<a href=\"x\">&\\'</a>'|e }} {{ '<'|escape|escape }} {{ ('<'|safe) + '<' }} {{ ('<b>'|e)[0]|e }} {{ ('<b>'|e)[:4]|e }} {{ '<' + '>'|safe }}",
        "{{ 5|string + 'x' }} {{ none|string }} {{ [1]|string }} {{ true|string }}", "{{ '%s-%d-%05.1f'|format('a', 3, 2.25) }} {{ '%(a)s'|format(a=1) }}", "{{ 'ß ŉ ﬁ ǆ'|upper }} {{ 'ÀÉ İΑΣ ΑΣ.'|lower }} {{ 'ǆx ßa'|capitalize }} {{ 'éa ñb'|title }}", "{{ 'a'|nofilter }}", "{% if false %}{{ 'a'|nofilter }}{% endif %}ok",
        "{{ 'a,b'|list }} {{ 'héllo'|reverse }} {{ 'abc'|first }}{{ 'abc'|last }} {{ ''|first is defined }} {{ 'héllo'|length }}", "{{ ['a', 1, none, true]|join }} {{ [1,2]|join(', ') }} {{ 'abc'|join('-') }} {{ messages|join('|', attribute='role') }} {{ {'a': 1, 'b': 2}|join(',') }}", "{{ 'x'|d('y') }} {{ ''|d('y') }} {{ ''|d('y', true) }} {{ none|default('y') }} {{ 0|default(1, boolean=true) }}",
        "{{ ' x '|trim|length }} {{ '  x'|trim|upper|length }}", "{{ 'a' 'b'|upper }}", "{{ 'Hello World'|lower|title|replace(' ', '_') }}", "{{ 'x'|indent(first=True) }}", "{{ 5|indent }}",
    ],
    "filters on sequences": [
        "{{ [3,1,2]|sort }} {{ ['b','A','c']|sort }} {{ ['b','A']|sort(case_sensitive=true) }} {{ [1,2]|sort(reverse=true) }} {{ messages[:3]|sort(attribute='role')|map(attribute='role')|list }}", "{{ [{'a':1,'b':2},{'a':1,'b':1}]|sort(attribute='a,b') }}", "{{ [1,'a']|sort }}", "{{ {'b':1,'A':2,'a':0}|dictsort }} {{ {'b':1,'a':2}|dictsort(by='value') }} {{ {'b':1,'a':2}|dictsort(reverse=true) }}",
        "{{ [1,2,1,'a','A']|unique|list }} {{ [1,2,3]|min }} {{ ['b','A']|max }} {{ []|min is defined }} {{ [1,2.5]|sum }} {{ [{'n':1},{'n':2}]|sum(attribute='n') }} {{ [[1],[2]]|sum(start=[]) }}", "{{ [1,2,3]|first }} {{ [1,2,3]|last }} {{ []|first }}|{{ {'a':1}|first }} {{ {'a':1,'b':2}|last }}", "{{ [1,2,3,4,5]|batch(2)|list }} {{ [1,2,3]|batch(2, 0)|list }} {{ [1,2,3,4,5]|slice(2)|list }} {{ [1,2,3]|slice(2, 'x')|list }}",
        "{{ ['a','b']|map('upper')|list }} {{ messages|map(attribute='role')|join(',') }} {{ messages|map(attribute='nope', default='d')|list|length }} {{ [' a']|map('trim')|first }} {{ [[1,2],[3]]|map('length')|list }} {{ [[1,2]]|map(attribute=0)|list }}", "{{ messages|selectattr('role','equalto','user')|list|length }} {{ messages|selectattr('tool_calls')|list|length }} {{ messages|selectattr('tool_calls','defined')|map(attribute='role')|list }} {{ messages|rejectattr('role','in',['user','tool'])|map(attribute='role')|list }}",
        "{{ [1,2,3,4]|select('odd')|list }} {{ [1,2,3]|reject('equalto', 2)|list }} {{ [0,1,'']|select|list }} {{ [0,1,'']|reject|list }} {{ [1,5]|select('>', 2)|list }} {{ ['a',1]|select('string')|list }}", "{{ messages|selectattr('role','equalto','user')|first|attr('x') is defined }}", "{{ [1,2]|reverse|list }} {{ (1,2)|list }} {{ {'a':1}|list }} {{ {'a':1}|items|list }} {{ {'a':1}|length }} {{ [1]|count }}",
        "{{ [{'r':'a','n':1},{'r':'b','n':2},{'r':'a','n':3}]|groupby('r')|list }} {% for g in [{'r':'a'},{'r':'A'}]|groupby('r') %}{{ g.grouper }}{{ g.list|length }}{% endfor %}{% for k, l in [{'r':'b'},{'r':'A'}]|groupby('r') %}{{ k }}{% endfor %}", "{{ [1,2]|map('string')|join('+') }} {{ [1,2]|map('nofilter')|list }}", "{% set g = [1,2]|map('string') %}{{ g|join }}{{ g|join }}|{{ g|length }}", "{{ [1,2]|map('string') is sequence }} {{ ([]|map('string')) and true }}", "{{ 5|length }}", "{{ 5|list }}",
        "{{ [1,2]|select('odd')|last }}", "{{ [3,2]|select|first }}", "{{ {'a':1}|items|first }} {{ [1]|items|list }}", "{{ [1,none]|sort }}", "{{ [none,none]|sort }} {{ ['b','a']|sort(attribute='x') }} {{ [{'r':1},{}]|groupby('r', default=0)|list }}", "{{ [none,none]|min }}", "{{ [{'a':{'b':2}},{'a':{'b':1}}]|map(attribute='a.b')|list }}", "{{ [[1,2],[3,4]]|map('last')|list }} {{ [1,2,3]|map('default', 5)|list }} {{ ['a']|map('replace','a','b')|list }}", "{{ range(3) }} {{ range(1,4)|list }} {{ range(5,0,-2)|list }} {{ range(3)|length }} {{ 2 in range(3) }} {{ range(0) }}", "{{ range(100001)|length }}", "{{ range(1,2,0) }}", "{{ ['b',none]|map('default','x',true)|list }}", "{{ [true,false,1]|sort }} {{ [2,1.5]|sort }} {{ [1,1.0,true]|unique|list }}",
    ],
    "filters on numbers": [
        "{{ '12'|int }} {{ ' 12 '|int }} {{ '3.7'|int }} {{ 'x'|int }} {{ 'x'|int(5) }} {{ 3.9|int }} {{ -3.9|int }} {{ none|int }} {{ 'ff'|int(base=16) }} {{ '0x1f'|int(0, 16) }} {{ '1_000'|int }} {{ true|int }} {{ [1]|int(7) }}", "{{ '1.5'|float }} {{ 'x'|float }} {{ 'x'|float(2) }} {{ 3|float }} {{ ' 1e3 '|float }} {{ 'inf'|float }} {{ 'nan'|float }} {{ '0x10'|float }}", "{{ -5|abs }} {{ -1.5|abs }} {{ 2.5|round }} {{ 3.5|round }} {{ 2.675|round(2) }} {{ 5|round }} {{ 1.1|round(1, 'ceil') }} {{ 1.19|round(1, 'floor') }} {{ 1234|round(-2) }} {{ 1250|round(-2) }} {{ 1350|round(-2) }} {{ 2.4|round('common') if false else 2 }}", "{{ 1234.5|round(-2) }} {{ -2.5|round }} {{ 0.5|round }} {{ 1e20|round }} {{ true|round }}", "{{ 'a'|abs }}", "{{ 'a'|round }}", "{{ 1.5|round(1, 'x') }}",
    ],
    "tojson": [
        "{{ messages[2]|tojson }}", "{{ messages[2].tool_calls|tojson(indent=4) }}", "{{ [1,'é\\n\"\\\\\\x01\\x7f😀',1.0,none,true,[],{}]|tojson }}", "{{ ['é😀']|tojson(ensure_ascii=true) }} {{ 'é'|tojson(true) }}", "{{ {'b':1,'a':[1,{'c':[]}]}|tojson(indent=2) }}", "{{ {'b':1,'a':2}|tojson(sort_keys=true) }}", "{{ {'a':[1,2]}|tojson(separators=(',',':')) }} {{ {'a':[1,2]}|tojson(indent=1,separators=(', ',' = ')) }}", "{{ {1:2,none:3,true:4,1.5:5}|tojson }}", "{{ (1,2)|tojson }} {{ range(2)|tojson }}", "{{ {'a':1}.items()|tojson }}", "{{ '</script>&\\''|tojson }}", "{{ 'a'|tojson|safe }}{{ 1e22|tojson }} {{ 'inf'|float|tojson }}", "{{ [[[]]]|tojson(indent=0) }} {{ [1]|tojson(indent=none) }} {{ [1]|tojson(indent='\t') }}", "{{ {(1,2):3}|tojson }}", "{{ namespace(a=1)|tojson }}", "{{ 'x/y'|tojson }}{{ '\\u2028'|tojson }}",
    ],
    "tests": [
        "{{ 1 is number }} {{ true is number }} {{ 1 is integer }} {{ true is integer }} {{ 1.0 is float }} {{ true is boolean }} {{ 'a' is string }} {{ [] is sequence }} {{ {} is sequence }} {{ {} is mapping }} {{ 'a' is sequence }} {{ 1 is iterable }} {{ 'a' is iterable }} {{ none is none }} {{ range is callable }} {{ 1 is callable }}", "{{ 4 is even }} {{ 3 is odd }} {{ 9 is divisibleby 3 }} {{ 9 is divisibleby(2) }} {{ 1 is eq 1 }} {{ 1 is equalto(2) }} {{ 1 is ne 2 }} {{ 1 is lt 2 }} {{ 1 is ge 2 }} {{ 1 is in [1] }} {{ 'a' is in('abc') }} {{ 1 is sameas 1 }} {{ true is true }} {{ 1 is true }} {{ false is false }}", "{{ 'abc' is lower }} {{ 'ABC' is upper }} {{ '1' is upper }} {{ 'aB' is lower }} {{ 'upper' is filter }} {{ 'odd' is test }} {{ 'x' is filter }}", "{{ 1 is not none }} {{ 1 is not string and 2 is number }} {{ not 1 is string }} {{ (1 is string) or true }}", "{{ 1 is nosuchtest }}", "{{ 'x' is string is true }}", "{{ namespace() is mapping }} {{ (1,) is sequence }} {{ none is iterable }} {{ 1.5 is number }} {{ '1' is number }}", "{{ [1,2] is eq([1,2]) }} {{ 'a' is eq 'a' and 1 }}", "{{ 'a' is odd }}",
    ],
    "methods of str": [
        "{{ ' a '.strip() }}|{{ 'xay'.strip('yx') }}|{{ '\n\na\n'.lstrip('\n') }}|{{ 'a\n'.rstrip() }}|{{ 'éaé'.strip('é') }}|{{ ' a'.strip(none) }}", "{{ 'a,b,,c'.split(',') }} {{ ' a  b '.split() }} {{ 'a,b,c'.split(',', 1) }} {{ 'a b c'.split(none, 1) }} {{ 'a,b,c'.rsplit(',', 1) }} {{ 'a b  c '.rsplit(none, 1) }} {{ ''.split() }} {{ ''.split(',') }} {{ 'a<think>b'.split('<think>')[-1] }}", "{{ 'a\nb\r\nc\rd'.splitlines() }} {{ 'a\n'.splitlines() }} {{ ''.splitlines() }} {{ 'a\n\nb'.splitlines(true) }}", "{{ 'abc'.startswith('ab') }} {{ 'abc'.endswith('bc') }} {{ 'abc'.startswith(('x','a')) }} {{ 'abc'.startswith('b', 1) }} {{ 'abc'.endswith('b', 0, 2) }} {{ ''.startswith('') }}", "{{ 'abcabc'.find('c') }} {{ 'abc'.find('x') }} {{ 'abcabc'.rfind('c') }} {{ 'éab'.find('b') }} {{ 'abcabc'.find('a', 1) }} {{ 'abc'.index('b') }} {{ 'aXbXc'.count('X') }} {{ 'aaa'.count('aa') }} {{ 'abc'.count('') }}", "{{ 'abc'.index('x') }}", "{{ 'aBc'.upper() }} {{ 'aBc'.lower() }} {{ 'hello wORLD it\\'s'.title() }} {{ 'hELLO'.capitalize() }} {{ 'aB'.swapcase() }}", "{{ 'aXbX'.replace('X', '-') }} {{ 'aXbX'.replace('X', '-', 1) }} {{ 'ab'.replace('', '.') }} {{ '-'.join(['a','b']) }} {{ ''.join('abc') }}", "{{ ','.join([1]) }}", "{{ 'abc'.removeprefix('a') }} {{ 'abc'.removesuffix('bc') }} {{ 'a=b=c'.partition('=') }} {{ 'a=b=c'.rpartition('=') }} {{ 'abc'.partition('x') }} {{ 'abc'.rpartition('x') }}", "{{ 'a'.center(4) }}|{{ 'a'.ljust(3, '.') }}|{{ 'a'.rjust(3) }}|{{ '-5'.zfill(4) }}|{{ 'é'.zfill(3) }}", "{{ 'abc'.isalpha() }} {{ '123'.isdigit() }} {{ 'a1'.isalnum() }} {{ ' '.isspace() }} {{ ''.isspace() }} {{ 'AB'.isupper() }} {{ 'a1'.islower() }} {{ '1'.isupper() }}", "{{ 'abc'.nosuch() }}", "{{ 'a'.split('') }}", "{{ 'abc'.strip(5) }}", "{{ '<think>x</think>y'.split('</think>')[-1].lstrip('\\n') }} {{ 'a</think>b'.split('</think>')[0].split('<think>')[-1].rstrip() }}", "{{ ('a' ~ 'b').upper() }} {{ 'a b'.split()[1] }} {{ 'x'.upper().lower() * 2 }}",
    ],
    "formatting": [
        "{{ '%s %s' % ('a', 1) }} {{ '%s' % 'x' }} {{ '%d%%' % 5 }} {{ '%5d|%-5d|%05d|%+d' % (1, 2, 3, 4) }} {{ '%.2f %e %g' % (1.005, 12345.678, 0.0001) }} {{ '%x %X %o %#x' % (255, 255, 8, 255) }} {{ '%r %s' % ('a', none) }} {{ '%(a)s %(b)d' % {'a': 1, 'b': 2} }} {{ '%c' % 'x' }} {{ '%10s|%-10s|%.2s' % ('a', 'b', 'cde') }}", "{{ '%s' % (1, 2) }}", "{{ '%d' % 'x' }}", "{{ '%s %s' % ('a',) }}", "{{ '{} {}'.format(1, 'a') }} {{ '{1}{0}'.format('a', 'b') }} {{ '{x}'.format(x=2) }} {{ '{{}}'.format() }} {{ '{0.a} {0[b]}'.format({'b': 1}) if false else 'k' }}", "{{ '{:>5}|{:<5}|{:^5}|{:*^7}'.format('a', 'b', 'c', 'd') }} {{ '{:05d} {:+} {:,} {:x} {:b} {:.2f} {:e} {:%}'.format(42, 1, 1234567, 255, 5, 3.14159, 12345.6789, 0.25) }} {{ '{!r} {!s}'.format('a', 'b') }}", "{{ '{:d}'.format('a') }}", "{{ '{}'.format() }}", "{{ '{'.format() }}", "{{ '%s' % [1, 2] }} {{ '%s' % {'a': 1} }} {{ 'x' % {} }} {{ 'x' % [] }}", "{{ '{:10.3f}|{:<8}|{:>8}|{:08.2f}'.format(3.14159, 1, 2.5, -3.14159) }} {{ '{:,.2f} {:_}'.format(1234567.891, 1234567) }}", "{% set l = [1] %}{{ 'x' % nope }} {{ 'x' % l }} {{ 'x' % range(2) }}", "{{ '%i' % 3.99 }} {{ '%s' % true }} {{ '%5.1f|' % 2.25 }}",
    ],
    "functions": [
        "{{ raise_exception('boom') }}", "{{ strftime_now('%d %b %Y') }} {{ strftime_now('%Y-%m-%d %H:%M:%S %A %j %B') }} [{{ strftime_now('') }}]", "{{ dict(a=1, b='x') }} {{ dict({'a': 1}, b=2) }} {{ dict([('a', 1)]) }} {{ dict() }}", "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}{{ c.reset() }}{{ c.next() }}", "{% set j = joiner('|') %}{% for i in [1,2,3] %}{{ j() }}{{ i }}{% endfor %}", "{{ range(2, 8, 3)|list }} {{ range(3)[1] }} {{ range(-2)|list }}", "{{ messages() }}", "{{ 'a'() }}", "{{ none() }}", "{{ range('a') }}", "{{ namespace(x=[1,2]).x[1] }}",
    ],
    "syntax errors": [
        "{% if %}", "{% if x %}", "{% endif %}", "{% for x %}{% endfor %}", "{{ }}", "{{ 1 + }}", "{{ (1 }}", "{{ [1 }}", "{{ 'a }}", "{% set %}", "{% set 1 = 2 %}", "{% foo %}", "{# open", "{% raw %}x", "{{ a b }}", "{% for a in b %}{% endif %}", "{{ 1 | }}", "{{ x is }}", "{% break %}", "{% macro f(a=1, b) %}{% endmacro %}", "{{ f(a=1, 2) }}", "{{ {1} }}", "{{ a. }}", "{{ ] }}", "{% if x %}{% else %}{% elif y %}{% endif %}", "{{ \"\\x4\" }}", "{% set true = 1 %}", "{{ a = 1 }}", "{{ $ }}", "{{ 1.2.3 }}", "{% macro f() %}", "{% block %}{% endblock %}", "{% extends 'a' %}", "{% include 'a' %}", "{% import 'a' as b %}", "{{ x", "{{", "{%", "{% if x }}",
    ],
    "as models do": [
        "{% macro open(tag, attrs=[]) -%}<{{ tag }}{% for a in attrs %} {{ a[0] }}=\"{{ a[1] | string | replace('\"', '&quot;') }}\"{% endfor %}>{%- endmacro %}{% macro next(state) %}{% set state.n = state.n + 1 %}{{ state.n }}{% endmacro %}{% set state = namespace(n=0, calls=none) %}{{ next(state) }}{{ next(state) }}{% set attrs = [('role', 'user')] %}{% if messages[0].get('name', messages[0].get('role')) %}{% set attrs = attrs + [('name', 'x\"y')] %}{% endif %}{{ open('m', attrs) }}{{ open('n') }}{{ state.n }}",
        "{% macro sorted_json(v) %}{% if v is mapping %}{{ '{' }}{% for k, item in v | dictsort %}{{ ',' if not loop.first }}{{ k | tojson }}:{{ sorted_json(item) }}{% endfor %}{{ '}' }}{% elif v is string or v is number or v is none %}{{ v | tojson }}{% else %}[{% for item in v %}{{ ',' if not loop.first }}{{ sorted_json(item) }}{% endfor %}]{% endif %}{% endmacro %}{{ sorted_json(messages[2].tool_calls) }}",
        "{% macro python_type(s) %}{% set map = {'string': 'str', 'integer': 'int'} %}{% if map[s.type] is defined %}{{ map[s.type] }}{% elif s.type == 'array' %}{{ 'List[' + python_type(s['items']) + ']' }}{% elif s.type is iterable %}{{ 'Union[' }}{% for t in s.type %}{{ python_type({'type': t}) }}{{ ',' if not loop.last }}{% endfor %}{{ ']' }}{% else %}Any{% endif %}{% endmacro %}{{ python_type({'type': 'array', 'items': {'type': ['string', 'integer']}}) }} {{ python_type({'type': 'array'}.items) }} {{ python_type({}) }}",
        "{% for m in messages %}{% if m.role == 'assistant' %}{% set run = namespace(found=[]) %}{% for next in messages[loop.index0:] %}{% if next is not mapping or next.role == 'user' %}{% break %}{% endif %}{% set run.found = run.found + [next.role] %}{% endfor %}{{ run.found }}{% endif %}{% endfor %}",
        "{% set ns = namespace(thinking=true) %}{% set ns.text = (messages[1]['content'] | default('', true)).replace('H', '').strip() %}{{ ns.text is defined and ns.text != '' }}{{ ns.other is defined }}{% set messages = messages[1:] if messages[0]['role'] == 'system' else messages %}{{ messages | length }}{{ ', ' if not messages[-1].x and (messages[0].role == 'user') else '' }}{{ messages[-1]['content'] if 'content' in messages[-1] else [] }}",
        "{% macro ts(schema, indent='', root=none) %}{% set _root = schema if root is none else root %}{{ '{\n' }}{% for k, v in schema.get('properties', {}).items() if k not in ['skip'] and v is not none %}{{ indent + '  ' + k + ('' if k in schema.get('required', []) + ['z'] else '?') + ': ' + (ts(v, indent + (' ' * 2), _root) if v is mapping and v.get('properties') else (v.type or 'any')) + ',\n' }}{% endfor %}{{ indent[:-2] + '}' }}{% endmacro %}{{ ts({'properties': {'a': {'type': 'string'}, 'skip': {}, 'b': {'properties': {'c': {}}}}, 'required': ['a']}, '  ') }}",
        "{% set names = messages[2].tool_calls | map(attribute='function') | map(attribute='name') | list %}{{ names | join(',') }}{{ messages | selectattr('role', 'in', ['user', 'tool']) | map(attribute='content') | select('string') | list }}{% for m in messages if m.tool_calls is not defined or not m.tool_calls %}{{ loop.index }}{% endfor %}",
        "{%- set today = strftime_now('%B %d, %Y') if strftime_now is defined else '' %}{{ today }}{%- set opts = {'low': 1} %}{{ opts.get(reasoning_effort, opts['low']) }}{{ '%02d' % 7 }}{{ ('a' if add_generation_prompt else 'b') ~ (tools | tojson) }}",
        "{%- for message in messages[::-1] %}{%- set index = (messages|length - 1) - loop.index0 %}{{ index }}{{ message.role[0] }}{% endfor %}", "{%- set ns = namespace(multi=true, last=messages|length - 1) %}{%- for m in messages[::-1] %}{%- if ns.multi and m.role == 'user' and m.content is string and not (m.content.startswith('<t>') and m.content.endswith('</t>')) %}{%- set ns.multi = false %}{%- set ns.last = loop.index0 %}{%- endif %}{%- endfor %}{{ ns.last }}", "{% set content = messages[2].content %}{%- if '</think>' in content %}{%- set r = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}{%- set content = content.split('</think>')[-1].lstrip('\\n') %}[{{ r.strip('\\n') }}][{{ content }}]{% endif %}",
        "{%- for tool_call in messages[2].tool_calls %}{%- if tool_call.function %}{%- set tool_call = tool_call.function %}{%- endif %}{{- '\\n{\"name\": \"' + tool_call.name + '\", \"arguments\": ' }}{{- tool_call.arguments | tojson }}{{- '}' }}{%- endfor %}", "{%- for k, v in messages[2].tool_calls[0].function.arguments|items %}<{{ k }}>{{ v | tojson if v is mapping or (v is sequence and v is not string) else v | string }}</{{ k }}>{% endfor %}", "{%- macro visible_text(content) -%}{%- if content is string -%}{{- content }}{%- elif content is iterable and content is not mapping -%}{%- for item in content -%}{%- if item is mapping and item.type == 'text' -%}{{- item.text }}{%- elif item is string -%}{{- item }}{%- endif -%}{%- endfor -%}{%- else -%}{{- content }}{%- endif -%}{%- endmacro -%}{% for m in messages %}[{{ visible_text(m.content) }}]{% endfor %}",
        "{%- if not date_string is defined %}{%- if strftime_now is defined %}{%- set date_string = strftime_now('%d %b %Y') %}{%- else %}{%- set date_string = '26 Jul 2024' %}{%- endif %}{%- endif %}{{ date_string }}", "{%- if messages[0]['role'] == 'system' %}{%- set system_message = messages[0]['content']|trim %}{%- set messages = messages[1:] %}{%- else %}{%- set system_message = '' %}{%- endif %}{{ system_message }}{{ messages|length }}", "{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ loop.index0 }}{% endif %}{% endfor %}", "{{ bos_token }}{% for m in messages %}{% if m.content is string %}{{ '[INST] ' + m.content + ' [/INST]' + eos_token }}{% endif %}{% endfor %}", "{%- set loop_messages = messages %}{%- for message in loop_messages %}{%- set content = '<|' + message['role'] + '|>\\n\\n' ~ message['content'] | trim + '<|e|>' %}{%- if loop.index0 == 0 %}{%- set content = bos_token + content %}{%- endif %}{{- content }}{%- endfor %}",
        "{%- set tools = tools if tools is not none else [] %}{{ tools|length }}{% if tools %}T{% endif %}{{ (tools or []) | tojson }}", "{{ 'gen' }}", "{%- for role, group in messages | groupby('role') %}{{ role }}{{ group|length }} {% endfor %}", "{%- set user_messages = messages | selectattr('role', 'equalto', 'user') | list %}{{ (user_messages | last).content[0].text }}", "{{- messages | map(attribute='role') | unique | join(', ') }}", "{% set required = ['a'] %}{% for p in ['a','b'] %}{{ p }}{{ '' if p in required else '?' }}: {{ 'x' }}{{ ', ' if not loop.last }}{% endfor %}", "{{ {'type': 'string', 'enum': ['a', 'b']}.enum | map('tojson') | join(' | ') }}", "{{ messages[3].content.ok + 1 }} {{ (messages | length) % 2 == 1 }} {{ messages | last | attr('role') is defined }}",
        "{%- set x = 'a' -%}{%- set x = x ~ 'b' -%}{%- set x = x ~ '\\n' -%}{{ x | trim }}", "{% set ns = namespace(s='') %}{% for m in messages %}{% set ns.s = ns.s + m.role %}{% set ns.s = ns.s + '|' %}{% endfor %}{{ ns.s }}", "{{ 'a' if messages[0].role == 'system' else raise_exception('no system') }}", "{% if messages[0].role != 'user' %}{{ raise_exception('Only user: ' ~ messages[0].role) }}{% endif %}",
    ],
}


def main():
    env = environment()
    path = pathlib.Path(__file__).resolve().parent.parent / "tests/golden/chat/cases.jsonl"
    with path.open("w", encoding="utf-8") as out:
        for group, templates in CASES.items():
            for i, template in enumerate(templates):
                rendered, error = render(env, template, {})
                row = {"case": f"{group} {i}", "template": template, "rendered": rendered}
                if error:
                    row["error"] = error
                out.write(json.dumps(row, ensure_ascii=False) + "\n")
    context = {"messages": MESSAGES, "bos_token": "<s>", "eos_token": "</s>", "strftime_now": NOW}
    path.with_name("context.json").write_text(json.dumps(context, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
