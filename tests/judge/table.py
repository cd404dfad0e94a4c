# SPDX-License-Identifier: MIT
"""The rows of docs/labels.md: policies, a path each, and what three versions answer, or what
all of them answer and we do."""
import os
import re
import stat
import subprocess

import judges

DOCUMENT = os.path.join(judges.TOP, "docs", "labels.md")
COLUMNS = ("3.4", "3.8", "3.11")
TYPES = {"--": stat.S_IFREG, "-d": stat.S_IFDIR, "-l": stat.S_IFLNK, "-c": stat.S_IFCHR,
         "-b": stat.S_IFBLK, "-p": stat.S_IFIFO, "-s": stat.S_IFSOCK}
CELL_END = re.compile(r"(?<!\\)\|")


class Row:
    def __init__(self, line, cells):
        self.line = line
        self.files = read_policy(cells[0], line)
        self.path, self.mode = read_path(cells[1], line)
        if len(cells) == 5:
            self.answers = self.ours = dict(zip(COLUMNS, cells[2:]))
        else:
            self.answers = dict.fromkeys(COLUMNS, cells[2])
            self.ours = dict.fromkeys(COLUMNS, cells[3])

    def write(self, directory):
        os.makedirs(directory)
        for suffix, lines in self.files.items():
            with open(os.path.join(directory, "file_contexts" + suffix), "w",
                      encoding="ascii") as f:
                f.write("".join(lines))


def read_policy(cell, line):
    files = {"": []}
    for part in cell.split("<br>"):
        match = re.fullmatch(r"(\.[a-z_]+)? *`([^`]+)`", part.strip())
        if not match:
            raise judges.Failure(f"{DOCUMENT}:{line}: cannot read '{part}'")
        files.setdefault(match.group(1) or "", []).append(match.group(2) + "\n")
    return files


def read_path(cell, line):
    match = re.fullmatch(r"`([^`]+)`(?: +`([^`]+)`)?", cell)
    if not match:
        raise judges.Failure(f"{DOCUMENT}:{line}: cannot read '{cell}'")
    path = match.group(1).replace("\\n", "\n").replace("\\e", "\033")
    kind = match.group(2)
    mode = 0 if not kind else TYPES[kind] if kind in TYPES else int(kind, 8)
    return path, mode


def read_rows():
    rows = []
    with open(DOCUMENT, encoding="utf-8") as f:
        for number, text in enumerate(f, 1):
            cells = [c.strip().replace("\\|", "|") for c in CELL_END.split(text.strip())[1:-1]]
            if len(cells) in (4, 5) and "`" in cells[0]:
                rows.append(Row(number, cells))
    if not rows:
        raise judges.Failure(f"{DOCUMENT}: there is no table")
    return rows


def ask(roots, version, row, policy):
    query = f"{row.mode:o} {row.path}\0".encode()
    done = subprocess.run(judges.judge_command(roots, version) + [policy + "/file_contexts"],
                          input=query, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=False)
    if done.returncode != 0:
        return done.stderr.decode(errors="replace").strip()
    return done.stdout.decode().rstrip("\0") or "-"


def check(roots, work, compare):
    """Returns how many rows there are, and what is wrong with them."""
    findings = []
    rows = read_rows()
    for row in rows:
        where = f"docs/labels.md:{row.line}"
        policy = os.path.join(work, f"row{row.line}")
        row.write(policy)
        queries = policy + ".queries"
        with open(queries, "wb") as f:
            f.write(f"{row.mode:o} {row.path}\0".encode())
        files = {}
        for version, answer in row.answers.items():
            got = ask(roots, version, row, policy)
            if got != answer:
                findings.append(f"{where}: {version} answers {got}, the document says {answer}")
            files[version] = f"{policy}.{version}"
            with open(files[version], "wb") as f:
                f.write(row.ours[version].replace("-", "").encode() + b"\0")
        for line in compare(policy, queries, files):
            findings.append(f"{where}: {line}")
    return len(rows), findings
