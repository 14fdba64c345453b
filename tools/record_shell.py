#!/usr/bin/env python3
"""Records `nmos chat` on the bundled models as an animated picture: record_shell.py NMOS OUT.svg

The shell runs in tmux, with an empty home; TYPED is typed at the pace of a person. Every line of the picture is what the
terminal showed at that moment. Where a viewer plays no animation, the last moment is seen."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
from xml.sax.saxutils import escape

COLUMNS, ROWS = 96, 20
TYPED = ["Write a Python function that adds two numbers.", "/stats"]
KEY_S = 0.11  # between two keys
ANSWER_S = 6  # after Enter
END_S = 3  # the last moment stays
CELL_W, CELL_H, PAD = 8.4, 18, 12
SGR = re.compile(r"\x1b\[([\d;]*)m")


def spans(line):
    """A line of `tmux capture-pane -e` as SVG tspans, without what only places the cursor."""
    out, at, style = [], 0, set()
    for match in [*SGR.finditer(line), None]:
        text = line[at:match.start() if match else len(line)]
        if text:
            names = " ".join(sorted(style))
            out.append(f'<tspan class="{names}">{escape(text)}</tspan>' if names else escape(text))
        if match:
            at = match.end()
            for code in (match[1] or "0").split(";"):
                if code == "0":
                    style = set()
                elif code in ("22", "27"):
                    style -= {"b", "d"} if code == "22" else {"r"}
                elif code in ("1", "2", "7"):
                    style = style | {{"1": "b", "2": "d", "7": "r"}[code]}
    return "".join(out)


class Terminal:
    def __init__(self, folder, command):
        self.socket = str(pathlib.Path(folder) / "socket")
        self.begin = time.monotonic()
        self.lines = [[] for _ in range(ROWS)]  # of each row: (second, spans)
        self.cursor = []
        self.tmux("new-session", "-d", "-x", str(COLUMNS), "-y", str(ROWS), command)

    def tmux(self, *args):
        return subprocess.run(["tmux", "-S", self.socket, "-f", "/dev/null", *args], check=True, stdout=subprocess.PIPE,
                              text=True).stdout

    def watch(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.look()
            time.sleep(0.05)

    def look(self):
        now = time.monotonic() - self.begin
        screen = self.tmux("capture-pane", "-e", "-p").split("\n")[:ROWS]
        for row, line in zip(self.lines, screen):
            line = spans(line.rstrip())
            if not row or row[-1][1] != line:
                row.append((now, line))
        at = self.tmux("display-message", "-p", "#{cursor_x} #{cursor_y}").split()
        if not self.cursor or self.cursor[-1][1] != at:
            self.cursor.append((now, at))


def timed(states, seconds, draw, number):
    """SVG of what follows one another in one place, each for its time, and the CSS for it."""
    svg, css = [], []
    for i, (begin, what) in enumerate(states):
        end = states[i + 1][0] if i + 1 < len(states) else None
        shape = draw(what)
        if not shape:
            continue
        name = f"s{number}-{i}"
        first, last = 100 * begin / seconds, 100 * (end or seconds) / seconds
        svg.append(f'<g id="{name}" visibility="{"hidden" if end else "visible"}">{shape}</g>')
        frames = f"0%{{visibility:hidden}}{first:.2f}%{{visibility:visible}}" + (f"{last:.2f}%{{visibility:hidden}}" if end else "")
        css.append(f"@keyframes {name}{{{frames}}}#{name}{{animation:{name} {seconds:.1f}s step-end infinite}}")
    return svg, css


def picture(terminal, seconds):
    width, height = COLUMNS * CELL_W + 2 * PAD, ROWS * CELL_H + 2 * PAD
    shapes, rules = [], []
    for y, row in enumerate(terminal.lines):
        svg, css = timed(row, seconds, lambda s, y=y: s and f'<text y="{PAD + (y + 0.75) * CELL_H:.1f}" x="{PAD}">{s}</text>', y)
        shapes += svg
        rules += css
    svg, css = timed(terminal.cursor, seconds, lambda at: f'<rect class="c" x="{PAD + int(at[0]) * CELL_W:.1f}" '
                     f'y="{PAD + int(at[1]) * CELL_H}" width="{CELL_W}" height="{CELL_H}"/>', ROWS)
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}">',
        "<style>text{font:14px/18px 'DejaVu Sans Mono',Menlo,Consolas,monospace;fill:#d8dee9;white-space:pre}"
        ".b{font-weight:bold;fill:#fff}.d{fill:#7f8ba0}.r{fill:#9fc7e8}.c{fill:#d8dee9;opacity:.55}",
        *rules, *css, "</style>", f'<rect width="{width:.0f}" height="{height:.0f}" rx="8" fill="#1d2430"/>',
        *shapes, *svg, "</svg>", ""])


def main():
    nmos, out = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        terminal = Terminal(folder, f"env -i HOME={folder} PATH={os.environ['PATH']} LANG=C.UTF-8 TERM=tmux-256color "
                                    f"{pathlib.Path(nmos).resolve()} chat; exec cat")
        try:
            terminal.watch(2.5)
            for text in TYPED:
                for key in text:
                    terminal.tmux("send-keys", "-l", key)
                    terminal.watch(KEY_S)
                terminal.watch(0.5)
                terminal.tmux("send-keys", "Enter")
                terminal.watch(ANSWER_S)
            seconds = time.monotonic() - terminal.begin + END_S
        finally:
            terminal.tmux("kill-server")
    pathlib.Path(out).write_text(picture(terminal, seconds))


if __name__ == "__main__":
    main()
