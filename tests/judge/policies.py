# SPDX-License-Identifier: MIT
"""Random policies: few names, so that rules overlap, and much that is odd."""
import ctypes
import os
import random

NAMES = r"""
    a b ab lib usr a.b x+y c-1 d_e e,f Q ] } q:r x
""".split()
# As they stand in an expression that means just that name.
EXACT = {"a.b": ["a\\.b", "a[.]b", "\\Qa.b\\E"], "x+y": ["x\\+y", "x[+]y"],
         "c-1": ["c-1", "c\\-1"], "d_e": ["d_e", "d\\_e"], "e,f": ["e,f", "e\\,f"],
         "]": ["\\]", "]"], "}": ["\\}", "}"], "q:r": ["q:r", "q\\:r"], "Q": ["Q", "\\x51"]}
LOOSE = r"""
    [^/]+ [^/]* a.* .?b (a|ab) (a|b)+ [a-c]* lib(64)? x.y a{1,2} a{2,} a{2} a{,2} b{0,1}
    (?:a|b)b? [[:alpha:]]+ []x] [^]a] . .. .+ .*? a+? [a\]b] [.] (lib|usr) (ab|a)(b|) a|b ()a
    [\x80-\xff] \. a\eb a\\b (a(b(x)?)?)? a\tb .{2,3}
""".split()
# What only PCRE2 can do; none that costs more than its text is long.
PCRE = r"""
    (?=a)a. a(?!b). (a|b)\1 a++b [ab]*+x \d \w+ \S (?i)aB (?i:LIB) (?>a|ab)b (?<=/)a
    (?<n>a|b)\k<n> \Ba \ba\b \Qa+b\E a(?#note)b \x61 (?(?=a)ab|b) \R \N a\Z \Kb ^a a$ (^)b
""".split()
VERBS = r"""
    (*COMMIT) (*F) (*ACCEPT) (*PRUNE) (*SKIP) (*THEN) (?C1) \K
""".split()
# Pieces for expressions by chance: one byte each, nothing wide, more than a byte.
NARROW = r"""
    a b b x l Q : _ , = ! < > @ % ~ & ; ' " / / \. \/ \\ \a \t \x61 \x{62} \141 \o{142} \cA \-
    \_ \: \{ ] } { a{ b{, \Qa\E \Q.\E \E \Q\E
""".split()
WIDE = r"""
    . \d \D \w \W \s \S \h \H \v \V \N [ab] [^ab] [a-c] [^/] []a] [^]a] [a\]b] [a-] [-a] [a\-c]
    [\w.-] [[:alpha:]] [[:^digit:]x] [^[:space:]] [\x61-\x63] [\Qa-c\E] [/-9] [^\n] [\d_] [.]
    [\b] [a^] [$] [a|b] [[] [[:lower:][:digit:]] [\Wa] [\e-a]
""".split()
POINTS = r"""
    \b \B ^ $ \A \z \Z \G (?=a) (?!a) (?<=/) (?<!/) (?=.*b) (?#x) (?i) (?-i) (?s) (?-s) (?m)
""".split()
QUANTIFIERS = r"""
    * + ? *? +? ?? *+ ++ ?+ {2} {0,2} {1,} {0} {,2} {1,2}? {2}{2} {,1}+ {0,1}? {3,}
""".split()
FEW = r"""
    ? {2} {0,2} ?? {1,2} {,2} ?+ {0}
""".split()
OPENERS = ["("] * 5 + ["(?:"] * 3 + ["(?i:", "(?>", "(?|", "(?-s:"]
TAILS = r"""
    (/.*)? /.* /.+ (/[^/]*)? .* /? /(a|b)? (/a|/b) (/a)* /+a /*a /?b /(a/)?b (|/a)
    (/(a|b)(/.*)?)? / //a \.so(\.[^/]*)* (\.a)? /./a /\.\. /a|/b
""".split()
HEADS = r"""
    (/a|/b) (/a/b|/b) (/a)? /a|/b .* /(a|b) /.? ^ [/] (?:/lib) /(a/b|b) /{1} a (/usr|/usr/lib) .
    /usr/* /a/? // ()
""".split()
TYPES = [""] * 4 + ["--", "-d", "-l", "-c", "-b", "-p", "-s"]
BLANKS = [" ", "\t", "  ", " \v", "\f"]
FILES = [""] * 6 + [".homedirs", ".local", ".local"]

PCRE2 = ctypes.CDLL("libpcre2-8.so.0")
PCRE2.pcre2_compile_8.restype = ctypes.c_void_p


def compiles(regex):
    """Whether this machine's PCRE2 takes it; what only a newer one takes is not made here."""
    text = b"^" + regex.encode("ascii") + b"$"
    number, at = ctypes.c_int(), ctypes.c_size_t()
    code = PCRE2.pcre2_compile_8(text, ctypes.c_size_t(len(text)), ctypes.c_uint32(0x20),
                                 ctypes.byref(number), ctypes.byref(at), None)
    if code:
        PCRE2.pcre2_code_free_8(ctypes.c_void_p(code))
    return bool(code)


class Style:
    """What a policy's expressions are like: a policy is seldom odd in all ways."""

    def __init__(self, r):
        self.heads = r.choice([0.02, 0.1, 0.4])  # how many begin oddly
        self.chance = r.choice([0.0, 0.05, 0.3])  # components made of pieces
        self.pcre = r.random() < 0.5  # with what is not regular


def piece(r, depth, style):
    """One atom and its quantifier. A group repeats a few times at most, whatever is in it:
    no expression here may cost PCRE2 much."""
    kind = r.random()
    if kind < 0.5:
        return r.choice(NARROW) + (r.choice(QUANTIFIERS) if r.random() < 0.25 else "")
    if kind < 0.75:
        return r.choice(WIDE) + (r.choice(QUANTIFIERS) if r.random() < 0.4 else "")
    if kind < 0.81 and style.pcre:
        return r.choice(POINTS if kind < 0.8 else VERBS)
    if depth == 0:
        return "a"
    body = "|".join(by_chance(r, depth - 1, style) for _ in range(r.choice([1, 1, 2, 3])))
    if r.random() < 0.1:
        body += "|"
    opener = r.choice(OPENERS) if style.pcre else r.choice(["(", "(?:"])
    return opener + body + ")" + (r.choice(FEW) if r.random() < 0.4 else "")


def by_chance(r, depth, style):
    return "".join(piece(r, depth, style) for _ in range(r.choice([1, 1, 2, 3])))


def component(r, plain, style):
    name = r.choice(NAMES)
    kind = r.random()
    if plain:
        return r.choice(EXACT.get(name, [name]))
    if kind < style.chance:
        return by_chance(r, 2, style)
    if kind > 0.95 and style.pcre:
        return r.choice(PCRE)
    if r.random() < 0.6:
        return r.choice(EXACT.get(name, [name]))
    return r.choice(LOOSE)


def expression(r, style):
    plain = r.random() < 0.35
    text = ""
    if not plain and r.random() < style.heads:
        text = r.choice(HEADS)
    for _ in range(r.choice([1, 1, 2, 2, 3, 3, 4, 5])):
        text += "/" + component(r, plain, style)
    if not plain and r.random() < 0.6:
        text += r.choice(TAILS)
    return text


def rule(r, regex):
    blank = r.choice(BLANKS)
    kind = r.choice(TYPES)
    context = "<<none>>" if r.random() < 0.1 else "c"
    more = " more" if kind and r.random() < 0.1 else ""
    end = r.choice(["\n", "\n", "\n", "\r\n"])
    lead = r.choice(["", "", "", " ", "\t"])
    return f"{lead}{regex}{blank}{kind}{blank}{context}{more}{end}"


def path(r):
    text = "".join("/" + r.choice(NAMES) for _ in range(r.choice([1, 1, 2, 2, 3])))
    kind = r.random()
    if kind < 0.05:
        return "/"
    if kind < 0.1:
        return text + "/"
    if kind < 0.13:
        return text.replace("/", "//", 1)
    return text


def substitutions(r):
    text = ""
    for _ in range(r.choice([0, 1, 2, 3, 5])):
        target = "relative" if r.random() < 0.03 else path(r)
        text += r.choice(["", " ", "# ", "\n"]) + f"{path(r)}{r.choice(BLANKS)}{target}"
        text += r.choice(["\n", "\r\n", " more\n"])
    return text


def is_good(regex):
    """Good for all versions: {,2} is text before PCRE2 10.43."""
    return regex[0] != "#" and compiles(regex) and compiles(regex.replace("{,", "{0,")) and \
        compiles(regex.replace("{,", "\\{,"))


def write(directory, seed):
    """A policy of 5 to 80 rules and what stands beside it."""
    r = random.Random(seed)
    style = Style(r)
    texts = {}
    known = []
    if r.random() < 0.7:
        texts[""] = "/.*\tc\n"
    for _ in range(r.choice([5, 15, 40, 80])):
        regex = expression(r, style)
        if known and r.random() < 0.2:
            regex = r.choice(known)
        if not is_good(regex):
            continue
        known.append(regex)
        suffix = r.choice(FILES)
        texts[suffix] = texts.get(suffix, "") + rule(r, regex)
        if r.random() < 0.05:
            texts[suffix] += r.choice(["\n", "# a comment\n", " \t\n"])
    texts.setdefault("", "/.*\tc\n")
    if r.random() < 0.5:
        texts[".subs"] = substitutions(r)
    if r.random() < 0.5:
        texts[".subs_dist"] = substitutions(r)
    os.makedirs(directory)
    for suffix, text in texts.items():
        with open(os.path.join(directory, "file_contexts" + suffix), "w",
                  encoding="ascii", newline="") as f:
            f.write(text)
