# SPDX-License-Identifier: MIT
"""The three libselinux that judge our labels, and policies whose contexts are marks.

A mark is FILE:LINE in the place of a context, so that an answer names the rule that won.
"""
import os
import re
import subprocess

TOP = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
PROGRAMS = os.path.join(TOP, "build", "release", "tests", "judge")
FIXTURES = os.environ.get("FIXTURES") or os.path.join(TOP, "build", "fixtures")

# Our name of a version, the Debian that ships it.
VERSIONS = {"3.4": "bookworm", "3.8": "trixie", "3.11": "testing"}
RULE_FILES = ("", ".homedirs", ".local")
SUBS_FILES = (".subs_dist", ".subs")


class Failure(Exception):
    """Something could not be done: no finding, but no result either."""


def make_roots():
    """Returns the directory of the roots, made where they are missing."""
    script = os.path.join(TOP, "tests", "fixtures", "mkjudges")
    done = subprocess.run([script, FIXTURES], stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise Failure("the roots of the judges could not be made")
    return done.stdout.decode().strip()


def package_versions(root):
    with open(os.path.join(root, "versions"), encoding="ascii") as f:
        return dict(line.split() for line in f)


def check_versions(roots):
    """A root with another libselinux than it is named for would judge wrongly.

    Only testing moves on; what a newer one there says else is news that the labeler has
    to learn, and shows as a difference.
    """
    texts = []
    for version, suite in VERSIONS.items():
        has = package_versions(os.path.join(roots, suite))
        selinux = has["libselinux1"]
        if not re.match(re.escape(version) + r"[.-]", selinux) and suite != "testing":
            raise Failure(f"Debian {suite} has libselinux {selinux}, and not {version}: "
                          "the labeler has to learn it")
        texts.append(f"libselinux {selinux} (PCRE2 {has['libpcre2-8-0']})")
    return ", ".join(texts)


def judge_command(roots, version):
    """judge, with the loader and the libraries of the root: needs no root and no chroot."""
    root = os.path.join(roots, VERSIONS[version])
    return [root + "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", "--library-path",
            root + "/usr/lib/x86_64-linux-gnu", os.path.join(PROGRAMS, "judge")]


def judge(roots, version, policy, queries, answers):
    """Starts a judge on files; returns the process."""
    with open(queries, "rb") as source, open(answers, "wb") as target:
        return subprocess.Popen(judge_command(roots, version) + [policy + "/file_contexts"],
                                stdin=source, stdout=target, stderr=subprocess.PIPE)


def finish(process):
    """Waits for a process; returns its standard error, or raises."""
    errors = process.communicate()[1].decode(errors="replace")
    if process.returncode != 0:
        raise Failure(f"{process.args[-1]}: {process.args[0]} ended with "
                      f"{process.returncode}: {errors}")
    return errors


def mark_line(line, name, number, keep_none):
    fields = line.split()
    if len(fields) < 2 or fields[0].startswith(b"#"):
        return line
    last = 2 if len(fields) > 2 else 1
    if keep_none and fields[last] == b"<<none>>":
        return line
    fields[last] = f"{name}:{number}".encode()
    return b"\t".join(fields[:last + 1]) + b"\n"


def mark(source, target, keep_none):
    """Copies the policy in directory source, with marks instead of contexts."""
    os.makedirs(target)
    for suffix in RULE_FILES + SUBS_FILES:
        name = "file_contexts" + suffix
        if not os.path.exists(os.path.join(source, name)):
            continue
        with open(os.path.join(source, name), "rb") as f:
            lines = f.read().splitlines(keepends=True)
        if suffix in RULE_FILES:
            lines = [mark_line(line, name, i + 1, keep_none)
                     for i, line in enumerate(lines)]
        with open(os.path.join(target, name), "wb") as f:
            f.write(b"".join(lines))


def split_file(source, parts, target):
    """Cuts a file of NUL-ended records into so many files; returns their names."""
    with open(source, "rb") as f:
        records = f.read().split(b"\0")[:-1]
    names = []
    size = -(-len(records) // parts) if records else 1
    for i in range(0, len(records), size):
        names.append(f"{target}.{i}")
        with open(names[-1], "wb") as f:
            f.write(b"".join(r + b"\0" for r in records[i:i + size]))
    return names


def head_file(source, count, target):
    """The first records of a file."""
    with open(source, "rb") as f:
        records = f.read().split(b"\0", count)
    with open(target, "wb") as f:
        f.write(b"".join(r + b"\0" for r in records[:count] if r))
